"""``results``: a stored scenario run in figures, the same each time they are computed."""

import argparse
from collections.abc import Mapping
from dataclasses import asdict, fields

import numpy as np

from backends.ledger import LedgerEntry, is_controlled, sentence
from compare.command import BROKEN, FINE, Outcome
from compare.judged import JudgedCall
from compare.leakage_words import leakage_document, of_leakage
from compare.measured import StoredRun
from compare.numbers import count, percent, seconds
from compare.statistics import ONE_CASE
from compare.store import store
from compare.summary import LaneSummary, summarise, summary_document
from compare.takeaways import right_of

MEASURES = (
    "n_cases", "n_calls", "n_failed", "n_unscored", "n_groups", "pass_rate", "tar_raw", "tar_parsed",
    "modal_share", "semantic_agreement", "lexical_agreement", "format_valid", "pass_k", "ttft_ms_p50",
    "ttft_ms_p95", "total_ms_p50", "tokens_per_second_p50", "prompt_tokens_mean", "completion_tokens_mean",
    "citation_precision", "citation_recall", "invented_citations", "unsupported_citations", "grounded",
)  # fmt: skip
"""The figures of a lane that are single numbers, as the document names them."""


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the command to the command line."""
    command = commands.add_parser("results", help="show the figures of a stored run")
    command.add_argument("run_id", metavar="RUN")
    command.add_argument("--calls", action="store_true", help="with --json, give every call too")
    return command


def run(options: argparse.Namespace) -> Outcome:
    """Compute the figures from the store alone.

    Raises:
        BadInput: there is no such run.
    """
    kept = store()
    stored = kept.stored_run(options.run_id)
    return outcome_of(stored, kept.vectors(stored), calls=options.calls)


def outcome_of(stored: StoredRun, vectors: Mapping[str, np.ndarray], *, calls: bool) -> Outcome:
    """A run's figures, as JSON and as a table for people; ``vectors`` are the answers' embeddings."""
    summary = summarise(stored.calls, stored.plan, vectors)
    provenance = stored.provenance
    document: dict[str, object] = {
        "run_id": stored.id,
        "scenario": stored.plan.scenario,
        "status": stored.status,
        "mode": stored.plan.mode,
        "model": provenance and provenance.model,
        "proof": provenance and provenance.proof,
        "controlled": None if stored.ledger is None else is_controlled(stored.ledger),
        "ledger": None if stored.ledger is None else [_entry(entry) for entry in stored.ledger],
        "leakage": leakage_document(stored),
        "backends": summary_document(summary),
    }
    if calls:
        document["calls"] = [_call(call) for call in stored.calls]
    done = any(call.status == "done" for call in stored.calls)
    return Outcome(document=document, text=_text(stored, summary), exit_code=FINE if done else BROKEN)


def _entry(entry: LedgerEntry) -> dict[str, object]:
    return {**asdict(entry), "differs": entry.differs}


def _call(call: JudgedCall) -> dict[str, object]:
    found: dict[str, object] = {field.name: getattr(call, field.name) for field in fields(call)}
    del found["passages"]  # They are of the prompt; the JSONL export gives them.
    found["timing"] = call.timing and asdict(call.timing)
    found["usage"] = call.usage and asdict(call.usage)
    found["checks"] = [{"kind": kind, "result": result} for kind, result in call.checks]
    found["outcome"] = call.outcome()
    return found


def _text(stored: StoredRun, summary: dict[str, LaneSummary]) -> str:
    plan = stored.plan
    asked = f"{count(len(plan.cases))} cases, {plan.repeats} repeats, {plan.mode}"
    lines = [f"{plan.scenario}: {asked}, {stored.status}", ""]
    lines += [f"{lane:14}{_line(found, once=plan.once)}" for lane, found in summary.items()]
    names = {lane: lane for lane in plan.lanes}
    leaked = of_leakage(stored)
    said = [sentence(stored.ledger, names), *([leaked] if leaked else []), f"run {stored.id}"]
    return "\n".join([*lines, "", *said])


def _line(found: LaneSummary, *, once: bool) -> str:
    passes = found.passes
    if passes is None:
        right = "nothing to judge"
    elif passes.enough or passes.method == ONE_CASE:
        right = f"right {percent(passes.value)} (95 %: {percent(passes.low)} to {percent(passes.high)})"
        right += ", of this question only" if passes.method == ONE_CASE else ""
    else:
        right = f"right on {right_of(passes, once=once)}, too few to say more"
    parts = [right]
    if found.modal_share is not None:
        parts.append(f"same answer {percent(found.modal_share)}")
    if found.total_ms is not None:
        parts.append(f"half within {seconds(found.total_ms.p50)}")
    if found.n_failed:
        parts.append(f"{count(found.n_failed)} failed")
    if found.n_unscored:
        parts.append(f"{count(found.n_unscored)} not judged")
    return ", ".join(parts)
