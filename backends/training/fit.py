"""Train one adapter on its own copy of the base and save it.

LoRA (Hu et al. 2021) on all linear layers by transformers' ``Trainer``; the weights of the epoch with the
lowest held-out loss are kept. Imports torch: only ``make.py`` imports this, in the training process.
"""

import math
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftMixedModel, PeftModel, TaskType, get_peft_model
from transformers import (
    DataCollatorForSeq2Seq,
    PreTrainedTokenizerBase,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    set_seed,
)

from backends.engine.loading import Base
from backends.errors import BadInput
from backends.training import Epoch, Recipe
from backends.training.supervise import IGNORED, TokenRow

Report = Callable[[str], None]
"""Takes one line of progress for a person."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What training gave: all epochs (0 is the untrained adapter), the one that was kept, and the cost."""

    epochs: tuple[Epoch, ...]
    kept: Epoch
    seconds: float
    steps: int
    trained_parameters: int


def fit(
    base: Base,
    tokenizer: PreTrainedTokenizerBase,
    training: Sequence[TokenRow],
    held_out: Sequence[TokenRow],
    recipe: Recipe,
    folder: Path,
    report: Report,
) -> Fit:
    """Train, then save ``adapter_config.json`` and ``adapter_model.safetensors`` (bfloat16) into ``folder``.

    The base's layers are wrapped in place; use a base of its own, never the engine's. A tokenizer without a
    padding token pads with its end token: padding is masked, and its labels are ignored.

    Raises:
        BadInput: learning diverged (the held-out loss is not a number).
    """
    set_seed(recipe.seed)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.convert_ids_to_tokens(min(base.end_ids))
    lora = LoraConfig(
        task_type=TaskType.CAUSAL_LM,
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        target_modules="all-linear",
        bias="none",
    )
    with warnings.catch_warnings():  # peft 0.21 asks transformers 5 by a name that is going away
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)
        model = get_peft_model(base.model, lora)
    watch = _KeepBest(model, report)
    with tempfile.TemporaryDirectory() as scratch:
        trainer = Trainer(
            model=model,
            args=_arguments(recipe, scratch, model.device),
            train_dataset=list(training),  # type: ignore[arg-type]
            eval_dataset=list(held_out),  # type: ignore[arg-type]
            data_collator=DataCollatorForSeq2Seq(tokenizer, label_pad_token_id=IGNORED, padding=True),
            callbacks=[watch],
        )
        trainer.remove_callback(PrinterCallback)  # standard output belongs to the cards
        started = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - started
    if not all(math.isfinite(epoch.held_out) for epoch in watch.epochs):
        raise BadInput("Training diverged: the held-out loss is not a number.", "Lower the learning rate.")
    kept = watch.restore_best()
    # bfloat16 keeps all that an update's noise leaves of its digits, in half the space
    learnt = {name: w.bfloat16() for name, w in model.state_dict().items() if "lora_" in name}
    model.save_pretrained(str(folder), save_embedding_layers=False, state_dict=learnt)
    return Fit(
        epochs=tuple(watch.epochs),
        kept=kept,
        seconds=seconds,
        steps=trainer.state.global_step,
        trained_parameters=sum(weights.numel() for weights in model.parameters() if weights.requires_grad),
    )


class _KeepBest(TrainerCallback):
    """Follows the held-out loss and keeps the adapter's weights where it was lowest."""

    def __init__(self, model: PeftModel | PeftMixedModel, report: Report) -> None:
        self.epochs: list[Epoch] = []
        self._learnt = {name: weights for name, weights in model.named_parameters() if weights.requires_grad}
        self._best: dict[str, torch.Tensor] = {}
        self._report = report
        self._began = time.perf_counter()

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Take down the losses, and the weights when they are the best so far."""
        losses = [entry["loss"] for entry in state.log_history if "loss" in entry]
        held_out = kwargs["metrics"]["eval_loss"]
        if not self.epochs or held_out < min(epoch.held_out for epoch in self.epochs):
            self._best = {name: weights.detach().clone() for name, weights in self._learnt.items()}
        training = losses[-1] if losses and self.epochs else None
        self.epochs.append(Epoch(epoch=state.epoch or 0.0, training=training, held_out=held_out))
        done = state.global_step / max(1, state.max_steps)
        left = (time.perf_counter() - self._began) * (1 - done) / done if done else math.nan
        learning = "untrained" if training is None else f"training loss {training:.4f}"
        wait = "" if math.isnan(left) else f", about {left:.0f} s left"
        self._report(f"epoch {state.epoch or 0:.1f}: {learning}, held-out loss {held_out:.4f}{wait}")

    def restore_best(self) -> Epoch:
        """Put the best weights back into the model; gives the epoch that they are from."""
        with torch.no_grad():
            for name, weights in self._learnt.items():
                weights.copy_(self._best[name])
        return min(self.epochs, key=lambda epoch: epoch.held_out)


def _arguments(recipe: Recipe, scratch: str, device: torch.device) -> TrainingArguments:
    cuda = device.type == "cuda"
    halves = cuda and torch.cuda.is_bf16_supported()
    return TrainingArguments(
        output_dir=scratch,
        num_train_epochs=recipe.epochs,
        max_steps=recipe.max_steps or -1,
        per_device_train_batch_size=recipe.batch_size,
        per_device_eval_batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=0.05,
        weight_decay=0.0,
        max_grad_norm=1.0,
        eval_strategy="epoch",
        eval_on_start=True,
        logging_strategy="epoch",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        log_level="error",
        label_names=["labels"],
        remove_unused_columns=False,
        seed=recipe.seed,
        data_seed=recipe.seed,
        use_cpu=device.type == "cpu",
        dataloader_pin_memory=cuda,
        bf16=halves,
        fp16=cuda and not halves,
    )
