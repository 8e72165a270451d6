"""A training's course: what is told of it, the best weights, and the checkpoints that it goes on from.

A checkpoint is transformers' own with a mark that it is whole; the best weights stand beside it in a file
named by their step, so that going on from an earlier step never takes later ones for its own.
"""

import json
import math
import time
from pathlib import Path
from typing import Any

import torch
from peft import PeftMixedModel, PeftModel
from safetensors.torch import load_file, save_file
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from backends.knowledge.documents import write_whole
from backends.training import Epoch, Step, Watch
from backends.training.checkpoints import WHOLE

CHECKPOINT_S = 20.0
"""Seconds of training that a killed process loses at most."""


def epochs_of(state: TrainerState) -> tuple[Epoch, ...]:
    """The measured epochs, with the mean loss of the steps since the one before."""
    found: list[Epoch] = []
    losses: list[float] = []
    for entry in state.log_history:
        if "loss" in entry:
            losses.append(entry["loss"])
        if "eval_loss" in entry:
            mean = sum(losses) / len(losses) if losses else None
            found.append(Epoch(epoch=entry["epoch"], training=mean, held_out=entry["eval_loss"]))
            losses = []
    return tuple(found)


def is_over(state: TrainerState, patience: int) -> bool:
    """Whether nothing more is to be learnt: all steps are done, or the held-out loss has not become lower for
    ``patience`` epochs (0: never).
    """
    losses = [_comparable(epoch.held_out) for epoch in epochs_of(state)]
    waited = len(losses) - 1 - losses.index(min(losses)) if losses else 0
    return state.global_step >= state.max_steps > 0 or 0 < patience <= waited


def _comparable(loss: float) -> float:
    """A loss that is no number, where learning diverged, is worse than any."""
    return loss if math.isfinite(loss) else math.inf


class Course(TrainerCallback):
    """Follows the training: tells the watch, keeps the weights of the best epoch, takes checkpoints, and
    pauses or stops where that is wanted.
    """

    def __init__(
        self,
        model: PeftModel | PeftMixedModel,
        workspace: Path,
        checkpoint: Path | None,
        patience: int,
        watch: Watch,
    ) -> None:
        self.paused = False
        self._learnt: dict[str, torch.Tensor] = {
            name: weights for name, weights in model.named_parameters() if weights.requires_grad
        }
        self._workspace, self._patience, self._watch = workspace, patience, watch
        self._before = 0.0 if checkpoint is None else _read_whole(checkpoint)
        self._began = self._saved_at = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Spent on training so far, in all sessions."""
        return self._before + time.perf_counter() - self._began

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """The clock starts here, not while the Trainer is set up."""
        self._began = self._saved_at = time.perf_counter()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Pause, stop or take a checkpoint in the midst of an epoch; at its end only after it was measured,
        or whoever goes on from there would not measure it.
        """
        if self._ends_epoch(state):
            return
        wish = self._watch.wish()
        self.paused = wish == "pause"
        control.should_training_stop = control.should_training_stop or wish != "go on"
        control.should_save = self.paused or time.perf_counter() - self._saved_at > CHECKPOINT_S

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Measure, then take a checkpoint; a pause in the midst of the epoch has had its own."""
        control.should_evaluate = control.should_save = not self.paused
        if not self.paused and not control.should_training_stop:
            wish = self._watch.wish()
            self.paused = wish == "pause"
            control.should_training_stop = wish != "go on"

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Tell the watch of a step."""
        entry = state.log_history[-1]
        if "loss" in entry:
            self._watch.step(
                Step(
                    step=state.global_step,
                    steps=state.max_steps,
                    epoch=state.epoch or 0.0,
                    loss=entry["loss"],
                    tokens=state.num_input_tokens_seen,
                    seconds=self.seconds,
                )
            )

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Keep the weights when they are the best so far; stop when they have not been for long."""
        epochs = epochs_of(state)
        control.should_training_stop = control.should_training_stop or is_over(state, self._patience)
        if _best(state) == state.global_step:
            save_file(self._learnt, self._best_file(state))
        done = state.global_step / max(1, state.max_steps)
        self._watch.epoch(epochs[-1], self.seconds * (1 - done) / done if done else None)

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """The checkpoint is whole: older best weights are not needed for going on any more."""
        folder = self._workspace / f"checkpoint-{state.global_step}"
        write_whole(folder / WHOLE, json.dumps({"seconds": self.seconds}).encode())
        for file in set(self._workspace.glob("best-*")) - {self._best_file(state)}:
            file.unlink()
        self._saved_at = time.perf_counter()

    def restore_best(self, state: TrainerState) -> None:
        """Put the best weights back into the model."""
        best = load_file(self._best_file(state))
        with torch.no_grad():
            for name, weights in self._learnt.items():
                weights.copy_(best[name])

    def _best_file(self, state: TrainerState) -> Path:
        return self._workspace / f"best-{_best(state)}.safetensors"

    @staticmethod
    def _ends_epoch(state: TrainerState) -> bool:
        done = state.epoch or 0.0
        return state.global_step >= state.max_steps or abs(done - round(done)) < 1e-9


def _best(state: TrainerState) -> int:
    """The step after which the held-out loss was lowest; the first of equals."""
    measured = [entry for entry in state.log_history if "eval_loss" in entry]
    return int(min(measured, key=lambda entry: _comparable(entry["eval_loss"]))["step"])


def _read_whole(checkpoint: Path) -> float:
    """The seconds that were spent until then."""
    return float(json.loads((checkpoint / WHOLE).read_text(encoding="utf-8"))["seconds"])
