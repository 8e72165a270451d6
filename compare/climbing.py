"""Climb the ladder: ask one approach after another, the cheapest first, in one stored run that grows.

Every rung answers the same cases, so what a rung gains is a difference between paired answers. What is
answered stays when a climb is stopped or its process killed: climbing again goes on where it was.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from threading import Lock, Thread

from backends.base import missing
from backends.engine.base import Engine
from backends.errors import BadInput, LeverError, as_failure
from backends.registry import registry
from backends.scenario import Scenario
from compare.cases import Case
from compare.lanes import backend_of
from compare.measured import StoredRun
from compare.plan import Plan
from compare.run_verdict import meets_bar_at
from compare.scenario_run import Progress, ScenarioRun, State
from compare.scenario_runs import scenario_runs
from compare.store import Store
from compare.terms import Terms
from compare.twins import same_part
from compare.verdict import CONTROLS, in_order

NAME = "Ladder"
"""What the run is called among the results."""
Enough = Callable[[StoredRun, str], bool]
"""Whether the lane that was asked last is good enough to stop there."""


@dataclass(frozen=True, kw_only=True)
class Rungs:
    """The lanes of a scenario's ladder, the cheapest first; ``left_out`` says what the others would need.

    The right passage stands last, where cases name one: it tells why the others fail, and is no rung.
    """

    lanes: tuple[str, ...]
    left_out: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Climbing:
    """Where a climb is: the ``lane`` that is asked, the ``number`` of lanes before it, and how far all of it
    is. ``enough_at`` is the lane that was good enough, so that the dearer ones were not asked.
    """

    run_id: str
    lane: str
    number: int
    progress: Progress
    enough_at: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.progress.ended


class _Stopped(Exception):
    """A rung ended before its end, for this reason."""


class Climb:
    """A climb in this process. Every method may be called from any thread."""

    def __init__(
        self, plan: Plan, run_id: str | None, *, enough: Enough | None, store: Store, engine: Engine
    ) -> None:
        """``plan`` has all rungs, in order. The run ``run_id`` asked a part of it and grows; None begins a
        new one. Without ``enough`` all rungs are asked.
        """
        self.plan = plan
        self._enough, self._store, self._engine = enough, store, engine
        self._lock = Lock()
        self._cancelled = False
        self._going: ScenarioRun | None = None
        progress = Progress(state="running", planned=len(plan.calls()), done=0, failed=0, left_s=None)
        self._seen = Climbing(run_id=run_id or "", lane=plan.lanes[0], number=0, progress=progress)
        self._thread = Thread(target=self._work, name=f"climb of {plan.scenario}", daemon=True)

    def begin(self) -> None:
        """Start the thread that carries it out."""
        self._thread.start()

    def seen(self) -> Climbing:
        """Where it stands now. The time left is as if the dearer rungs took as long as this one."""
        with self._lock:
            seen, going = self._seen, self._going
        if going is None or seen.ended:
            return seen
        now = going.progress()
        ended = now.done + now.failed
        left_here, left = now.planned - ended, seen.progress.planned - ended
        left_s = None if now.left_s is None or not left_here else now.left_s / left_here * left
        return replace(seen, progress=replace(seen.progress, done=now.done, failed=now.failed, left_s=left_s))

    def cancel(self) -> None:
        """Stop; what is answered stays."""
        with self._lock:
            self._cancelled = True
            going = self._going
        if going is not None:
            going.cancel()

    def wait(self, timeout_s: float | None = None) -> Climbing:
        """Block until it has ended, or the time is over."""
        self._thread.join(timeout_s)
        return self.seen()

    def _work(self) -> None:
        state: State = "stopped"
        problem = ""
        try:
            self._climb()
            state = "done"
        except (_Stopped, LeverError) as error:
            problem = str(error)
        except Exception as error:
            problem = as_failure(error, "engine").message
        last = self.seen()
        with self._lock:
            progress = replace(last.progress, state=state, left_s=None, problem=problem)
            self._seen = replace(self._seen, progress=progress)

    def _climb(self) -> None:
        controls = [lane for lane in self.plan.lanes if backend_of(lane) in CONTROLS]
        rungs = [lane for lane in self.plan.lanes if lane not in controls]
        for number, lane in enumerate(rungs):
            self._ask(lane, number)
            if self._enough is not None and self._enough(self._store.stored_run(self._seen.run_id), lane):
                with self._lock:
                    self._seen = replace(self._seen, enough_at=lane)
                break
        for number, lane in enumerate(controls, len(rungs)):
            self._ask(lane, number)

    def _ask(self, lane: str, number: int) -> None:
        """One more lane; what was answered before is not asked again."""
        with self._lock:
            self._seen = replace(self._seen, lane=lane, number=number)
        run_id = self._seen.run_id
        if not run_id:
            first = replace(self.plan, lanes=(lane,))
            going = scenario_runs().start(first, store=self._store, engine=self._engine, grows=True)
            self._store.rename_run(going.id, NAME)
        else:
            there = self._store.lanes_of(run_id)
            lanes = tuple(one for one in self.plan.lanes if one in there or one == lane)
            grown = replace(self.plan, lanes=lanes)
            owed = {call.key for call in grown.calls()} - self._store.stored_calls(run_id).keys()
            lost = self._store.lost_calls(run_id)
            if not owed and not lost and self._store.run_state(run_id)[0] == "done":
                return
            self._store.grow_run(run_id, grown)
            going = scenario_runs().resume(run_id, store=self._store, engine=self._engine)
        with self._lock:
            self._going = going
            self._seen = replace(self._seen, run_id=going.id)
            cancelled = self._cancelled
        if cancelled:
            going.cancel()
        ended = going.wait()
        if ended.state != "done":
            raise _Stopped(ended.problem)


class Climbs:
    """The climbs of this process, the last one of each scenario; any thread may use it."""

    def __init__(self) -> None:
        """None yet."""
        self._lock = Lock()
        self._climbs: dict[str, Climb] = {}

    def start(
        self, plan: Plan, base: str, *, enough: Enough | None, store: Store, engine: Engine,
        anew: bool = False,
    ) -> Climb:  # fmt: skip
        """Climb, on the newest ladder that asked a part of this of what is there now, or ``anew``. ``base``
        as in :func:`compare.twins.same_part`.

        Raises:
            BadInput: this scenario's ladder is climbed already, or something of it is not there.
            StoreUnavailable: the store can't be used.
        """
        with self._lock:
            going = self._climbs.get(plan.scenario)
            if going is not None and not going.seen().ended:
                raise BadInput("This scenario's ladder is climbed already.", "Wait for it, or stop it.")
            run_id = None if anew else same_part(plan, base, store)
            climb = Climb(plan, run_id, enough=enough, store=store, engine=engine)
            self._climbs[plan.scenario] = climb
        climb.begin()
        return climb

    def get(self, scenario: str) -> Climb | None:
        """The last one of a scenario in this process."""
        with self._lock:
            return self._climbs.get(scenario)


@lru_cache(maxsize=1)
def climbs() -> Climbs:
    """The process's registry."""
    return Climbs()


def in_climbing_order(lanes: Sequence[str], terms: Terms) -> tuple[tuple[str, ...], Terms]:
    """The lanes as they are climbed, the cheapest first and the controls last, and the terms with all of them
    in their order: what an own order does not name is dearer than what it names.
    """
    if terms.order:
        usual = in_order(lanes, replace(terms, order=()))
        terms = replace(terms, order=(*terms.order, *(lane for lane in usual if lane not in terms.order)))
    levers = in_order(lanes, terms)
    return (*levers, *(lane for lane in lanes if lane not in levers)), terms


def once_met(lanes: Sequence[str], terms: Terms) -> Enough:
    """A climb stops once a lane meets the bar as one of all these lanes, however few are asked yet.

    Raises:
        BadInput: see :func:`compare.verdict.in_order`.
    """
    levers = len(in_order(lanes, terms))
    return lambda run, lane: meets_bar_at(run, lane, terms, levers)


def rungs_of(scenario: Scenario, cases: Sequence[Case], engine: Engine) -> Rungs:
    """What a scenario can be asked with."""
    lanes: list[str] = []
    left_out: dict[str, str] = {}
    for name, backend in registry().items():
        needs = missing(backend, scenario, scenario.texts, engine)
        if name == "shuffled" or (name == "oracle" and not any(case.source for case in cases)):
            continue
        if not needs:
            lanes.append(name)
        elif name not in CONTROLS:
            left_out[name] = " and ".join(needs)
    return Rungs(lanes=tuple(lanes), left_out=left_out)
