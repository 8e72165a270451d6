"""A stored run as the measures read it, and how it comes out of the database: whole runs, fast.

Twenty thousand calls are read column by column; rows as objects (``compare/rows.py``) are for single calls.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import cast

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from backends.ledger import LedgerEntry
from backends.types import FinishReason, Passage, Prompt, Stage, Timing, Usage
from compare import rows
from compare.judged import JudgedCall
from compare.judging import CheckKind, CheckOutcome
from compare.live import CallStatus, Provenance
from compare.owner import machine_of
from compare.plan import Plan
from compare.records import text_hash
from compare.run_leakage import RunLeakage, stored_leakage
from compare.tables import CallRow, CheckResultRow, EmbeddingRow, PassageRow, RunRow

AT_ONCE = 500
"""Hashes in one question to the database; SQLite takes some thousand values at most."""


@dataclass(frozen=True, kw_only=True)
class StoredRun:
    """A run as it is stored: a scenario's, or a live question's as one of one case. Times are UTC, ISO 8601.

    ``ledger`` is None until the run has ended, and so is ``leakage``, which older runs never have; ``live``
    says that it was asked on the home screen or by ``ask``; ``machine`` names the one that asked last.
    """

    id: str
    name: str
    status: str
    plan: Plan
    live: bool
    calls: tuple[JudgedCall, ...]
    provenance: Provenance | None
    ledger: tuple[LedgerEntry, ...] | None
    started_at: str
    finished_at: str
    leakage: RunLeakage | None = None
    machine: str = ""

    @property
    def leaked(self) -> frozenset[str]:
        """The ids of the cases that its adapters had learnt from; none where nobody looked."""
        return frozenset() if self.leakage is None else self.leakage.cases


def read_run(session: Session, run: RunRow) -> StoredRun:
    """The run with all its calls, in the order in which they ended."""
    plan = rows.plan_of(run)
    return StoredRun(
        id=run.id,
        name=run.name,
        status=run.status,
        plan=plan,
        live=run.cases is None,
        calls=tuple(_calls(session, run.id, {case.id: case.group for case in plan.cases})),
        provenance=rows.stored_provenance(run.provenance),
        ledger=rows.stored_ledger(run.ledger),
        started_at=run.started_at,
        finished_at=run.finished_at or "",
        leakage=stored_leakage(run.leakage),
        machine=machine_of(run.owner),
    )


def _calls(session: Session, run_id: str, groups: dict[str, str]) -> Iterator[JudgedCall]:
    checks, passages = _checks(session, run_id), _passages(session, run_id)
    columns = (
        CallRow.id, CallRow.case_id, CallRow.backend, CallRow.repeat, CallRow.status, CallRow.text,
        CallRow.timing, CallRow.prompt_tokens, CallRow.completion_tokens, CallRow.finish,
        CallRow.failure_stage, CallRow.marks, CallRow.prompt_hash,
    )  # fmt: skip
    found = session.execute(select(*columns).where(CallRow.run_id == run_id).order_by(CallRow.id))
    for id_, case, lane, repeat, status, text, timing, read, written, finish, stage, marks, prompt in found:
        yield JudgedCall(
            case_id=case,
            group=groups.get(case) or case,
            lane=lane,
            repeat=repeat,
            status=cast("CallStatus", status),
            text=text,
            timing=None if timing is None else Timing(**cast("dict[str, float]", timing)),
            usage=None if timing is None else Usage(prompt_tokens=read, completion_tokens=written),
            checks=checks.get(id_, ()),
            finish=cast("FinishReason | None", finish),
            failure_stage=cast("Stage | None", stage),
            marks=tuple(marks or ()),
            passages=passages.get(prompt, ()),
        )


def _checks(session: Session, run_id: str) -> dict[int, tuple[tuple[CheckKind, CheckOutcome], ...]]:
    """(kind, outcome) by call, in the order of the case's checks."""
    columns = (CheckResultRow.call_id, CheckResultRow.kind, CheckResultRow.result)
    of_run = select(*columns).join(CallRow, CallRow.id == CheckResultRow.call_id)
    of_run = of_run.where(CallRow.run_id == run_id)
    found = session.execute(of_run.order_by(CheckResultRow.call_id, CheckResultRow.position))
    return {
        call: tuple((cast("CheckKind", kind), cast("CheckOutcome", result)) for _, kind, result in results)
        for call, results in groupby(found, key=lambda row: row[0])
    }


def _passages(session: Session, run_id: str) -> dict[str | None, tuple[Passage, ...]]:
    """Each prompt's passages, in their order; a text that several prompts hold is kept once."""
    columns = (PassageRow.number, PassageRow.source, PassageRow.chunk_id, PassageRow.text, PassageRow.cosine)
    of_run = select(CallRow.prompt_hash).where(CallRow.run_id == run_id).distinct()
    asked = select(PassageRow.prompt_hash, *columns).where(PassageRow.prompt_hash.in_(of_run))
    texts: dict[str, str] = {}
    found: dict[str | None, tuple[Passage, ...]] = {}
    in_order = session.execute(asked.order_by(PassageRow.prompt_hash, PassageRow.number))
    for prompt, of in groupby(in_order, key=lambda row: row[0]):
        found[prompt] = tuple(
            Passage(
                number=number,
                source=source,
                chunk_id=chunk,
                text=texts.setdefault(text, text),
                cosine=cosine,
            )
            for _, number, source, chunk, text, cosine in of
        )
    return found


def read_prompts(session: Session, run_id: str) -> Iterator[tuple[str, str, Prompt]]:
    """(lane, case, prompt) of what was asked so far, each once."""
    query = select(CallRow).where(CallRow.run_id == run_id, CallRow.prompt_hash.is_not(None))
    seen: set[tuple[str, str, str | None]] = set()
    for call in session.scalars(query.execution_options(yield_per=AT_ONCE)):
        place = (call.backend, call.case_id, call.prompt_hash)
        if place not in seen and call.prompt is not None:
            seen.add(place)
            yield call.backend, call.case_id, rows.stored_prompt(call.prompt)


def read_embeddings(session: Session, texts: Iterable[str], embedder_hash: str) -> dict[str, np.ndarray]:
    """The kept embeddings of those texts that have one, float32 and one-dimensional."""
    by_hash = {text_hash(text): text for text in texts}
    found: dict[str, np.ndarray] = {}
    hashes = list(by_hash)
    for first in range(0, len(hashes), AT_ONCE):
        some = hashes[first : first + AT_ONCE]
        columns = select(EmbeddingRow.text_hash, EmbeddingRow.vector)
        asked = columns.where(EmbeddingRow.embedder_hash == embedder_hash, EmbeddingRow.text_hash.in_(some))
        for key, vector in session.execute(asked):
            found[by_hash[key]] = np.frombuffer(vector, dtype="<f4")
    return found


def embedded(session: Session, texts: Iterable[str], embedder_hash: str) -> set[str]:
    """The hashes of those texts that have an embedding."""
    hashes = [text_hash(text) for text in texts]
    found: set[str] = set()
    for first in range(0, len(hashes), AT_ONCE):
        some = EmbeddingRow.text_hash.in_(hashes[first : first + AT_ONCE])
        asked = select(EmbeddingRow.text_hash).where(EmbeddingRow.embedder_hash == embedder_hash, some)
        found.update(session.scalars(asked))
    return found


def repeated_texts(calls: Sequence[JudgedCall]) -> set[str]:
    """The different answers of cases that a lane answered more than once: what agreement is measured on."""
    by_case: dict[tuple[str, str], list[str]] = {}
    for call in calls:
        if call.status == "done":
            by_case.setdefault((call.lane, call.case_id), []).append(call.text)
    return {text for texts in by_case.values() if len(texts) > 1 for text in texts}
