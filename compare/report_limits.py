"""The sections of a report that say what it does not know, and exactly what was measured."""

import hashlib
import json
from dataclasses import asdict

from backends.ledger import is_controlled
from backends.registry import registry
from compare import numbers
from compare.lane_names import lane_name, lever_name
from compare.lanes import backend_of
from compare.measured import StoredRun
from compare.report_basis import Basis
from compare.report_content import Block, Items, Section, Table, Text
from compare.run_facts import standing
from compare.statistics import LEAST_GROUPS
from compare.verdict import CONTROLS


def limits(basis: Basis) -> Section:
    """What was not measured, or not well: only what is so of this run."""
    said = tuple(filter(None, (*_of_cases(basis), *_of_answers(basis), *_of_setting(basis))))
    return Section(key="limits", title="What this cannot tell", blocks=(Items(items=said),))


def _of_cases(basis: Basis) -> list[str]:
    run = basis.run
    tuned = sum(case.split == "dev" for case in run.plan.cases)
    groups = {case.group or case.id for case in run.plan.cases if case.split == "test"}
    asked = {backend_of(lane) for lane in run.plan.lanes}
    missing = [name for name in registry() if name not in asked and name not in CONTROLS]
    few = len(groups) < LEAST_GROUPS
    return [
        standing(basis.found),
        f"There are {numbers.plural(len(groups), 'different fact')}, fewer than {LEAST_GROUPS}: too few to "
        "infer anything." if few else "",
        f"No verdict rests on the {numbers.plural(tuned, 'question')} for tuning." if tuned else "",
        f"Not asked, so nothing is known of them: {numbers.listed([lever_name(name) for name in missing])}."
        if missing else "",
        "The right passage was not asked, so what wrong answers without documents lack is not known."
        if "oracle" not in asked and any(case.source for case in run.plan.cases) else "",
    ]  # fmt: skip


def _of_answers(basis: Basis) -> list[str]:
    found, plan = basis.found, basis.run.plan
    unscored = {lane: many for lane in found.lanes if (many := found.summary[lane].n_unscored)}
    steady = "how steady answers are was not measured"
    return [
        *_of_failures(basis),
        f"Each question was asked once: {steady}." if plan.repeats == 1 else "",
        f"At temperature 0 repeats are copies of one answer: {steady}."
        if plan.repeats > 1 and plan.copies else "",
        "Answers that no check could judge: "
        + numbers.listed([f"{many:,} of {lane_name(lane)}" for lane, many in unscored.items()]) + "."
        if unscored else "",
        "" if any(one.state == "done" for one in basis.judgements)
        else "Nobody judged the answers: “right” means that they passed the checks of their questions.",
    ]  # fmt: skip


def _of_failures(basis: Basis) -> list[str]:
    said = []
    for lane, calls in basis.found.calls.items():
        failed = [call for call in calls if call.status == "failed"]
        own = sum(call.failed_by_itself for call in failed)
        if failed:
            many = numbers.share(len(failed), len(calls))
            said.append(
                f"{many} answers of {lane_name(lane)} failed: {own:,} by its own fault, which count as not "
                "right, the others by the machine's, which count nowhere."
            )
    return said


def _of_setting(basis: Basis) -> list[str]:
    run = basis.run
    produced = run.provenance
    unknown = [one.lane for one in basis.costs.values() if one.per_answer is not None and one.unknown]
    shared = "Answers shared the machine, so each looks slower than it is alone."
    blocks = (
        "Approaches were asked one after another, each in its own stretch of time: what slowed the machine "
        "meanwhile slowed one of them alone."
    )
    return [
        "The approaches differ in more than one lever at a time; see the fairness ledger."
        if run.ledger and len(run.plan.lanes) > 1 and not is_controlled(run.ledger) else "",
        shared if run.plan.mode == "demo" else "",
        blocks if run.plan.mode == "bench" and _in_blocks(run) else "",
        "What produced the answers is not known." if produced is None
        else f"One base model ({produced.model}) on one machine ({produced.device}, {produced.dtype}): "
        "another base model may need another rung.",
        f"What it costs to set up was not all measured: {numbers.listed(list(map(lane_name, unknown)))}."
        if unknown else "",
        "It is not shown that the lever reaches the bar."
        if basis.solved is not None and not basis.meets_bar else "",
    ]  # fmt: skip


def _in_blocks(run: StoredRun) -> bool:
    """Whether an approach was first asked after others had ended: calls are stored as they end."""
    places: dict[str, list[int]] = {}
    for number, call in enumerate(run.calls):
        places.setdefault(call.lane, []).append(number)
    spans = sorted((of[0], of[-1]) for of in places.values())
    return any(start > max(end for _, end in spans[:n]) for n, (start, _) in enumerate(spans) if n)


def configuration(basis: Basis) -> Section:
    """What was asked, of what, with what: enough to ask it again."""
    run, told = basis.run, basis.settings
    plan, produced, texts = run.plan, run.provenance, asdict(run.plan.texts)
    answers = sorted((call.case_id, call.lane, call.repeat, call.status, call.text) for call in run.calls)
    asked = [
        ("Run", run.id),
        ("Begun", run.started_at or numbers.ABSENT),
        ("Ended", run.finished_at or numbers.ABSENT),
        ("Scenario", plan.scenario),
        ("Cases", f"{numbers.count(len(plan.cases))}, {_digest([asdict(case) for case in plan.cases])}"),
        ("Approaches", ", ".join(plan.lanes)),
        ("Answers to each case", numbers.count(plan.repeats)),
        ("Seed", f"{plan.seed}"),
        ("Timing", "one answer at a time" if plan.mode == "bench" else "answers share the machine"),
        *((f"Sampling: {name}", _setting(value)) for name, value in asdict(plan.sampling).items()),
        *((f"Prompt text: {name}", _digest(text) if text else "none") for name, text in texts.items()),
        ("Answers stored", numbers.share(len(run.calls), basis.found.planned)),
        ("Hash of all answers", _digest(answers)),
        ("Report made", told.made_at),
    ]
    blocks: list[Block] = [Table(caption="What was asked", columns=("What", "Value"), rows=tuple(asked))]
    if produced is not None:
        made = [
            ("Base model", produced.model),
            ("Where it is", produced.model_path),
            ("Hash of the base", produced.base_hash),
            ("Hash of the chat template", produced.template_hash or numbers.ABSENT),
            ("Hash of the embedding model", produced.embedder_hash or numbers.ABSENT),
            *((f"Adapter {adapter.key}", adapter.hash) for adapter in produced.adapters),
            ("Documents", produced.knowledge or "none"),
            ("Machine", f"{run.machine or 'unknown'}: {produced.device}, {produced.dtype}, "
                        f"{numbers.plural(produced.threads, 'thread')}"),
            *((name, version) for name, version in produced.versions.items()),
        ]  # fmt: skip
        blocks.append(Table(caption="What answered", columns=("What", "Value"), rows=tuple(made)))
    blocks.append(Text(text="Hashes are SHA-256, or its first digits.", look="soft"))
    return Section(
        key="configuration", title="Exactly what was measured", blocks=tuple(blocks),
        source=f"python -m compare report {run.id} --verify FILE",
    )  # fmt: skip


def _setting(value: object) -> str:
    return (", ".join(map(repr, value)) or "none") if isinstance(value, tuple) else f"{value}"


def _digest(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=True, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
