"""What measuring reads from the store and keeps in it; a run's calls get there by ``compare/store.py``."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import ColumnElement, Select, Text, cast, exists, func, select, update
from sqlalchemy.orm import selectinload

from backends.ledger import LedgerEntry
from backends.types import Mode, Prompt
from compare import rows
from compare.live import LiveAnswer, Provenance
from compare.measured import StoredRun, embedded, read_embeddings, read_prompts, read_run, repeated_texts
from compare.opened import OpenedDatabase
from compare.plan import Plan
from compare.records import found_run, is_over, mark_interrupted, text_hash
from compare.run_leakage import RunLeakage, leakage_json
from compare.tables import CallRow, EmbeddingRow, JudgementRow, PromptRow, RunRow

TWINS = 10
"""Runs of the same size that are looked at for one that asks the same."""
PARTS = 50
"""Runs of a scenario that are looked at for one that can grow into a plan."""
FIRST = 32
"""Calls that say nothing of a run's pace: they are stored together as its first group."""


@dataclass(frozen=True, kw_only=True)
class MeasuredLine:
    """A run in the list of results: what was asked, and how many calls it owes. ``query`` is empty for a
    scenario run; ``started_at`` is UTC, ISO 8601.
    """

    id: str
    name: str
    query: str
    scenario: str
    status: str
    mode: str
    cases: int
    lanes: tuple[str, ...]
    repeats: int
    started_at: str


class MeasuredStore(OpenedDatabase):
    """Runs as the measures see them."""

    def measured_runs(self, limit: int = 100, *, testing: str | None = None) -> tuple[MeasuredLine, ...]:
        """The newest runs, of scenarios and live ones, newest first; a dead process's are interrupted.
        ``testing`` names a scenario: only the runs that ask its test cases then.
        """
        with self._read() as session:
            running = session.scalars(select(RunRow).where(RunRow.status == "running")).all()
        if any(is_over(run) for run in running):
            with self._write() as session:
                mark_interrupted(session)
        with self._read() as session:
            cases = func.coalesce(func.json_array_length(RunRow.cases), 1)
            lines = select(
                RunRow.id, RunRow.name, RunRow.query, RunRow.scenario, RunRow.status, RunRow.mode,
                cases.label("cases"), RunRow.backends.label("lanes"), RunRow.repeats, RunRow.started_at,
            ).order_by(RunRow.started_at.desc(), RunRow.id).limit(limit)  # fmt: skip
            found = session.execute(lines if testing is None else lines.where(*_testing(testing)))
            return tuple(
                MeasuredLine(**{**row._mapping, "lanes": tuple(row.lanes)})  # type: ignore[arg-type]
                for row in found
            )

    def stored_run(self, run_id: str) -> StoredRun:
        """A run, of a scenario or live, with its calls as the measures need them.

        Raises:
            BadInput: there is no such run.
        """
        with self._read() as session:
            return read_run(session, found_run(session, run_id))

    def twin_of(self, plan: Plan) -> str | None:
        """The newest run that asks exactly this plan, still going on or ended; None when there is none.
        Another model may have answered it; see ``compare/twins.py``.
        """
        return next(iter(self.twins_of(plan)), None)

    def twins_of(self, plan: Plan) -> tuple[str, ...]:
        """The newest runs that ask exactly this plan, newest first."""
        cases = func.json_array_length(RunRow.cases)
        alike = (
            RunRow.scenario == plan.scenario, RunRow.mode == plan.mode, RunRow.repeats == plan.repeats,
            RunRow.seed == plan.seed, cases == len(plan.cases),
        )  # fmt: skip
        with self._read() as session:
            found = select(RunRow).where(*alike).order_by(RunRow.started_at.desc()).limit(TWINS)
            return tuple(run.id for run in session.scalars(found) if rows.plan_of(run) == plan)

    def pace(self, mode: Mode, *, once: bool) -> float | None:
        """Seconds per call of the newest finished scenario run of this mode, that asked each case ``once`` or
        several times (repeats share work); None when there is none.
        """
        repeats = RunRow.repeats == 1 if once else RunRow.repeats > 1
        done = (RunRow.status == "done", RunRow.mode == mode, RunRow.cases.is_not(None), repeats)
        finished = select(RunRow).where(*done)
        with self._read() as session:
            run = session.scalars(finished.order_by(RunRow.started_at.desc()).limit(1)).first()
            if run is None:
                return None
            saved = select(func.min(CallRow.saved_at), func.max(CallRow.saved_at), func.count())
            first, last, calls = session.execute(saved.where(CallRow.run_id == run.id)).one()
        if calls < 2 * FIRST:  # The first of them waited for the model, or were stored in one go.
            return None
        took = datetime.fromisoformat(last) - datetime.fromisoformat(first)
        return took.total_seconds() / (calls - FIRST)

    def parts_of(self, plan: Plan) -> tuple[str, ...]:
        """The newest ladders that ask a part of this plan or all of it, in the same way, newest first; none
        that people judged answers of, as what they judge would change.
        """
        judged = exists().where(JudgementRow.run_id == RunRow.id)
        alike = (RunRow.scenario == plan.scenario, RunRow.mode == plan.mode, RunRow.seed == plan.seed)
        of_cases = select(RunRow).where(*alike, RunRow.grows, RunRow.repeats <= plan.repeats, ~judged)
        with self._read() as session:
            found = session.scalars(of_cases.order_by(RunRow.started_at.desc()).limit(PARTS))
            return tuple(run.id for run in found if plan.holds(rows.plan_of(run)))

    def run_state(self, run_id: str) -> tuple[str, int]:
        """A run's status, and how many of its calls are stored: the same as long as its figures are.

        Raises:
            BadInput: there is no such run.
        """
        with self._read() as session:
            count = select(func.count()).where(CallRow.run_id == run_id)
            return found_run(session, run_id).status, session.scalar(count) or 0

    def lanes_of(self, run_id: str) -> tuple[str, ...]:
        """The lanes that a run asks.

        Raises:
            BadInput: there is no such run.
        """
        with self._read() as session:
            return tuple(str(lane) for lane in found_run(session, run_id).backends)

    def case_calls(self, run_id: str, case_id: str) -> tuple[LiveAnswer, ...]:
        """All that is known of the calls of one case, by repeat."""
        of_case = select(CallRow).where(CallRow.run_id == run_id, CallRow.case_id == case_id)
        with self._read() as session:
            found = session.scalars(whole(of_case.order_by(CallRow.repeat, CallRow.id)))
            return tuple(rows.live_answer(row) for row in found)

    def prompts(self, run_id: str) -> tuple[tuple[str, str, Prompt], ...]:
        """(lane, case, prompt) of all that was asked so far, each once."""
        with self._read() as session:
            return tuple(read_prompts(session, run_id))

    def provenance(self, run_id: str) -> Provenance | None:
        """What produced the run's answers so far; None before it is known."""
        with self._read() as session:
            return rows.stored_provenance(found_run(session, run_id).provenance)

    def set_ledger(self, run_id: str, entries: Sequence[LedgerEntry]) -> None:
        """Note in what the run's lanes differ."""
        with self._write() as session:
            values = {"ledger": rows.ledger_json(entries)}
            session.execute(update(RunRow).where(RunRow.id == run_id).values(**values))

    def adapter_keys(self, run_id: str) -> set[str]:
        """The keys of the adapters that the run's calls were asked with."""
        used = select(PromptRow.adapter).join(CallRow, CallRow.prompt_hash == PromptRow.hash)
        with self._read() as session:
            found = session.scalars(used.where(CallRow.run_id == run_id).distinct())
            return {key for key in found if key is not None}

    def set_leakage(self, run_id: str, found: RunLeakage) -> None:
        """Note which of the run's cases its adapters had learnt from."""
        with self._write() as session:
            values = {"leakage": leakage_json(found)}
            session.execute(update(RunRow).where(RunRow.id == run_id).values(**values))

    def answer_texts(self, run_id: str) -> set[str]:
        """The different texts of the run's finished answers."""
        with self._read() as session:
            done = select(CallRow.text).where(CallRow.run_id == run_id, CallRow.status == "done")
            return set(session.scalars(done.distinct()))

    def cut_short(self, run_id: str) -> dict[str, int]:
        """How many answers of each lane the model's context ended before their longest length."""
        with self._read() as session:
            limit = rows.plan_of(found_run(session, run_id)).sampling.max_tokens
            early = (CallRow.run_id == run_id, CallRow.finish == "length", CallRow.completion_tokens < limit)
            counted = select(CallRow.backend, func.count()).where(*early).group_by(CallRow.backend)
            return {str(lane): many for lane, many in session.execute(counted)}

    def save_embeddings(self, vectors: Mapping[str, np.ndarray], embedder_hash: str) -> None:
        """Keep sentence embeddings by text; ``vectors`` are one-dimensional float32; known ones stay."""
        with self._write() as session:
            known = embedded(session, vectors, embedder_hash)
            for text, vector in vectors.items():
                key = text_hash(text)
                if key not in known:
                    data = np.asarray(vector, dtype="<f4").tobytes()
                    session.add(EmbeddingRow(text_hash=key, embedder_hash=embedder_hash, vector=data))

    def without_embedding(self, texts: Collection[str], embedder_hash: str) -> list[str]:
        """Those of the texts that have no embedding yet, sorted."""
        with self._read() as session:
            known = embedded(session, texts, embedder_hash)
            return sorted(text for text in texts if text_hash(text) not in known)

    def embeddings(self, texts: Iterable[str], embedder_hash: str) -> dict[str, np.ndarray]:
        """The kept embeddings of those texts that have one, float32 and one-dimensional."""
        with self._read() as session:
            return read_embeddings(session, texts, embedder_hash)

    def vectors(self, run: StoredRun) -> dict[str, np.ndarray]:
        """The embeddings of the answers on which agreement is measured, by text; those that are known."""
        embedder = "" if run.provenance is None else run.provenance.embedder_hash
        with self._read() as session:
            return read_embeddings(session, repeated_texts(run.calls), embedder) if embedder else {}


def _testing(scenario: str) -> tuple[ColumnElement[bool], ...]:
    """What holds of a run of this scenario's test cases. Quotes within a case's texts are escaped in JSON."""
    return RunRow.scenario == scenario, cast(RunRow.cases, Text).contains('"split": "test"')


def whole(calls: Select[CallRow]) -> Select[CallRow]:
    """Calls with their checks, prompts and passages."""
    prompts = selectinload(CallRow.prompt).selectinload(PromptRow.passages)
    return calls.options(selectinload(CallRow.checks), prompts)
