"""The sections of a report that say whether its figures may be believed: fairness, the base model untouched,
leakage, what people said.
"""

from backends.ledger import sentence
from compare import numbers
from compare.lane_names import lane_title
from compare.lanes import is_trained
from compare.leakage_words import leak_rows, of_leakage, rate_rows
from compare.rating_facts import criteria_of, judged_checks, notes_on, of_leaderboard
from compare.ratings import ALL, agreement, blind, leaderboard, mean_scores, too_few, votes_of
from compare.report_basis import Basis
from compare.report_content import Block, Items, Section, Table, Text, quoted, table_of
from compare.run_facts import HASHES

MOST_LEAKS = 50
"""Pairs of a case and an example that a report shows."""
_RESULTS = "python -m compare results {} --json"


def fairness(basis: Basis) -> Section:
    """Everything in which the approaches differ, and what is the same in all."""
    run, found = basis.run, basis.found
    entries = run.ledger or ()
    lanes = [lane for lane in found.lanes if entries and lane in entries[0].values]
    apart = [entry for entry in entries if entry.differs]
    same = [entry for entry in entries if not entry.differs]
    blocks: list[Block] = [Text(text=sentence(run.ledger, found.names), look="lead")]
    if apart:
        columns = ("Approach", *(f"{entry.what} ({entry.lever or 'no lever'})" for entry in apart))
        rows = tuple((lane_title(lane), *(entry.values[lane] for entry in apart)) for lane in lanes)
        blocks.append(Table(caption="In what the approaches differ", columns=columns, rows=rows))
    if same:
        rows = tuple((entry.what, next(iter(entry.values.values()))) for entry in same)
        blocks.append(Table(caption="What is the same in all", columns=("What", "Value"), rows=rows))
    if entries:
        blocks.append(Text(text=HASHES, look="soft"))
    return Section(
        key="fairness", title="Is the comparison fair?", blocks=tuple(blocks), source=_RESULTS.format(run.id)
    )


def contamination(basis: Basis) -> Section:
    """Whether adapters left the base model alone."""
    produced = basis.run.provenance
    proof = "not run" if produced is None else produced.proof
    reason = "" if produced is None else produced.proof_reason
    said = {
        "passed": "Passed: with the adapters loaded, answers without an adapter come bit for bit from the "
        "untouched base model.",
        "failed": f"Failed, so these figures must not be used: {reason}",
    }.get(
        proof,
        f"Not run{f', as {reason}' if reason else ''}: whether the base model is untouched is not known.",
    )
    adapters = () if produced is None else produced.adapters
    rows = tuple((adapter.key, adapter.hash, adapter.proof) for adapter in adapters)
    blocks: list[Block] = [Text(text=said, look="plain" if proof == "passed" else "note")]
    if rows:
        blocks.append(
            Table(caption="Adapters", columns=("Adapter", "Hash of its weights", "Proof"), rows=rows)
        )
    return Section(
        key="contamination", title="Was the base model left alone?", blocks=tuple(blocks),
        source=_RESULTS.format(basis.run.id),
    )  # fmt: skip


def leakage(basis: Basis) -> Section:
    """Which cases the adapters had learnt from, and the rates without them."""
    said = of_leakage(basis.run)
    if not said:
        over = basis.run.ledger is not None
        trained = any(map(is_trained, basis.run.plan.lanes))
        said = (
            "No approach was trained, so nothing can have leaked."
            if over and not trained
            else ("Whether the adapters had learnt from these cases is known when the run has ended.")
        )
    leaks = leak_rows(basis.run)
    shown = [
        {**row, "Question": quoted(row["Question"]), "Example": quoted(row["Example"])}
        for row in leaks[:MOST_LEAKS]
    ]
    left = len(leaks) - len(shown)
    blocks: list[Block] = [
        Text(text=said, look="note" if leaks else "plain"),
        *table_of("With and without these cases", rate_rows(basis.found)),
        *table_of("The cases, and the examples that they are like", shown),
        *(
            [Text(text=f"The command below lists {numbers.count(left)} more.", look="soft")]
            if left > 0
            else []
        ),
    ]
    return Section(
        key="leakage", title="Had it been learnt before?", blocks=tuple(blocks),
        source=_RESULTS.format(basis.run.id),
    )  # fmt: skip


def ratings(basis: Basis) -> Section | None:
    """What people said, and how far they agree; None where nobody judged."""
    judgements = basis.judgements
    done = blind(judgements)
    if not any(one.state == "done" for one in judgements):
        return None
    found = basis.found
    groups = {case.id: case.group or case.id for case in basis.run.plan.cases}
    votes = votes_of(judgements)
    standings = leaderboard(votes, groups)
    few = [frozenset(pair[:2]) for pair in too_few(votes)]
    raters = len({one.rater for one in done})
    said = (
        f"{numbers.plural(len(done), 'blind judgement')} by {numbers.plural(raters, 'person', 'people')}, "
        "who did not know whose answers they judged."
    )
    best = of_leaderboard(standings, few, found.names)
    blocks: list[Block] = [
        Text(text=said),
        *([Text(text=best, look="lead")] if best else []),
        *_scores(basis, groups),
        *table_of(
            "Who is preferred",
            [
                {
                    "Approach": lane_title(one.lane),
                    "Preferred": numbers.percent(one.preferred),
                    "95 % interval": numbers.percent_range(one.low, one.high) if one.enough else "too few",
                    "Won": numbers.count(one.wins),
                    "Tied": numbers.count(one.ties),
                    "Lost": numbers.count(one.losses),
                }
                for one in standings
            ],
        ),
        *_agreement(basis),
        *table_of("Checks against people", judged_checks(found, judgements)),
    ]
    notes = tuple(notes_on(found, judgements))
    return Section(
        key="ratings", title="What people say", blocks=(*blocks, *([Items(items=notes)] if notes else [])),
        source=f"python -m compare ratings {basis.run.id} --json",
    )  # fmt: skip


def _scores(basis: Basis, groups: dict[str, str]) -> tuple[Table, ...]:
    means = mean_scores(basis.judgements, groups)
    criteria = criteria_of(basis.judgements)
    rows = []
    for lane in (one for one in basis.found.lanes if one in means):
        scores = {name: means[lane].get(name) for name in criteria}
        told = {
            name: numbers.ABSENT
            if one is None
            else numbers.score(one.value, one.low, one.high)
            if one.enough
            else numbers.score(one.value)
            for name, one in scores.items()
        }
        rows.append({"Approach": lane_title(lane), **told})
    return table_of("Mean scores, 1 to 5", rows)


def _agreement(basis: Basis) -> tuple[Table, ...]:
    """Krippendorff's alpha, where two people judged the same."""
    criteria = criteria_of(basis.judgements)
    found = {
        name: agreement(basis.judgements, name) for name in (*criteria, *([ALL] if len(criteria) > 1 else []))
    }
    found["which is better"] = agreement(basis.judgements)
    rows = [
        {"Agreement of raters on": name, "Krippendorff's alpha": numbers.coefficient(alpha)}
        for name, alpha in found.items()
        if alpha is not None
    ]
    return table_of("Agreement", rows)
