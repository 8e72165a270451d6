"""The knowledge-change drill: change one fact, and see which approach is right again, when, and at what cost.

All of it really happens: the cases that the fact touches are asked, the document is edited, the index brought
in step, the cases asked again with what is right now; on demand the adapters are trained again on examples
with the new fact, and asked once more. The runs are stored like any other. What the drill changed is noted
before it is changed, so that it can be put back, also after the process was killed.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Literal

from backends.adapters import DRILL_NOTE, EXAMPLES, register
from backends.base import adapter_key
from backends.engine.base import Engine
from backends.errors import BadInput, LeverError, as_failure
from backends.knowledge.documents import WRITTEN, read_document, write_whole
from backends.knowledge.editing import write_document
from backends.registry import registry
from backends.scenario import Scenario, load_scenario
from backends.training import ADAPTERS
from backends.training.examples import examples_path, load_examples
from backends.types import Sampling
from compare.case_files import load_cases
from compare.cases import Case
from compare.drill_results import INDEXED, RUN_NAMES, LaneDrill, lane_drills
from compare.drill_undo import alone, drill_folder, note_change, note_choice
from compare.knowledge_change import Change, Touched, changed_examples, touched_cases
from compare.lanes import adapter_of, backend_of, check_lanes
from compare.plan import Plan
from compare.scenario_run import ScenarioRun, start_scenario_run
from compare.store import Store

PATROL_S = 0.5
Stage = Literal["before", "editing", "after", "training", "retrained", "done", "stopped"]
"""What the drill is at; ``retrained`` asks the lanes whose adapters were trained again."""


@dataclass(frozen=True, kw_only=True)
class DrillPlan:
    """What a drill changes and asks. ``cases`` are those whose right answer after the change is known."""

    scenario: str
    change: Change
    cases: tuple[Touched, ...]
    lanes: tuple[str, ...]
    repeats: int = 3
    seed: int = 0
    sampling: Sampling = field(default_factory=Sampling)
    retrain: bool = False


@dataclass(frozen=True, kw_only=True)
class DrillView:
    """A drill now. Run ids are empty before there is a run; seconds None before they are known."""

    plan: DrillPlan
    stage: Stage
    detail: str = ""
    problem: str = ""
    runs: Mapping[str, str] = field(default_factory=dict)
    """The stored runs by the stage that asked them."""
    index_s: float | None = None
    training_s: Mapping[str, float] = field(default_factory=dict)
    """By adapter, with loading it."""
    examples_changed: int = 0
    lanes: tuple[LaneDrill, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.stage in ("done", "stopped")


def plan_drill(
    scenario: Scenario,
    change: Change,
    lanes: Sequence[str],
    *,
    cases: Sequence[Touched] | None = None,
    repeats: int = 3,
    seed: int = 0,
    sampling: Sampling | None = None,
    retrain: bool = False,
) -> DrillPlan:
    """Plan a drill over the scenario's own cases, or over ``cases`` whose new answers a person gave.

    Raises:
        BadInput: no case asks for the fact, or nobody can tell what is right after the change.
    """
    check_lanes(lanes)
    if "shuffled" in map(backend_of, lanes):
        raise BadInput("Wrong passages can't be part of a drill: all its questions ask for one fact.")
    if Path(change.document).suffix.lower() not in WRITTEN:
        raise BadInput(
            f"{change.document} is no text document.", f"A drill edits {', '.join(WRITTEN)} documents."
        )
    found = touched_cases(load_cases(scenario), change, scenario) if cases is None else tuple(cases)
    known = tuple(one for one in found if one.after is not None)
    if not found:
        raise BadInput(
            "No case asks for what you changed.", "Change a fact that a case checks, or add a case for it."
        )
    if not known:
        raise BadInput(
            f"What is right after the change can't be told for {found[0].before.id!r}.",
            "Say what the answer must be then.",
        )
    return DrillPlan(
        scenario=scenario.name,
        change=change,
        cases=known,
        lanes=tuple(lanes),
        repeats=repeats,
        seed=seed,
        sampling=sampling or Sampling(),
        retrain=retrain,
    )


class Drill:
    """One drill in this process. Every method may be called from any thread."""

    def __init__(self, plan: DrillPlan, *, store: Store, engine: Engine) -> None:
        """Nothing is changed yet."""
        self._plan, self._store, self._engine = plan, store, engine
        self._lock, self._over, self._cancelled = Lock(), Event(), Event()
        self._view = DrillView(plan=plan, stage="before")
        self._run: ScenarioRun | None = None
        self._training: subprocess.Popen[str] | None = None
        self.changed = False
        """Whether there is something of this drill to put back."""

    def view(self) -> DrillView:
        """Where it stands."""
        with self._lock:
            return self._view

    def begin(self) -> None:
        """Start the thread that carries it out."""
        Thread(target=self.work, name=f"drill {self._plan.scenario}", daemon=True).start()

    def train_again(self) -> None:
        """One step more, after the others: train the adapters that hold facts on the changed examples, and
        ask them again. Returns at once.
        """
        with self._lock:
            if not self._view.ended:
                return
            self._view = replace(self._view, stage="training", detail="", problem="")
        self._over.clear()
        self._cancelled.clear()
        Thread(target=self._do, args=(self._retrain,), name="drill training", daemon=True).start()

    def wait(self, timeout_s: float | None = None) -> DrillView:
        """Block until it has ended, or the time is over."""
        self._over.wait(timeout_s)
        return self.view()

    def cancel(self) -> None:
        """Stop; what was changed stays until it is put back."""
        self._cancelled.set()
        if self._run is not None:
            self._run.cancel()
        if self._training is not None:
            self._training.terminate()

    def work(self) -> None:
        """Do all of it; never raises."""
        self._do(self._all)

    def trainable(self) -> tuple[str, ...]:
        """The lanes that know facts from an adapter alone, and answer with the one in use."""
        asked = [lane for lane in self._plan.lanes if adapter_of(lane) is None]
        layers = {lane: set(registry()[backend_of(lane)].layers) for lane in asked}
        return tuple(lane for lane, has in layers.items() if "adapter" in has and "passages" not in has)

    def _do(self, steps: Callable[[], None]) -> None:
        try:
            with alone(self._plan.scenario):
                steps()
            self._show(stage="done", detail="")
        except LeverError as error:
            self._show(stage="stopped", problem=str(error))
        except Exception as error:
            self._show(stage="stopped", problem=as_failure(error, "engine").message)
        finally:
            self._over.set()

    def _all(self) -> None:
        self._ask("before", [one.before for one in self._plan.cases], self._plan.lanes)
        self._edit()
        self._ask("after", self._right_now, self._plan.lanes)
        if self._plan.retrain and self.trainable():
            self._retrain()

    def _retrain(self) -> None:
        self._train(self.trainable())
        self._ask("retrained", self._right_now, self.trainable())

    @property
    def _right_now(self) -> list[Case]:
        return [one.after for one in self._plan.cases if one.after is not None]

    def _ask(self, stage: Stage, cases: Sequence[Case], lanes: Sequence[str]) -> None:
        self._show(stage=stage, detail="")
        plan = Plan(
            scenario=self._plan.scenario,
            cases=tuple(cases),
            lanes=tuple(lanes),
            repeats=self._plan.repeats,
            seed=self._plan.seed,
            sampling=self._plan.sampling,
            texts=load_scenario(self._plan.scenario).texts,
        )
        self._run = run = start_scenario_run(plan, store=self._store, engine=self._engine)
        self._store.rename_run(run.id, RUN_NAMES[stage])
        self._show(runs={**self.view().runs, stage: run.id})
        progress = run.progress()
        while not progress.ended:
            if self._cancelled.is_set():
                run.cancel()
            progress = run.wait(PATROL_S)
            self._show(detail=f"{progress.done + progress.failed} of {progress.planned} answers")
        if progress.state != "done":
            raise LeverError(progress.problem or "The run was stopped.")
        self._measure()

    def _edit(self) -> None:
        """Save the new text and bring the index in step; only that takes time on the way to right answers."""
        from backends.knowledge import knowledge

        self._show(stage="editing", detail="")
        scenario, change = load_scenario(self._plan.scenario), self._plan.change
        seen = read_document(scenario.knowledge / change.document)
        if seen.text != change.before:
            raise BadInput(f"{change.document} was edited meanwhile, so nothing was changed.", "Begin anew.")
        note_change(scenario.name, change, self._plan.cases)
        self.changed = True
        started = time.perf_counter()
        write_document(scenario, seen, self._plan.change.after)
        if any(INDEXED & set(registry()[backend_of(lane)].layers) for lane in self._plan.lanes):
            knowledge().ensure_index(scenario, self._engine)
        self._show(index_s=time.perf_counter() - started)

    def _train(self, lanes: Sequence[str]) -> None:
        """Train the lanes' adapters again, in a process of their own, and load them."""
        names = [name for name in ADAPTERS if name in {backend_of(lane) for lane in lanes}]
        self._show(stage="training", detail="")
        scenario = load_scenario(self._plan.scenario)
        folder = drill_folder(scenario.name)
        load_examples(examples_path(scenario))  # Its sentence says what is wrong with them.
        said = examples_path(scenario).read_text(encoding="utf-8-sig")
        changed, count = changed_examples(said, self._plan.change, self._plan.cases, scenario)
        self._show(examples_changed=count)
        write_whole(folder / EXAMPLES, changed.encode())
        for name in names:
            started = time.perf_counter()
            self._train_one(scenario, name, folder)
            made = folder / "trained" / name
            shutil.copyfile(folder / EXAMPLES, made / EXAMPLES)
            note_choice(scenario, name)
            register(scenario, made, use=True, facts={"note": DRILL_NOTE})
            adapter_key(scenario, name, self._engine)
            took = time.perf_counter() - started
            self._show(training_s={**self.view().training_s, name: took})

    def _train_one(self, scenario: Scenario, name: str, folder: Path) -> None:
        command = [sys.executable, "-m", "backends.training", scenario.name, "--adapter", name]
        command += ["--examples", str(folder / EXAMPLES), "--out", str(folder / "trained")]
        shutil.rmtree(folder / "trained", ignore_errors=True)
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace"
        ) as process:
            assert process.stderr is not None
            self._training = process
            if self._cancelled.is_set():
                process.terminate()
            last = ""
            for line in process.stderr:
                last = line.strip() or last
                self._show(detail=last)
        self._training = None
        if self._cancelled.is_set():
            raise LeverError("The training was stopped.")
        if process.returncode:
            raise LeverError(f"The training broke: {last}")

    def _measure(self) -> None:
        view = self.view()
        stored = {stage: self._store.stored_run(run) for stage, run in view.runs.items()}
        self._show(
            lanes=lane_drills(
                view.plan.lanes,
                view.plan.cases,
                stored,
                index_s=view.index_s,
                training_s=view.training_s,
                scenario=load_scenario(view.plan.scenario),
            )
        )

    def _show(self, **changed: object) -> None:
        with self._lock:
            self._view = replace(self._view, **changed)  # type: ignore[arg-type]
