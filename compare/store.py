"""Runs and calls in a database: what was asked, what came back, what it was made with.

A run comes back as the same :class:`~compare.live.RunView` that a live run shows. Prompts are stored once
per hash, with their passages. ``compare/tables.py`` holds the tables, ``compare/database.py`` opens the
database.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import ColumnElement, delete, func, select, update

from backends.errors import BadInput
from backends.scenario import PromptTexts
from backends.settings import settings
from compare import rows
from compare.judged import LOST_AT
from compare.live import LiveAnswer, Provenance, RunView
from compare.look_store import LookStore
from compare.measured_store import MeasuredStore, whole
from compare.owner import this_process
from compare.plan import Plan, PlannedKey
from compare.rating_store import RatingStore
from compare.records import found_run, is_over, keep_prompt, mark_interrupted, now, version_row
from compare.tables import CallRow, PassageRow, PromptRow, PromptVersionRow, RunRow


@dataclass(frozen=True, kw_only=True)
class TextsVersion:
    """A scenario's prompt texts by their number, counted from 1; ``created_at`` is UTC, ISO 8601."""

    number: int
    texts: PromptTexts
    created_at: str


@dataclass(frozen=True, kw_only=True)
class RunLine:
    """A run in a list; ``name`` is empty until somebody gives one, ``started_at`` UTC, ISO 8601."""

    id: str
    name: str
    query: str
    scenario: str
    status: str
    started_at: str


def new_run_id() -> str:
    """A fresh run id, short enough for a link and not to be guessed."""
    return secrets.token_hex(8)


class Store(MeasuredStore, RatingStore, LookStore):
    """One database, opened at first use. Any thread may call; every method may raise ``StoreUnavailable``."""

    def create_run(self, view: RunView) -> int:
        """Store a run as it begins; gives the number of its prompt texts within the scenario."""
        with self._write() as session:
            version = version_row(session, view.scenario, view.texts)
            session.add(rows.run_row(view, version, this_process()))
            return version.number

    def set_provenance(self, run_id: str, provenance: Provenance) -> None:
        """Note what produces the run's answers."""
        with self._write() as session:
            values = {"provenance": rows.provenance_json(provenance)}
            session.execute(update(RunRow).where(RunRow.id == run_id).values(**values))

    def save_call(self, run_id: str, call: LiveAnswer, *, case_id: str | None = None) -> None:
        """Store one ended call with its prompt, passages and checks; committed when this returns."""
        self.save_calls(run_id, [(case_id or "", call)])

    def create_scenario_run(self, run_id: str, plan: Plan, *, grows: bool = False) -> None:
        """Store a scenario run as it begins; one that ``grows`` is a ladder."""
        with self._write() as session:
            version = version_row(session, plan.scenario, plan.texts)
            session.add(rows.scenario_run_row(run_id, plan, version, this_process(), now(), grows=grows))

    def reopen_run(self, run_id: str) -> Plan:
        """Take an interrupted scenario run over; gives what it asks. Calls that the machine lost are asked
        again.

        Raises:
            BadInput: there is no such run, it is no scenario run, it is done, or somebody runs it.
        """
        with self._write() as session:
            run = found_run(session, run_id)
            if run.cases is None:
                raise BadInput("This run is a live question; only scenario runs can be resumed.")
            if run.status == "done":
                raise BadInput("This run is done.", "Start a new one.")
            if run.status == "running" and not is_over(run):
                raise BadInput("This run still goes on.")
            session.execute(delete(CallRow).where(*_lost(run_id)))
            run.status, run.owner, run.finished_at = "running", this_process(), None
            return rows.plan_of(run)

    def grow_run(self, run_id: str, plan: Plan) -> None:
        """Let a ladder ask more than it did: ``plan`` has all its cases, lanes and repeats, and others. What
        is new is asked by resuming, and so is what the machine lost.

        Raises:
            BadInput: there is no such run, it is no ladder, somebody runs it, or ``plan`` asks something
                else.
        """
        with self._write() as session:
            run = found_run(session, run_id)
            if not run.grows or not plan.holds(rows.plan_of(run)):
                raise BadInput("This run asks something else.", "Start a new one.")
            if run.status == "running" and not is_over(run):
                raise BadInput("This run still goes on.")
            run.cases, run.backends = rows.cases_json(plan), list(plan.lanes)
            run.repeats, run.status = plan.repeats, "interrupted"

    def interrupt_run(self, run_id: str) -> None:
        """Say that a run ended before its calls did."""
        with self._write() as session:
            values = {"status": "interrupted", "finished_at": now()}
            session.execute(update(RunRow).where(RunRow.id == run_id).values(**values))

    def save_calls(self, run_id: str, calls: Sequence[tuple[str, LiveAnswer]]) -> None:
        """Store ended calls, each with its case's id, in one transaction; committed when this returns."""
        with self._write() as session:
            for case_id, call in calls:
                prompt_hash = None if call.prompt is None else keep_prompt(session, call.prompt, call)
                session.add(rows.call_row(run_id, case_id, call, prompt_hash, now()))

    def stored_calls(self, run_id: str) -> dict[PlannedKey, bool]:
        """The calls that have a row, and whether each is done."""
        columns = (CallRow.case_id, CallRow.backend, CallRow.repeat, CallRow.status)
        with self._read() as session:
            found = session.execute(select(*columns).where(CallRow.run_id == run_id))
            return {(case, lane, repeat): status == "done" for case, lane, repeat, status in found}

    def lost_calls(self, run_id: str) -> int:
        """How many calls of a run the machine lost; resuming asks them again."""
        with self._read() as session:
            return session.scalar(select(func.count()).select_from(CallRow).where(*_lost(run_id))) or 0

    def finish_run(self, run_id: str) -> str:
        """Say that the run is done; gives the time that is stored."""
        finished_at = now()
        with self._write() as session:
            values = {"status": "done", "finished_at": finished_at}
            session.execute(update(RunRow).where(RunRow.id == run_id).values(**values))
        return finished_at

    def load_run(self, run_id: str) -> RunView:
        """A live question's run with its calls, as a screen shows it; calls that were never stored are filled
        in as such.

        Raises:
            BadInput: there is no such run, or it is a scenario run.
        """
        with self._read() as session:
            run = found_run(session, run_id)
            if run.cases is not None:
                raise BadInput("This is a scenario run.", f"See it by: python -m compare results {run_id}")
            over = run.status == "running" and is_over(run)
        if over:
            with self._write() as session:
                mark_interrupted(session)
        with self._read() as session:
            run = found_run(session, run_id)
            query = select(CallRow).where(CallRow.run_id == run_id).order_by(CallRow.id)
            return rows.run_view(run, session.scalars(whole(query)).all())

    def recent_runs(self, limit: int = 20) -> tuple[RunLine, ...]:
        """The newest runs of live questions, newest first."""
        shown = (RunRow.id, RunRow.name, RunRow.query, RunRow.scenario, RunRow.status, RunRow.started_at)
        with self._read() as session:
            live = select(*shown).where(RunRow.cases.is_(None))
            found = session.execute(live.order_by(RunRow.started_at.desc(), RunRow.id).limit(limit))
            return tuple(RunLine(**row._mapping) for row in found)

    def rename_run(self, run_id: str, name: str) -> None:
        """Call a run something; an empty name takes it away.

        Raises:
            BadInput: there is no such run.
        """
        with self._write() as session:
            found_run(session, run_id).name = name

    def delete_run(self, run_id: str) -> None:
        """Forget an ended run with its calls, and the prompts that no other call has.

        Raises:
            BadInput: there is no such run, or it goes on.
        """
        with self._write() as session:
            run = found_run(session, run_id)
            if run.status == "running" and not is_over(run):
                raise BadInput("This run still goes on.", "Stop it first.")
            session.execute(delete(RunRow).where(RunRow.id == run_id))
            used = select(CallRow.prompt_hash).where(CallRow.prompt_hash.is_not(None))
            session.execute(delete(PassageRow).where(PassageRow.prompt_hash.not_in(used)))
            session.execute(delete(PromptRow).where(PromptRow.hash.not_in(used)))

    def texts_version(self, scenario: str, texts: PromptTexts) -> int:
        """The number of prompt texts within their scenario; only a new set of texts makes a new number."""
        with self._write() as session:
            return version_row(session, scenario, texts).number

    def texts_versions(self, scenario: str) -> tuple[TextsVersion, ...]:
        """All prompt texts that were used or kept for a scenario, oldest first."""
        with self._read() as session:
            query = select(PromptVersionRow).where(PromptVersionRow.scenario == scenario)
            found = session.scalars(query.order_by(PromptVersionRow.number))
            return tuple(
                TextsVersion(number=v.number, texts=rows.prompt_texts(v), created_at=v.created_at)
                for v in found
            )


@lru_cache(maxsize=1)
def store() -> Store:
    """The process-wide store of the settings; not yet opened."""
    configured = settings()
    return Store(configured.database_url or f"sqlite:///{configured.data_dir.absolute() / 'lever.db'}")


def _lost(run_id: str) -> tuple[ColumnElement[bool], ...]:
    """The calls of a run that the machine lost."""
    return CallRow.run_id == run_id, CallRow.status == "failed", CallRow.failure_stage.in_(LOST_AT)
