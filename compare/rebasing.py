"""Bring a scenario to the loaded base model in the background: train what does not fit it, then ask its cases
again. What was done before is not done again, so that whoever was cut short begins anew at the same place.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from threading import Event, Lock, Thread
from typing import Literal

from backends.adapters import use
from backends.engine.base import Engine
from backends.errors import LeverError, as_failure
from backends.scenario import Scenario
from backends.training.jobs import TrainingJob, is_running
from backends.training.progress import TrainingView, view
from backends.training.recipes import STANDARD
from compare.another_base import AnotherBase, ToTrain, another_base, recipe_changes
from compare.scenario_run import Progress
from compare.scenario_runs import scenario_runs
from compare.store import Store
from compare.training_plan import planned
from compare.trainings import resume_training, start_training, stop_training

LOOK_S = 0.5
State = Literal["training", "asking", "done", "stopped"]
"""``stopped``: by somebody, or by a ``problem``; begun again it goes on from there."""


@dataclass(frozen=True, kw_only=True)
class RebaseProgress:
    """How far it is. ``trainings`` are those that were followed, the last one maybe going on; ``asked`` is of
    the new run, whose id is ``run_id``; ``asked_before`` the run that it repeats.
    """

    state: State
    base: str
    to_train: int
    trainings: tuple[TrainingView, ...] = ()
    used: tuple[str, ...] = ()
    run_id: str | None = None
    asked: Progress | None = None
    asked_before: str | None = None
    problem: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.state in ("done", "stopped")


class Rebasing:
    """One scenario being brought to the loaded base. Every method may be called from any thread."""

    def __init__(self, found: AnotherBase, *, store: Store, engine: Engine, by: str = "") -> None:
        """``found`` is what is to be done; ``by`` is for the new adapters' cards."""
        self.found = found
        self._store, self._engine, self._by = store, engine, by
        self._lock = Lock()
        self._stop, self._over = Event(), Event()
        self._progress = RebaseProgress(
            state="training", base=found.base, to_train=len(found.to_train), asked_before=found.repeats
        )

    def progress(self) -> RebaseProgress:
        """Where it stands now."""
        with self._lock:
            return self._progress

    def stop(self) -> None:
        """Pause the training or stop the run; both are taken up when it is begun again."""
        self._stop.set()

    def wait(self, timeout_s: float | None = None) -> RebaseProgress:
        """Block until it has ended, or the time is over."""
        self._over.wait(timeout_s)
        return self.progress()

    def begin(self) -> None:
        """Start the thread that carries it out."""
        Thread(target=self._work, name=f"another base {self.found.scenario.name}", daemon=True).start()

    def _work(self) -> None:
        state: State = "stopped"
        problem = ""
        try:
            if self._trained() and self._asked():
                state = "done"
        except LeverError as error:
            problem = str(error)
        except Exception as error:
            problem = as_failure(error, "engine").message
        self._note(state=state, **({"problem": problem} if problem else {}))
        self._over.set()

    def _trained(self) -> bool:
        """Whether every adapter is there and in use."""
        for there in self.found.to_use:
            use(self.found.scenario, there.kind, there.number)
            self._note(used=(*self.progress().used, there.key))
        for one in self.found.to_train:
            seen = self._follow(self._begun(one))
            if seen.state != "done":
                self._note(problem=seen.failure or "The training was paused; begin again to take it up.")
                return False
        return True

    def _begun(self, one: ToTrain) -> TrainingJob:
        if one.begun is not None:
            return one.begun if is_running(one.begun) else resume_training(one.begun.id)
        job = planned(
            self.found.scenario,
            one.kind,
            one.examples.read_bytes(),
            preset=STANDARD,
            changes=recipe_changes(one.foreign, self._engine.status().device),
            by=self._by,
            note=self.found.note,
        )
        start_training(job)
        return job

    def _follow(self, job: TrainingJob) -> TrainingView:
        before = self.progress().trainings
        asked_to_stop = False
        while is_running(job):
            self._note(trainings=(*before, view(job)))
            if self._stop.wait(LOOK_S) and not asked_to_stop and is_running(job):
                asked_to_stop = True
                stop_training(job, keep=False)
        seen = view(job)
        self._note(trainings=(*before, seen))
        return seen

    def _asked(self) -> bool:
        """Whether the cases were asked again; with no run of another base there is nothing to ask."""
        found = self.found
        if found.asked_again is not None or found.plan is None:
            self._note(run_id=found.asked_again)
            return True
        runs = scenario_runs()
        if found.begun_run is not None:
            run = runs.resume(found.begun_run, store=self._store, engine=self._engine)
        else:
            run = runs.start(found.plan, store=self._store, engine=self._engine)
        self._note(state="asking", run_id=run.id)
        progress = run.progress()
        while not progress.ended:
            self._note(asked=progress)
            if self._stop.is_set():
                run.cancel()
            progress = run.wait(LOOK_S)
        self._note(asked=progress, problem=progress.problem)
        return progress.state == "done"

    def _note(self, **changes: object) -> None:
        with self._lock:
            self._progress = replace(self._progress, **changes)  # type: ignore[arg-type]


class Rebasings:
    """Those of this process by scenario, so that any page can follow or stop them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: dict[str, Rebasing] = {}

    def get(self, scenario: str) -> Rebasing | None:
        """The scenario's last one, going on or ended."""
        with self._lock:
            return self._known.get(scenario)

    def start(self, scenario: Scenario, *, store: Store, engine: Engine, by: str = "") -> Rebasing:
        """Begin one; the one that goes on, if there is one.

        Raises:
            EngineStopped: no base is loaded.
            StoreUnavailable: the runs can't be looked through.
        """
        with self._lock:
            known = self._known.get(scenario.name)
            if known is not None and not known.progress().ended:
                return known
            found = another_base(scenario, engine.status(), store)
            self._known[scenario.name] = begun = Rebasing(found, store=store, engine=engine, by=by)
            begun.begin()
        return begun


@lru_cache(maxsize=1)
def rebasings() -> Rebasings:
    """The process's registry."""
    return Rebasings()
