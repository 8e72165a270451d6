"""One adapter from start to end: examples, contexts, checks, training, card; replaced only when done."""

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from backends.engine.base import Engine
from backends.errors import BadInput, ModelUnavailable
from backends.knowledge.documents import write_whole
from backends.scenario import Scenario
from backends.settings import Settings
from backends.training import Recipe, Watch
from backends.training.examples import (
    Conversation,
    Example,
    bare_conversations,
    examples_path,
    file_hash,
    load_examples,
    read_conversations,
    split,
)
from backends.training.recipes import check_recipe
from backends.types import Passage

if TYPE_CHECKING:
    from backends.engine.loading import Base

VERSIONED = ("torch", "transformers", "peft")
Conversations = tuple[tuple[Conversation, ...], tuple[Conversation, ...]]
"""Training and held-out conversations."""


def make_adapter(
    scenario: Scenario,
    adapter: str,
    recipe: Recipe,
    settings: Settings,
    watch: Watch,
    *,
    examples_file: Path | None = None,
    out: Path | None = None,
) -> dict[str, object]:
    """Train ``adapter`` (one of ``ADAPTERS``) of a scenario and put it into its folder, with its card.

    Args:
        scenario: gives the examples, the system text and, for the hybrid, the documents.
        adapter: which of them.
        recipe: how to train.
        settings: which base model, on which device.
        watch: hears how it goes; one that wants a pause is not heard, as there is nothing to go on from.
        examples_file: what to learn from instead of the scenario's ``examples.jsonl``.
        out: the folder to write instead of ``scenarios/<name>/adapters/<adapter>``.

    Returns:
        The card, as it stands in ``card.json``.

    Raises:
        BadInput: the examples or the recipe are unusable.
        KnowledgeUnavailable: the hybrid has no documents to read.
        ModelUnavailable: there is no base model.
    """
    path = examples_file or examples_path(scenario)
    conversations = conversations_for(scenario, adapter, recipe, settings, watch, path)
    target = out or scenario.path / "adapters" / adapter
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".training-") as scratch:
        made = Path(scratch) / adapter
        card = train(conversations, recipe, settings, made, Path(scratch) / "work", watch)
        assert card is not None  # No pause was heard.
        write_card(card, scenario, adapter, conversations, path, made)
        if target.exists():
            shutil.move(target, Path(scratch) / "old")
        shutil.move(made, target)
    return card


def conversations_for(
    scenario: Scenario, adapter: str, recipe: Recipe, settings: Settings, watch: Watch, path: Path
) -> Conversations:
    """What is learnt and what is held out, with the passages that retrieval finds now for the hybrid.

    Raises:
        BadInput: the examples or the recipe are unusable.
        KnowledgeUnavailable: the hybrid has no documents to read.
        ModelUnavailable: there is no base model to count tokens with.
    """
    check_recipe(adapter, recipe)
    examples = load_examples(path)
    training, held_out = split(examples, recipe.held_out, recipe.seed)
    if not held_out:
        raise BadInput(f"One example in {path.name} is not enough to learn from.", "Write at least 50.")
    watch.say(f"{scenario.name}/{adapter}: {len(training)} examples to learn from, {len(held_out)} held out.")
    if adapter == "lora_short":
        training, held_out = (
            tuple(replace(example, system="") for example in part) for part in (training, held_out)
        )
    if adapter == "hybrid":
        return _with_passages(scenario, training, held_out, recipe, settings, watch)
    return bare_conversations(scenario, training), bare_conversations(scenario, held_out)


def write_card(
    card: dict[str, object],
    scenario: Scenario,
    adapter: str,
    conversations: Conversations,
    path: Path,
    made: Path,
) -> None:
    """Add what is known of the data to what :func:`train` gave, and put the card beside the weights."""
    card |= {
        "scenario": scenario.name,
        "adapter": adapter,
        "data_hash": file_hash(path),
        "examples": {
            "file": len(load_examples(path)),
            "training": len(conversations[0]),
            "held_out": len(conversations[1]),
            "held_out_lines": sorted({conversation.line for conversation in conversations[1]}),
        },
    }
    (made / "README.md").unlink(missing_ok=True)
    (made / "card.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def _with_passages(
    scenario: Scenario,
    training: Sequence[Example],
    held_out: Sequence[Example],
    recipe: Recipe,
    settings: Settings,
    watch: Watch,
) -> Conversations:
    """Contexts by the scenario's retrieval, in an index apart, so that a running app's is left alone."""
    from backends.knowledge import Knowledge
    from backends.knowledge.documents import cut, read_documents

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch, _alone(settings) as engine:
        knowledge = Knowledge(Path(scratch) / "chroma")
        watch.say(knowledge.ensure_index(scenario, engine).detail)
        chunks = cut(
            read_documents(scenario.knowledge),
            chunk_tokens=scenario.retrieval.chunk_tokens,
            chunk_overlap=scenario.retrieval.chunk_overlap,
            count_tokens=engine.count_tokens,
        )

        def retrieve(query: str) -> tuple[Passage, ...]:
            return knowledge.retrieve(scenario, query, engine).passages

        learnt, dropped = read_conversations(
            scenario, training, retrieve, chunks, gold_share=recipe.gold_share, seed=recipe.seed
        )
        held, missed = read_conversations(
            scenario, held_out, retrieve, chunks, gold_share=0.0, seed=recipe.seed
        )
    if lines := sorted(example.line for example in (*dropped, *missed)):
        watch.say(f"Left out, as no retrieved passage says the answer: line {', '.join(map(str, lines))}.")
    return learnt, held


@contextmanager
def _alone(settings: Settings) -> Iterator[Engine]:
    """An engine for its tokenizer and embedder only: no adapters, gone before training begins."""
    from backends.engine.local import LocalEngine

    with tempfile.TemporaryDirectory() as nothing:
        engine = LocalEngine(settings.model_copy(update={"scenarios_dir": Path(nothing)}))
        engine.start()
        try:
            status = engine.wait_ready()
            if isinstance(engine.failure, BadInput):
                raise engine.failure
            if status.state != "ready":
                raise ModelUnavailable(status.detail, "Check LEVER_MODEL.")
            yield engine
        finally:
            engine.stop()


def train(
    conversations: Conversations,
    recipe: Recipe,
    settings: Settings,
    made: Path,
    workspace: Path,
    watch: Watch,
) -> dict[str, object] | None:
    """Train from wherever ``workspace`` stands, and save into ``made``.

    Returns:
        What the card says of model and training; None when it was paused.

    Raises:
        BadInput: nothing is left to learn from, an example does not fit the model, or learning diverged.
        ModelUnavailable: there is no base model.
    """
    import torch

    from backends.engine.chat import Chat
    from backends.engine.loading import choose_threads, find_model, load_base, load_tokenizer, model_name
    from backends.training.fit import fit
    from backends.training.supervise import token_rows

    torch.set_num_threads(choose_threads(settings.threads))
    folder = find_model(settings)
    tokenizer = load_tokenizer(folder)
    base = load_base(folder, settings, tokenizer, four_bit=recipe.four_bit)
    _require_same_base(base, workspace)
    training, held_out = (
        token_rows(part, Chat(tokenizer), end_ids=base.end_ids, context_tokens=base.context_tokens)
        for part in conversations
    )
    if not training or not held_out:
        raise BadInput(
            "No example is left to learn from or to hold out.", "Check that passages say the answers."
        )
    found = fit(base, tokenizer, training, held_out, recipe, made, workspace, watch)
    if found is None:
        return None
    kept = found.kept
    watch.say(f"Kept epoch {kept.epoch:.1f} with held-out loss {kept.held_out:.4f}; {found.seconds:.0f} s.")
    return {
        "base_model": model_name(settings.model),
        "base_hash": base.base_hash,
        "template_hash": base.template_hash,
        "recipe": asdict(recipe),
        "epochs": [asdict(epoch) for epoch in found.epochs],
        "kept_epoch": kept.epoch,
        "held_out_loss": kept.held_out,
        "steps": found.steps,
        "trained_parameters": found.trained_parameters,
        "training_tokens": sum(len(row["input_ids"]) for row in training),
        "longest_tokens": max(len(row["input_ids"]) for row in (*training, *held_out)),
        "seconds": round(found.seconds, 1),
        "tokens_per_second": round(found.tokens / found.seconds, 1),
        "threads": torch.get_num_threads(),
        "device": str(base.model.device),
        "dtype": str(base.model.dtype).removeprefix("torch."),
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {name: version(name) for name in VERSIONED},
    }


def _require_same_base(base: "Base", workspace: Path) -> None:
    """Half an adapter of one base is of no use to another one.

    Raises:
        BadInput: the training was begun with another base model.
    """
    workspace.mkdir(parents=True, exist_ok=True)
    note = workspace / "base.json"
    now = {"base_hash": base.base_hash, "template_hash": base.template_hash, "dtype": str(base.model.dtype)}
    if not note.exists():
        write_whole(note, json.dumps(now).encode())
    elif json.loads(note.read_text(encoding="utf-8")) != now:
        raise BadInput(
            "This training was begun with another base model, or in another number format.",
            "Set LEVER_MODEL and LEVER_DTYPE back, or begin a new training.",
        )
