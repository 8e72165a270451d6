"""Records to rows and back: what of a run goes into which column. Plain translation, no session."""

from collections.abc import Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import Any, cast

from backends.engine.base import AdapterInfo
from backends.ledger import LedgerEntry
from backends.scenario import NO_TEXTS, FewShot, PromptTexts
from backends.types import (
    Answer,
    Failure,
    FinishReason,
    Layer,
    Message,
    Mode,
    Passage,
    Prompt,
    Query,
    Sampling,
    Stage,
    Timing,
    Usage,
)
from compare.cases import Case
from compare.checks import CheckKind, CheckOutcome, CheckResult
from compare.live import CallKey, CallStatus, LiveAnswer, Provenance, RunStatus, RunView, call_keys
from compare.plan import Plan
from compare.seeds import call_seed
from compare.tables import CallRow, CheckResultRow, JsonValue, PromptRow, PromptVersionRow, RunRow

NEVER_STORED = Failure(
    stage="engine", message="Lever was closed before this answer was done.", hint="Ask again."
)
"""What a screen shows for the calls that an interrupted run still owed."""


def run_row(view: RunView, version: PromptVersionRow, owner: str) -> RunRow:
    """A run as it begins."""
    query = view.query
    return RunRow(
        id=view.id,
        status=view.status,
        scenario=view.scenario,
        query=query.text,
        case_id=query.case_id,
        backends=list(view.backends),
        repeats=query.repeats,
        seed=query.seed,
        mode=query.mode,
        sampling=asdict(query.sampling),
        prompt_version=version,
        owner=owner,
        started_at=view.started_at,
    )


def scenario_run_row(
    run_id: str, plan: Plan, version: PromptVersionRow, owner: str, started_at: str, *, grows: bool
) -> RunRow:
    """A scenario run as it begins."""
    return RunRow(
        id=run_id,
        status="running",
        scenario=plan.scenario,
        query="",
        cases=cases_json(plan),
        backends=list(plan.lanes),
        repeats=plan.repeats,
        seed=plan.seed,
        mode=plan.mode,
        sampling=asdict(plan.sampling),
        prompt_version=version,
        grows=grows,
        owner=owner,
        started_at=started_at,
    )


def cases_json(plan: Plan) -> JsonValue:
    """A plan's cases as a JSON list."""
    return [asdict(case) for case in plan.cases]


def plan_of(run: RunRow) -> Plan:
    """A run's configuration; a live question is a run of one case."""
    asked = cast("list[dict[str, Any]] | None", run.cases)
    one = Case(id=run.case_id or "", query=run.query)
    return Plan(
        scenario=run.scenario,
        cases=(one,) if asked is None else tuple(_case(case) for case in asked),
        lanes=tuple(str(name) for name in run.backends),
        repeats=run.repeats,
        seed=run.seed,
        mode=cast("Mode", run.mode),
        sampling=_sampling(run),
        texts=NO_TEXTS if run.prompt_version is None else prompt_texts(run.prompt_version),
    )


def _case(row: dict[str, Any]) -> Case:
    return Case(**{**row, "tags": tuple(row["tags"]), "labels": tuple(row["labels"])})


def provenance_json(provenance: Provenance) -> JsonValue:
    """Provenance as one JSON object."""
    return asdict(provenance)


def call_row(run_id: str, case_id: str, call: LiveAnswer, prompt_hash: str | None, saved_at: str) -> CallRow:
    """One ended call with its check results."""
    row = CallRow(
        run_id=run_id,
        case_id=case_id,
        backend=call.backend,
        repeat=call.repeat,
        seed=call.seed,
        status=call.status,
        text=call.text,
        prompt_hash=prompt_hash,
        saved_at=saved_at,
        checks=[CheckResultRow(position=i, **asdict(check)) for i, check in enumerate(call.checks)],
    )
    if call.answer is not None:
        row.timing = asdict(call.answer.timing)
        row.prompt_tokens = call.answer.usage.prompt_tokens
        row.completion_tokens = call.answer.usage.completion_tokens
        row.finish = call.answer.finish
        row.token_ids = list(call.answer.token_ids)
        row.marks = list(call.answer.marks)
    if call.failure is not None:
        row.failure_stage = call.failure.stage
        row.failure_message = call.failure.message
        row.failure_hint = call.failure.hint
    return row


def run_view(run: RunRow, calls: Sequence[CallRow]) -> RunView:
    """A stored run as screens show it; a call without a row is waiting, or was lost with its process."""
    backends = tuple(str(name) for name in run.backends)
    stored = {(row.backend, row.repeat): row for row in calls}
    found: dict[CallKey, LiveAnswer] = {}
    for key in call_keys(backends, run.repeats):
        row = stored.get(key)
        found[key] = _missing(run, key) if row is None else live_answer(row)
    return RunView(
        id=run.id,
        query=_query(run),
        scenario=run.scenario,
        backends=backends,
        status=cast("RunStatus", run.status),
        version=len(calls),
        calls=MappingProxyType(found),
        name=run.name,
        texts=NO_TEXTS if run.prompt_version is None else prompt_texts(run.prompt_version),
        texts_version=None if run.prompt_version is None else run.prompt_version.number,
        started_at=run.started_at,
        finished_at=run.finished_at or "",
        provenance=stored_provenance(run.provenance),
    )


def prompt_texts(row: PromptVersionRow) -> PromptTexts:
    """A version's texts."""
    shots = cast("list[dict[str, str]]", row.few_shot)
    return PromptTexts(
        system=row.text, cot=row.cot, few_shot=tuple(FewShot(**shot) for shot in shots), schema=row.schema
    )


def _sampling(run: RunRow) -> Sampling:
    sampling = dict(cast("dict[str, object]", run.sampling))
    sampling["stop"] = tuple(cast("list[str]", sampling["stop"]))
    return Sampling(**sampling)  # type: ignore[arg-type]


def _query(run: RunRow) -> Query:
    return Query(
        text=run.query,
        scenario=run.scenario,
        case_id=run.case_id,
        sampling=_sampling(run),
        repeats=run.repeats,
        seed=run.seed,
        mode=cast("Mode", run.mode),
    )


def _missing(run: RunRow, key: CallKey) -> LiveAnswer:
    backend, repeat = key
    seed = call_seed(run.seed, run.case_id, repeat)
    if run.status == "running":
        return LiveAnswer(backend=backend, repeat=repeat, seed=seed)
    return LiveAnswer(backend=backend, repeat=repeat, seed=seed, status="failed", failure=NEVER_STORED)


def live_answer(row: CallRow) -> LiveAnswer:
    """One stored call with all that is known of it."""
    timing = None if row.timing is None else Timing(**cast("dict[str, float]", row.timing))
    return LiveAnswer(
        backend=row.backend,
        repeat=row.repeat,
        seed=row.seed,
        status=cast("CallStatus", row.status),
        text=row.text,
        answer=None if timing is None else _answer(row, timing),
        failure=_failure(row),
        prompt=None if row.prompt is None else stored_prompt(row.prompt, timing),
        checks=tuple(
            CheckResult(
                name=check.name,
                kind=cast("CheckKind", check.kind),
                result=cast("CheckOutcome", check.result),
                reason=check.reason,
            )
            for check in row.checks
        ),
    )


def _answer(row: CallRow, timing: Timing) -> Answer:
    return Answer(
        text=row.text,
        timing=timing,
        usage=Usage(prompt_tokens=row.prompt_tokens, completion_tokens=row.completion_tokens),
        finish=cast("FinishReason", row.finish),
        rendered="" if row.prompt is None else row.prompt.rendered,
        token_ids=tuple(cast("list[int]", row.token_ids or [])),
        marks=tuple(cast("list[str]", row.marks or [])),
    )


def _failure(row: CallRow) -> Failure | None:
    if row.failure_message is None:
        return None
    stage = cast("Stage", row.failure_stage)
    return Failure(stage=stage, message=row.failure_message, hint=row.failure_hint or "")


def stored_prompt(row: PromptRow, timing: Timing | None = None) -> Prompt:
    """A prompt; what preparing it took stands with the call."""
    passages = tuple(
        Passage(number=p.number, source=p.source, chunk_id=p.chunk_id, text=p.text, cosine=p.cosine)
        for p in row.passages
    )
    messages = cast("list[dict[str, str]]", row.messages)
    layers = cast("list[dict[str, str]]", row.layers)
    return Prompt(
        messages=tuple(Message(**message) for message in messages),  # type: ignore[arg-type]
        layers=tuple(Layer(**layer) for layer in layers),  # type: ignore[arg-type]
        adapter=row.adapter,
        schema=row.schema,
        passages=passages,
        embed_ms=0.0 if timing is None else timing.embed_ms,
        retrieve_ms=0.0 if timing is None else timing.retrieve_ms,
    )


def ledger_json(entries: Sequence[LedgerEntry]) -> JsonValue:
    """A ledger as a JSON list."""
    return [asdict(entry) for entry in entries]


def stored_ledger(value: JsonValue | None) -> tuple[LedgerEntry, ...] | None:
    """A run's ledger; None before it has ended."""
    if value is None:
        return None
    return tuple(LedgerEntry(**entry) for entry in cast("list[dict[str, Any]]", value))


def stored_provenance(value: JsonValue | None) -> Provenance | None:
    """What produced a run's answers; None before it is known."""
    if value is None:
        return None
    known = dict(cast("dict[str, object]", value))
    adapters = cast("list[dict[str, str]]", known.pop("adapters"))
    return Provenance(adapters=tuple(AdapterInfo(**a) for a in adapters), **known)  # type: ignore[arg-type]
