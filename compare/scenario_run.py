"""Carry out a scenario run in the background: prepare, submit, check, store; pause, cancel, go on later.

The same way through as a live question takes (``compare/worker.py``), for many cases at once: the calls go to
the engine in groups that live questions may interrupt, and the next group is prepared while one decodes. A
group is stored in one transaction before it counts as done, so that a process that dies loses only calls in
flight; going on later asks exactly the calls that have no row.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import Literal

from backends.engine.base import Done, Engine, Failed, Job, Request
from backends.engine.base import Event as EngineEvent
from backends.errors import BadInput, EngineStopped, LeverError, as_failure
from backends.scenario import Scenario, load_scenario
from backends.types import Mode, Prompt, Sampling
from compare.cases import load_cases
from compare.checks import checked_part, run_checks
from compare.lanes import check_lanes, open_lanes
from compare.live import LiveAnswer
from compare.plan import Plan, PlannedCall, PlannedKey, Which
from compare.provenance import provenance_of
from compare.runner import check_query
from compare.seeds import call_seed
from compare.store import Store, new_run_id

ROWS = 32
"""Calls in one group: enough to keep a processor busy, few enough to be stored every few seconds."""
PATROL_S = 0.5
"""How often a waiting run looks whether it is to stop or the engine is gone."""
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


class _Stop(Exception):
    """Somebody cancelled the run."""


@dataclass
class _Group:
    """Calls that are with the engine, or whose preparation failed."""

    calls: list[PlannedCall]
    prompts: dict[PlannedKey, Prompt]
    ends: "SimpleQueue[Done | Failed]" = field(default_factory=SimpleQueue)
    settled: list[tuple[str, LiveAnswer]] = field(default_factory=list)
    job: Job | None = None


class ScenarioRun:
    """A run in this process. Every method may be called from any thread."""

    def __init__(self, id: str, plan: Plan, *, store: Store, engine: Engine) -> None:
        """``id`` names a stored run; calls that have a row are not asked again."""
        self.id, self.plan = id, plan
        self._store, self._engine = store, engine
        self._scenario = load_scenario(plan.scenario)
        self._lanes = {lane.name: lane for lane in open_lanes(plan.lanes, self._scenario, store)}
        self._lock = Lock()
        self._go = Event()
        self._go.set()
        self._cancelled, self._over = Event(), Event()
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
            todo = [call for call in self.plan.calls() if call.key not in stored]
            self._ask_all(todo)
            self._store.finish_run(self.id)
            state = "done"
        except _Stop:
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
            self._prepare([replace(todo[0], lane=lane) for lane in self.plan.lanes])
        began, at_first = time.monotonic(), self.progress()
        flying: list[_Group] = []
        try:
            for calls in _groups(todo, 1 if bench else ROWS):
                if not self._go.is_set():
                    self._settle_all(flying)
                self._may_go_on()
                flying.append(self._prepare(calls))
                self._submit(flying[-1])
                while len(flying) > (0 if bench else 1):
                    self._settle(flying.pop(0))
                self._estimate(began, at_first)
        finally:
            self._settle_all(flying)
        self._store.set_provenance(self.id, provenance_of(self._engine.status(), self._adapters()))

    def _settle_all(self, flying: list[_Group]) -> None:
        if self._cancelled.is_set():
            for group in flying:
                if group.job is not None:
                    group.job.cancel()
        while flying:
            self._settle(flying.pop(0))

    def _adapters(self) -> set[str]:
        status = self._engine.status()
        return {info.key for info in status.adapters if info.scenario == self.plan.scenario}

    def _may_go_on(self) -> None:
        while not self._go.wait(PATROL_S):
            self._check_cancelled()
        self._check_cancelled()

    def _check_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise _Stop

    def _prepare(self, calls: Sequence[PlannedCall]) -> _Group:
        """The prompts, one for each case and lane; what can't be prepared is settled as failed."""
        group = _Group(calls=list(calls), prompts={})
        made: dict[tuple[str, str], Prompt | LeverError | Exception] = {}
        for call in calls:
            place = (call.case.id, call.lane)
            if place not in made:
                lane = self._lanes[call.lane]
                try:
                    made[place] = lane.backend.prepare(
                        self.plan.query(call.case), lane.scenario, self._engine
                    )
                except EngineStopped:
                    raise
                except Exception as error:
                    made[place] = error
            found = made[place]
            if isinstance(found, Prompt):
                group.prompts[call.key] = found
            else:
                answer = replace(self._answer(call), status="failed", failure=as_failure(found, "prepare"))
                group.settled.append((call.case.id, answer))
        return group

    def _answer(self, call: PlannedCall) -> LiveAnswer:
        seed = call_seed(self.plan.seed, call.case.id, call.repeat)
        return LiveAnswer(backend=call.lane, repeat=call.repeat, seed=seed)

    def _submit(self, group: _Group) -> None:
        asked = [call for call in group.calls if call.key in group.prompts]
        if not asked:
            return
        now = time.perf_counter()
        requests = []
        for place, call in enumerate(asked):
            prompt = group.prompts[call.key]
            prepared_s = (prompt.embed_ms + prompt.retrieve_ms) / 1000
            requests.append(
                Request(
                    id=str(place),
                    prompt=prompt,
                    sampling=self.plan.sampling,
                    seed=self._answer(call).seed,
                    submitted_at=now - prepared_s,
                )
            )
        group.calls = asked

        def note(event: EngineEvent) -> None:
            if isinstance(event, Done | Failed):
                group.ends.put(event)

        group.job = self._engine.submit(requests, note, mode=self.plan.mode, background=True)

    def _settle(self, group: _Group) -> None:
        """Wait for the group's ends, check the answers, store them all."""
        waiting = len(group.calls) if group.job is not None else 0
        while waiting:
            event = self._next(group)
            waiting -= 1
            call = group.calls[int(event.request_id)]
            group.settled.append((call.case.id, self._ended(call, group.prompts[call.key], event)))
        kept = [(case, answer) for case, answer in group.settled if answer.status != "cancelled"]
        self._store.save_calls(self.id, kept)
        failed = sum(answer.status == "failed" for _, answer in kept)
        self._count(done=len(kept) - failed, failed=failed)
        if len(kept) < len(group.settled):
            raise _Stop

    def _next(self, group: _Group) -> Done | Failed:
        while True:
            try:
                return group.ends.get(timeout=PATROL_S)
            except Empty:
                if self._cancelled.is_set() and group.job is not None:
                    group.job.cancel()
                status = self._engine.status()
                if status.state in ("failed", "stopped") and group.ends.empty():
                    raise EngineStopped(status.detail) from None

    def _ended(self, call: PlannedCall, prompt: Prompt, event: Done | Failed) -> LiveAnswer:
        """The call as its last event leaves it. An engine that is gone says nothing of the backend: the call
        is asked again by resuming.
        """
        answered = replace(self._answer(call), prompt=prompt)
        if isinstance(event, Failed):
            if self._engine.status().state != "ready":
                raise EngineStopped(event.failure.message)
            return replace(answered, status="failed", failure=event.failure)
        answer = event.answer
        answered = replace(answered, text=answer.text, answer=answer)
        if answer.finish == "cancelled":
            return replace(answered, status="cancelled")
        said = checked_part(answer.text, self._lanes[call.lane].backend.layers)
        checks = run_checks(call.case, said, prompt.passages, self._scenario)
        return replace(answered, status="done", checks=checks)

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
    which: Which = "all",
    first: int | None = None,
    repeats: int = 1,
    seed: int = 0,
    mode: Mode = "demo",
    sampling: Sampling | None = None,
) -> Plan:
    """Plan a run over a scenario's own cases: those of one split if ``which`` names it, the ``first`` N.

    Raises:
        BadInput: there is no such case, an unknown lane, or an impossible setting.
    """
    check_lanes(lanes)
    cases = tuple(case for case in load_cases(scenario) if which in ("all", case.split))
    if first is not None and first < 1:
        raise BadInput("The number of cases must be at least 1.")
    if not cases:
        raise BadInput(f"The scenario {scenario.name} has no cases to run.", "Write them into its cases.csv.")
    plan = Plan(
        scenario=scenario.name,
        cases=cases[:first],
        lanes=tuple(lanes),
        repeats=repeats,
        seed=seed,
        mode=mode,
        sampling=sampling or Sampling(),
    )
    check_query(plan.query(plan.cases[0]))
    return plan


def start_scenario_run(plan: Plan, *, store: Store, engine: Engine) -> ScenarioRun:
    """Store a new run and begin it; returns at once.

    Raises:
        BadInput: unknown scenario, lane or version.
        StoreUnavailable: nothing can be stored; a run of many calls is for nothing then.
    """
    run = ScenarioRun(new_run_id(), plan, store=store, engine=engine)
    store.create_scenario_run(run.id, plan, load_scenario(plan.scenario).texts)
    run.begin()
    return run


def resume_scenario_run(run_id: str, *, store: Store, engine: Engine) -> ScenarioRun:
    """Go on with an interrupted run: exactly the calls that have no row are asked.

    Raises:
        BadInput: there is no such run, it is no scenario run, or it goes on elsewhere.
        StoreUnavailable: the store can't be used.
    """
    run = ScenarioRun(run_id, store.reopen_run(run_id), store=store, engine=engine)
    run.begin()
    return run


def _groups(calls: Sequence[PlannedCall], size: int) -> Iterator[list[PlannedCall]]:
    rest = iter(calls)
    while group := list(islice(rest, size)):
        yield group
