"""A run in words and tables: how it was made, what is missing, each lane's figures, the fairness ledger.

What the results page shows and what its report holds are these same texts.
"""

from compare import numbers
from compare.lane_names import lane_title
from compare.live import Provenance
from compare.run_measures import Measured
from compare.statistics import ONE_CASE, Estimate
from compare.summary import LaneSummary
from compare.takeaways import right_of

HASHES = "Texts stand as the first eight digits of their SHA-256: equal digits, equal texts."


def made(found: Measured) -> str:
    """What the run was made with, in one line."""
    plan, produced = found.run.plan, found.run.provenance
    sampling = plan.sampling
    parts = [
        "" if produced is None else produced.model,
        f"temperature {sampling.temperature:g}, top-p {sampling.top_p:g}",
        f"at most {numbers.plural(sampling.max_tokens, 'token')}",
        f"seed {plan.seed}",
        "one answer at a time" if plan.mode == "bench" else "answers share the machine",
        "" if produced is None else produced.knowledge,
        f"proof that adapters leave the base alone: {_proof(produced)}",
    ]
    return " · ".join(part for part in parts if part)


def _proof(produced: Provenance | None) -> str:
    if produced is None:
        return "unknown"
    reason = produced.proof_reason if produced.proof == "not run" else ""
    return f"{produced.proof}, as {reason}" if reason else produced.proof


def standing(found: Measured) -> str:
    """What is not there of the run; empty when all of it is."""
    there = f"{len(found.run.calls):,} of {found.planned:,} answers are there; the figures are of those."
    if len(found.run.calls) >= found.planned:
        return ""
    return f"This run {'is still going on' if found.run.status == 'running' else 'ended early'}: {there}"


def summary_rows(found: Measured) -> list[dict[str, str]]:
    """One row a lane, one column a question that people ask; columns without anything to say are left out."""
    rows = [_summary(lane_title(lane), found.summary[lane], once=found.once) for lane in found.lanes]
    empty = {"Says the same again": numbers.ABSENT, "Keeps the form": numbers.ABSENT, "Failed": "0"}
    empty["Not judged"] = "0"
    unused = {column for column, nothing in empty.items() if {row[column] for row in rows} == {nothing}}
    return [{column: text for column, text in row.items() if column not in unused} for row in rows]


def _summary(title: str, one: LaneSummary, *, once: bool) -> dict[str, str]:
    return {
        "Approach": title,
        "Right": right(one.passes, once=once),
        "Says the same again": numbers.percent(one.modal_share),
        "Keeps the form": _kept_form(one, once=once),
        "Half done within": numbers.seconds(one.total_ms.p50 if one.total_ms else None),
        "Tokens read": numbers.count(one.prompt_tokens_mean),
        "Tokens written": numbers.count(one.completion_tokens_mean),
        "Answers": numbers.count(one.n_calls),
        "Failed": numbers.count(one.n_failed),
        "Not judged": numbers.count(one.n_unscored),
    }


def right(rate: Estimate | None, *, once: bool) -> str:
    """The share of right answers with its interval where there may be one; else counts alone."""
    if rate is None:
        return "nothing judged"
    if rate.enough or rate.method == ONE_CASE:
        return f"{numbers.percent(rate.value)} ({numbers.percent_range(rate.low, rate.high)})"
    return right_of(rate, once=once)


def _kept_form(one: LaneSummary, *, once: bool) -> str:
    rate = one.format_valid
    if rate is None:
        return numbers.ABSENT
    return numbers.percent(rate.value) if rate.enough else right_of(rate, once=once)


def losses(found: Measured) -> list[str]:
    """A sentence for each lane with failed answers, how they count included."""
    said = []
    for lane in found.lanes:
        failed = [call for call in found.calls[lane] if call.status == "failed"]
        own = sum(call.failed_by_itself for call in failed)
        lost = f" {numbers.plural(len(failed) - own, 'answer')} the machine lost: they count nowhere."
        if failed:
            many = numbers.share(len(failed), len(found.calls[lane]))
            said.append(
                f"{found.names[lane]}: {many} answers failed. The share of right "
                "answers leaves them out; in comparisons they count as not right."
                + (lost if own < len(failed) else "")
            )
    return said


def ledger_rows(found: Measured) -> list[dict[str, str]]:
    """Everything in which the lanes differ or not, a row each; none before the run has ended."""
    entries = found.run.ledger
    if not entries:
        return []
    lanes = [lane for lane in found.lanes if lane in entries[0].values]
    return [
        {
            "What": entry.what,
            "Belongs to": entry.lever or "no lever",
            "Differs": "yes" if entry.differs else "no",
            **{lane_title(lane): entry.values[lane] for lane in lanes},
        }
        for entry in entries
    ]
