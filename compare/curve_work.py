"""Carry out a learning curve in the background: train what is missing, ask it, write down what came out."""

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Event, Lock, Thread

from backends.adapter_places import MARK, numbers
from backends.engine.base import Engine
from backends.errors import BadInput, LeverError, as_failure
from backends.scenario import load_scenario
from backends.training.examples import load_examples
from backends.training.jobs import TrainingJob, create_job, is_running, load_job
from backends.training.progress import view as training_view
from compare.before_after import BARE
from compare.comparing import calls_of, scores_of_answering
from compare.curve_state import Curve, CurveTraining, carried_out, load_curve, save_curve
from compare.learning_curve import delete_trained, part_of, require_same_base
from compare.numbers import share
from compare.scenario_run import ScenarioRun, make_plan, resume_scenario_run, start_scenario_run
from compare.store import Store
from compare.training_files import write_examples
from compare.training_plan import recipe_of
from compare.trainings import start_training, stop_training

PATROL_S = 0.5
PATIENCE_S = 5.0
"""How long it waits for somebody who looks at the curve, or deletes its adapters."""
NOTE = "learning curve"
STOPPED, GONE = "Stopped; it can go on.", "The training ended before its end. Let it go on to take it up."


class _Stopped(Exception):
    """Somebody wants it to stop."""


@dataclass(frozen=True, kw_only=True)
class CurveView:
    """A curve now. ``share`` in [0, 1] is how much of its steps is done; ``problem`` says why it stopped."""

    curve: Curve
    going: bool
    detail: str = ""
    share: float = 0.0
    problem: str = ""


class LearningCurve:
    """A curve that this process carries out. Every method may be called from any thread."""

    def __init__(self, curve: Curve, *, store: Store, engine: Engine) -> None:
        """Nothing is begun yet."""
        self._store, self._engine = store, engine
        self._lock, self._over, self._stopping = Lock(), Event(), Event()
        self._for_good = False
        self._view = CurveView(curve=curve, going=True, share=_share(curve))

    def view(self) -> CurveView:
        """Where it stands."""
        with self._lock:
            return self._view

    def begin(self) -> None:
        """Start the thread that carries it out."""
        Thread(target=self.work, name=f"learning curve {self._view.curve.id}", daemon=True).start()

    def pause(self) -> None:
        """Stop after the step of training that goes on; it can go on later."""
        self._stopping.set()

    def stop(self) -> None:
        """End it with the seeds that were asked."""
        self._for_good = True
        self._stopping.set()

    def wait(self, timeout_s: float | None = None) -> CurveView:
        """Block until it has ended or paused, or the time is over."""
        self._over.wait(timeout_s)
        return self.view()

    def work(self) -> None:
        """Do what is left of it; never raises."""
        problem = ""
        try:
            with carried_out(self._curve, PATIENCE_S):
                self._take_up()
                problem = self._carry_out()
        except LeverError as error:
            problem = str(error)
        except Exception as error:
            problem = as_failure(error, "engine").message
        with self._lock:
            self._view = replace(self._view, going=False, detail="", problem=problem)
        self._over.set()

    @property
    def _curve(self) -> Curve:
        return self.view().curve

    def _take_up(self) -> None:
        """As it is written by now, not as a page was drawn with it; on the base that it began with."""
        curve, status = load_curve(self._curve.id), self._engine.status()
        self._save(curve)
        if curve.ended:
            raise BadInput("This learning curve is done.", "Begin a new one.")
        require_same_base(curve, status)
        self._save(replace(curve, base_hash=status.base_hash))

    def _carry_out(self) -> str:
        """Everything that is missing; gives why it stopped early, if it did."""
        try:
            for round in self._curve.rounds:
                if not round.asked:
                    for training in round.trainings:
                        self._train(round.seed, training)
                    self._ask(round.seed)
        except _Stopped:
            if not self._for_good:
                return STOPPED
        ended = "done" if self._curve.asked == len(self._curve.rounds) else "stopped"
        if not self._curve.keep:
            delete_trained(self._curve, self._engine)
        self._save(replace(self._curve, ended=ended))  # type: ignore[arg-type]
        return ""

    def _train(self, seed: int, training: CurveTraining) -> None:
        if training.adapter is not None and training.adapter in numbers(self._curve.scenario):
            return
        self._go_on(f"Training on {training.size} examples, seed {seed + 1}")
        job = self._job(seed, training)
        if not is_running(job) and training_view(job).state != "done":
            start_training(job)
        self._patrol(job)
        seen = training_view(job)
        if seen.state == "failed":
            raise LeverError(seen.failure)
        if seen.state != "done":
            self._go_on()
            raise LeverError(GONE)
        losses = [epoch.held_out for epoch in seen.epochs]
        self._note(seed, training.size, adapter=seen.adapter, held_out=min(losses, default=None))

    def _job(self, seed: int, training: CurveTraining) -> TrainingJob:
        """Its training as it stands, or a new one."""
        with suppress(BadInput):
            job = load_job(training.job)
            if training.adapter is None:
                return job
        curve = self._curve
        part = part_of(load_examples(curve.examples), training.size, seed)
        job = create_job(
            curve.scenario,
            curve.kind,
            recipe_of(load_scenario(curve.scenario), curve.kind, curve.preset, {"seed": seed}),
            write_examples(part),
            use=False,
            by=curve.by,
            note=f"{NOTE}: {len(part)} examples, seed {seed + 1}",
            preset=curve.preset,
        )
        round = replace(self._curve.rounds[seed], run="")  # One that was begun lacks the new adapter.
        self._save(self._curve.with_round(round))
        self._note(seed, training.size, job=job.id, examples=len(part), adapter=None)
        return job

    def _patrol(self, job: TrainingJob) -> None:
        detail, before = self.view().detail, _share(self._curve)
        while is_running(job):
            if self._stopping.is_set():
                with suppress(BadInput):  # It has just ended.
                    stop_training(job, keep=False)
            done = training_view(job).share
            self._show(f"{detail}: {round(100 * done)} %", before + done / _steps(self._curve))
            time.sleep(PATROL_S)

    def _ask(self, seed: int) -> None:
        self._go_on(f"Asking the test questions, seed {seed + 1}")
        curve, round = self._curve, self._curve.rounds[seed]
        bare = BARE[curve.kind][0]
        lanes = [f"{curve.kind}{MARK}{one.adapter}" for one in round.trainings]
        plan = make_plan(
            load_scenario(curve.scenario), [bare, *lanes], which="test", repeats=curve.repeats, seed=seed
        )
        if round.run and self._store.run_state(round.run)[0] == "done":
            run = None
        elif round.run:
            run = resume_scenario_run(round.run, store=self._store, engine=self._engine)
        else:
            run = start_scenario_run(plan, store=self._store, engine=self._engine)
            self._store.rename_run(run.id, f"Learning curve, seed {seed + 1}")
            round = replace(round, run=run.id)
            self._save(curve.with_round(round))
        if run is not None:
            self._follow(run)
        scores = scores_of_answering(calls_of(self._store.stored_run(round.run).calls, plan.lanes))
        asked = tuple(
            replace(one, scores=scores[lane]) for one, lane in zip(round.trainings, lanes, strict=True)
        )
        self._save(curve.with_round(replace(round, asked=True, trainings=asked, bare=scores[bare])))

    def _follow(self, run: ScenarioRun) -> None:
        before, progress = _share(self._curve), run.progress()
        while not progress.ended:
            if self._stopping.is_set():
                run.cancel()
            progress = run.wait(PATROL_S)
            ended = progress.done + progress.failed
            answers = share(ended, progress.planned)
            step = ended / max(1, progress.planned) / _steps(self._curve)
            self._show(f"Asking the test questions: {answers} answers", before + step)
        if progress.state != "done":
            self._go_on()
            raise LeverError(progress.problem)

    def _go_on(self, detail: str = "") -> None:
        if self._stopping.is_set():
            raise _Stopped
        self._show(detail, _share(self._curve))

    def _note(self, seed: int, size: int, **changed: object) -> None:
        """Write down what is new of one training."""
        round = self._curve.rounds[seed]
        trainings = tuple(
            replace(one, **changed) if one.size == size else one  # type: ignore[arg-type]
            for one in round.trainings
        )
        self._save(self._curve.with_round(replace(round, trainings=trainings)))

    def _save(self, curve: Curve) -> None:
        save_curve(curve)
        with self._lock:
            self._view = replace(self._view, curve=curve, share=_share(curve))

    def _show(self, detail: str, done: float) -> None:
        with self._lock:
            self._view = replace(self._view, detail=detail, share=done)


def _steps(curve: Curve) -> int:
    return len(curve.rounds) * (len(curve.sizes) + 1)


def _share(curve: Curve) -> float:
    """The share of trainings and runs that are done."""
    trained = sum(one.adapter is not None for round in curve.rounds for one in round.trainings)
    return (curve.asked + trained) / _steps(curve)
