"""Carry out a scenario run in the background: prepare, submit, check, store; pause, cancel, go on later.

The same way through as a live question takes (``compare/worker.py``), for many cases at once: the calls go to
the engine in groups that live questions may interrupt, and the next group is prepared while one decodes. A
group is stored in one transaction before it counts as done, so that a process that dies loses only calls in
flight; going on later asks exactly the calls that have no row.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from threading import Event, Lock, Thread
from typing import Literal

from backends.engine.base import Engine
from backends.errors import BadInput, EngineStopped, LeverError, as_failure
from backends.scenario import PromptTexts, Scenario
from backends.types import Mode, Sampling
from compare.asker import PATROL_S, Asker, Group, Stopped
from compare.case_files import load_cases
from compare.cases import Case
from compare.closing import close_run, require_same_adapters, require_same_make
from compare.lanes import check_lanes
from compare.live import Provenance
from compare.plan import Plan, PlannedCall, Which
from compare.runner import check_query
from compare.store import Store, new_run_id
from compare.training_set import kept_out_of_test

ROWS = 32
"""Calls in one group: enough to keep a processor busy, few enough to be stored every few seconds."""
State = Literal["running", "paused", "done", "stopped"]
"""``stopped``: cancelled or broken; it can be resumed."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run is. ``left_s`` is None until something can be said; ``problem`` says why it stopped."""

    state: State
    planned: int
    done: int
    failed: int
    left_s: float | None
    problem: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.state in ("done", "stopped")


class ScenarioRun:
    """A run in this process. Every method may be called from any thread."""

    def __init__(self, id: str, plan: Plan, *, store: Store, engine: Engine) -> None:
        """``id`` names a stored run; calls that have a row are not asked again."""
        self.id, self.plan = id, plan
        self._store, self._engine = store, engine
        self._lock = Lock()
        self._go, self._cancelled, self._over = Event(), Event(), Event()
        self._go.set()
        self._asker = Asker(id, plan, store=store, engine=engine, cancelled=self._cancelled)
        self._progress = Progress(state="running", planned=len(plan.calls()), done=0, failed=0, left_s=None)

    def progress(self) -> Progress:
        """Where it stands now."""
        with self._lock:
            paused = self._progress.state == "running" and not self._go.is_set()
            return replace(self._progress, state="paused") if paused else self._progress

    def pause(self) -> None:
        """Ask nothing new; what is with the engine comes to its end."""
        self._go.clear()

    def go_on(self) -> None:
        """After a pause."""
        self._go.set()

    def cancel(self) -> None:
        """Stop; calls in flight are given up and can be asked again by resuming."""
        self._cancelled.set()
        self._go.set()

    def wait(self, timeout_s: float | None = None) -> Progress:
        """Block until it has ended, or the time is over."""
        self._over.wait(timeout_s)
        return self.progress()

    def begin(self) -> None:
        """Start the thread that carries it out."""
        Thread(target=self._work, name=f"scenario run {self.id}", daemon=True).start()

    def _work(self) -> None:
        state: State = "stopped"
        problem = ""
        try:
            stored = self._store.stored_calls(self.id)
            self._count(done=sum(stored.values()), failed=len(stored) - sum(stored.values()))
            self._wait_ready()
            require_same_make(self._store.provenance(self.id), self._asker.provenance(), self.plan.lanes)
            asked = self._store.prompts(self.id)
            require_same_adapters({lane: prompt.adapter for lane, _, prompt in asked}, self._asker.adapters())
            self._note_provenance()
            self._asker.remember(asked)
            self._ask_all([call for call in self.plan.calls() if call.key not in stored])
            close_run(
                self.id,
                self._asker.ledger,
                cases=self.plan.cases,
                repeats=self.plan.repeats,
                sampling=self.plan.sampling,
                store=self._store,
                engine=self._engine,
                provenance=self._note_provenance,  # Adapters are loaded when they are first asked for.
                go_on=self._check_cancelled,
            )
            self._store.finish_run(self.id)
            state = "done"
        except Stopped:
            problem = "Stopped; it can be resumed."
        except LeverError as error:
            problem = str(error)
        except Exception as error:
            problem = as_failure(error, "engine").message
        if state == "stopped":
            try:
                self._store.interrupt_run(self.id)
            except LeverError as error:
                problem = problem or str(error)
        with self._lock:
            self._progress = replace(self._progress, state=state, left_s=None, problem=problem)
        self._over.set()

    def _wait_ready(self) -> None:
        self._engine.start()
        status = self._engine.wait_ready(timeout_s=PATROL_S)
        while status.state == "loading":
            self._check_cancelled()
            status = self._engine.wait_ready(timeout_s=PATROL_S)
        if status.state != "ready":
            raise EngineStopped(status.detail)

    def _ask_all(self, todo: Sequence[PlannedCall]) -> None:
        """Group by group. In ``demo`` mode one decodes while the next is prepared; in ``bench`` mode each
        call is alone on the device, after all that happens only once was done.
        """
        bench = self.plan.mode == "bench"
        if bench and todo:
            self._asker.prepare([replace(todo[0], lane=lane) for lane in self.plan.lanes])
        began, at_first = time.monotonic(), self.progress()
        flying: list[Group] = []
        try:
            for calls in _groups(todo, 1 if bench else ROWS):
                if not self._go.is_set():
                    self._settle_all(flying)
                self._may_go_on()
                flying.append(self._asker.prepare(calls))
                self._asker.submit(flying[-1])
                while len(flying) > (0 if bench else 1):
                    self._settle(flying.pop(0))
                self._estimate(began, at_first)
        finally:
            self._settle_all(flying)

    def _settle_all(self, flying: list[Group]) -> None:
        if self._cancelled.is_set():
            self._asker.give_up(flying)
        while flying:
            self._settle(flying.pop(0))

    def _settle(self, group: Group) -> None:
        done, failed = self._asker.settle(group)
        self._count(done=done, failed=failed)

    def _note_provenance(self) -> Provenance:
        produced = self._asker.provenance()
        self._store.set_provenance(self.id, produced)
        return produced

    def _may_go_on(self) -> None:
        while not self._go.wait(PATROL_S):
            self._check_cancelled()
        self._check_cancelled()

    def _check_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise Stopped

    def _count(self, *, done: int, failed: int) -> None:
        with self._lock:
            before = self._progress
            self._progress = replace(before, done=before.done + done, failed=before.failed + failed)

    def _estimate(self, began: float, at_first: Progress) -> None:
        with self._lock:
            now = self._progress
            ended = now.done + now.failed
            asked = ended - at_first.done - at_first.failed
            left = (time.monotonic() - began) / asked * (now.planned - ended) if asked else None
            self._progress = replace(now, left_s=left)


def make_plan(
    scenario: Scenario,
    lanes: Sequence[str],
    *,
    cases: Sequence[Case] | None = None,
    which: Which = "all",
    first: int | None = None,
    repeats: int = 1,
    seed: int = 0,
    mode: Mode = "demo",
    sampling: Sampling | None = None,
    texts: PromptTexts | None = None,
) -> Plan:
    """Plan a run over ``cases``, or a scenario's own: those of one split if ``which`` names it, the ``first``
    N of them; asked with ``texts``, or the scenario's own.

    Raises:
        BadInput: there is no such case, an unknown lane, or an impossible setting.
    """
    check_lanes(lanes)
    known = load_cases(scenario) if cases is None else cases
    known = kept_out_of_test(scenario.name, known)
    asked = tuple(case for case in known if which in ("all", case.split))
    if first is not None and first < 1:
        raise BadInput("The number of cases must be at least 1.")
    if not asked:
        raise BadInput(f"The scenario {scenario.name} has no cases to run.", "Write them into its cases.csv.")
    plan = Plan(
        scenario=scenario.name,
        cases=asked[:first],
        lanes=tuple(lanes),
        repeats=repeats,
        seed=seed,
        mode=mode,
        sampling=sampling or Sampling(),
        texts=scenario.texts if texts is None else scenario.with_texts(texts).texts,
    )
    check_query(plan.query(plan.cases[0]))
    return plan


def start_scenario_run(plan: Plan, *, store: Store, engine: Engine, grows: bool = False) -> ScenarioRun:
    """Store a new run and begin it; returns at once. One that ``grows`` is a ladder.

    Raises:
        BadInput: unknown scenario, lane or version.
        StoreUnavailable: nothing can be stored; a run of many calls is for nothing then.
    """
    run = ScenarioRun(new_run_id(), plan, store=store, engine=engine)
    store.create_scenario_run(run.id, plan, grows=grows)
    run.begin()
    return run


def resume_scenario_run(run_id: str, *, store: Store, engine: Engine) -> ScenarioRun:
    """Go on with an interrupted run: exactly the calls that have no row are asked.

    Raises:
        BadInput: there is no such run, it is no scenario run, or it goes on elsewhere.
        StoreUnavailable: the store can't be used.
    """
    plan = store.reopen_run(run_id)
    try:
        run = ScenarioRun(run_id, plan, store=store, engine=engine)
    except BaseException:  # Its scenario or a backend is gone: nobody runs it.
        store.interrupt_run(run_id)
        raise
    run.begin()
    return run


def _groups(calls: Sequence[PlannedCall], size: int) -> Iterator[list[PlannedCall]]:
    rest = iter(calls)
    while group := list(islice(rest, size)):
        yield group
