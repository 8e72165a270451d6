"""Train one adapter on its own copy of the base and save it.

LoRA by transformers' ``Trainer``; the weights of the epoch with the lowest held-out loss are kept. A training
that is paused or killed goes on from its last checkpoint and ends with the same adapter. Imports torch: only
``make.py`` imports this, in the training process.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import (
    LoraConfig,
    PeftMixedModel,
    PeftModel,
    TaskType,
    get_peft_model,
    prepare_model_for_kbit_training,
)
from transformers import (
    DataCollatorForSeq2Seq,
    PreTrainedTokenizerBase,
    PrinterCallback,
    Trainer,
    TrainerState,
    TrainingArguments,
    set_seed,
)

from backends.engine.loading import Base
from backends.errors import BadInput
from backends.training import Epoch, Recipe, Watch
from backends.training.checkpoints import last_checkpoint
from backends.training.course import Course, epochs_of, is_over
from backends.training.supervise import IGNORED, TokenRow


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What training gave: all epochs (0 is the untrained adapter), the one that was kept, and the cost.

    ``seconds`` of training alone, pauses left out; ``tokens`` that were read, padding left out.
    """

    epochs: tuple[Epoch, ...]
    kept: Epoch
    seconds: float
    steps: int
    tokens: int
    trained_parameters: int


def fit(
    base: Base,
    tokenizer: PreTrainedTokenizerBase,
    training: Sequence[TokenRow],
    held_out: Sequence[TokenRow],
    recipe: Recipe,
    folder: Path,
    workspace: Path,
    watch: Watch,
) -> Fit | None:
    """Train, then save ``adapter_config.json`` and ``adapter_model.safetensors`` (bfloat16) into ``folder``.

    The base's layers are wrapped in place; use a base of its own, never the engine's. A tokenizer without a
    padding token pads with its end token: padding is masked, and its labels are ignored.

    Args:
        base: is wrapped in place.
        tokenizer: its own.
        training: what is learnt.
        held_out: what is only measured.
        recipe: how.
        folder: where the adapter goes.
        workspace: where checkpoints are; training goes on from the last one that is there.
        watch: hears of steps and epochs, and says when to pause or stop.

    Returns:
        None when it was paused; the same call goes on.

    Raises:
        BadInput: learning diverged (the held-out loss is not a number), or no layer fits the recipe.
    """
    set_seed(recipe.seed)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.convert_ids_to_tokens(min(base.end_ids))
    model = _wrapped(base, recipe)
    checkpoint = last_checkpoint(workspace)
    course = Course(model, workspace, checkpoint, recipe.patience, watch)
    trainer = Trainer(
        model=model,
        args=_arguments(recipe, workspace, model.device, resumes=checkpoint is not None),
        train_dataset=list(training),  # type: ignore[arg-type]
        eval_dataset=list(held_out),  # type: ignore[arg-type]
        data_collator=DataCollatorForSeq2Seq(tokenizer, label_pad_token_id=IGNORED, padding=True),
        callbacks=[course],
    )
    trainer.remove_callback(PrinterCallback)  # standard output belongs to the cards
    state = trainer.state
    if checkpoint is not None:
        state = TrainerState.load_from_json(str(checkpoint / "trainer_state.json"))
    stopped = watch.wish() == "stop" and len(epochs_of(state)) > 1
    # Else it was killed after its last step.
    if checkpoint is None or not (stopped or is_over(state, recipe.patience)):
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
        state = trainer.state
    if course.paused:
        return None
    epochs = epochs_of(state)
    measured = [epoch for epoch in epochs if math.isfinite(epoch.held_out)]
    if not any(epoch.epoch for epoch in measured):
        raise BadInput("Training diverged: the held-out loss is not a number.", "Lower the learning rate.")
    course.restore_best(state)
    # bfloat16 keeps all that an update's noise leaves of its digits, in half the space
    learnt = {name: w.bfloat16() for name, w in model.state_dict().items() if "lora_" in name}
    model.save_pretrained(str(folder), save_embedding_layers=False, state_dict=learnt)
    return Fit(
        epochs=epochs,
        kept=min(measured, key=lambda epoch: epoch.held_out),
        seconds=course.seconds,
        steps=state.global_step,
        tokens=state.num_input_tokens_seen,
        trained_parameters=sum(weights.numel() for weights in model.parameters() if weights.requires_grad),
    )


def _wrapped(base: Base, recipe: Recipe) -> PeftModel | PeftMixedModel:
    lora = LoraConfig(
        task_type=TaskType.CAUSAL_LM,
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        use_rslora=recipe.rslora,
        target_modules="all-linear" if recipe.layers == "all" else _attention(base),
        bias="none",
    )
    if recipe.four_bit:
        prepare_model_for_kbit_training(base.model)
    with warnings.catch_warnings():  # peft 0.21 asks transformers 5 by a name that is going away
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)
        return get_peft_model(base.model, lora)


def _attention(base: Base) -> list[str]:
    """The names of the linear layers inside attention."""
    found = {
        name.rpartition(".")[2]
        for name, module in base.model.named_modules()
        if isinstance(module, torch.nn.Linear) and "att" in name.rpartition(".")[0].rpartition(".")[2].lower()
    }
    if not found:
        raise BadInput("This base model has no attention layers by that name.", "Train all linear layers.")
    return sorted(found)


def _arguments(recipe: Recipe, workspace: Path, device: torch.device, *, resumes: bool) -> TrainingArguments:
    cuda = device.type == "cuda"
    halves = cuda and torch.cuda.is_bf16_supported()
    return TrainingArguments(
        output_dir=str(workspace),
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
        eval_on_start=not resumes,
        logging_steps=1,
        logging_nan_inf_filter=False,
        include_num_input_tokens_seen="non_padding",
        save_strategy="no",
        save_total_limit=2,
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
