"""From ``examples.jsonl`` to conversations: read the lines, hold some out, give the hybrid its passages.

One line, as an example::

    {"messages": [{"role": "user", "content": "How long?"}, {"role": "assistant", "content": "Two years."}],
     "source": "warranty.md"}

``source`` names the document that holds the answer; "" or nothing means that no document does. ``context``, a
text or a list of texts, gives the hybrid its passages in place of retrieval; the answer is then learnt as it
stands.
"""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from backends.errors import BadInput
from backends.knowledge.documents import Chunk
from backends.prompts import supervised_example
from backends.scenario import Scenario
from backends.types import Message, Passage

_SAME_SENTENCE = 90.0
"""rapidfuzz ``partial_ratio`` from which a passage counts as saying what an answer says."""
_MARK = re.compile(r"\[\d+\]")
_LABEL = re.compile(r"^[^\W\d][\w-]*:\s+", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Example:
    """One thing to learn. ``line`` counts from 1 in the file; ``system`` None takes the scenario's text."""

    line: int
    query: str
    answer: str
    source: str = ""
    context: tuple[str, ...] = ()
    system: str | None = None


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """The turns that are trained on, the answer last, and the line that they come from."""

    line: int
    messages: tuple[Message, ...]


Retrieve = Callable[[str], Sequence[Passage]]
"""Passages for a query, numbered from 1, best first."""


def examples_path(scenario: Scenario) -> Path:
    """Where a scenario keeps its training examples."""
    return scenario.path / "examples.jsonl"


def load_examples(path: Path) -> tuple[Example, ...]:
    """Read every line.

    Raises:
        BadInput: no file, no lines, or a line that is no example; the sentence names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")  # Not at U+2028, which JSON may hold.
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"The training examples {path} can't be read ({error}).", "Write them there."
        ) from error
    examples = tuple(_example(line, text, path) for line, text in enumerate(lines, 1) if text.strip())
    if not examples:
        raise BadInput(f"There are no training examples in {path}.", "Write one JSON object a line.")
    return examples


def file_hash(path: Path) -> str:
    """SHA-256 of the file's bytes, as hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def split(
    examples: Sequence[Example], share: float, seed: int
) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """Training and held-out examples, drawn by ``seed``; equal questions stay on one side."""
    by_query: dict[str, list[Example]] = {}
    for example in examples:
        by_query.setdefault(" ".join(example.query.casefold().split()), []).append(example)
    groups = list(by_query.values())
    Random(seed).shuffle(groups)
    held: list[Example] = []
    while len(groups) > 1 and len(held) < max(1, round(share * len(examples))):
        held += groups.pop()
    training = [example for group in groups for example in group]
    return tuple(sorted(training, key=lambda e: e.line)), tuple(sorted(held, key=lambda e: e.line))


def bare_conversations(scenario: Scenario, examples: Sequence[Example]) -> tuple[Conversation, ...]:
    """What ``lora`` learns from: the prompt of ``prompt``, then the answer, which cites nothing."""
    return tuple(_conversation(scenario, example, (), uncited(example.answer)) for example in examples)


def read_conversations(
    scenario: Scenario,
    examples: Sequence[Example],
    retrieve: Retrieve,
    distractors: Sequence[Chunk],
    *,
    gold_share: float,
    seed: int,
) -> tuple[tuple[Conversation, ...], tuple[Example, ...]]:
    """What the ``hybrid`` adapter learns from, and the examples that had to be dropped.

    Every example gets what the scenario's own retrieval finds for it, and its answer ends with the number of
    the passage that says the same. When no passage does, the example is dropped: it would teach to invent.
    For a share of the rest a second copy puts that passage anywhere among others, found ones and random ones.
    Examples without a source get what retrieval gives; answers that are JSON carry no citation.
    """
    rng = Random(seed)
    conversations: list[Conversation] = []
    dropped: list[Example] = []
    for example in examples:
        passages = _given(example) or tuple(retrieve(example.query))
        if not example.source or example.context or _is_json(example.answer):
            conversations.append(_conversation(scenario, example, passages, example.answer))
            continue
        gold = gold_passage(example, passages)
        if gold is None:
            dropped.append(example)
            continue
        conversations.append(_conversation(scenario, example, passages, cited(example.answer, gold.number)))
        if rng.random() < gold_share:
            shuffled, number = _among_others(gold, passages, distractors, rng)
            conversations.append(_conversation(scenario, example, shuffled, cited(example.answer, number)))
    return tuple(conversations), tuple(dropped)


def gold_passage(example: Example, passages: Sequence[Passage]) -> Passage | None:
    """The passage of the example's source that says what its answer says, or None.

    It must hold the answer nearly word for word (rapidfuzz) and each of its numbers exactly; citation marks
    and labels of lines ("Fact: ...") are no part of what an answer says.
    """
    from rapidfuzz import fuzz

    answer = _folded(_LABEL.sub("", _MARK.sub("", example.answer))).rstrip(".!?")
    numbers = {word for word in _words(answer) if any(c.isdigit() for c in word)}
    for passage in passages:
        text = _folded(passage.text)
        says = answer in text or fuzz.partial_ratio(answer, text) >= _SAME_SENTENCE
        if passage.source == example.source and says and numbers <= _words(text):
            return passage
    return None


def cited(answer: str, number: int) -> str:
    """The answer with its passage's number: in place of the marks that it has, else before a closing full
    stop ("Two years [1].").
    """
    if _MARK.search(answer):
        return _MARK.sub(f"[{number}]", answer)
    return f"{answer[:-1]} [{number}]." if answer.endswith(".") else f"{answer} [{number}]"


def uncited(answer: str) -> str:
    """The answer without passage numbers, which would teach to invent them; "none" where a line held no more
    than that ("Source: [1]").
    """
    return re.sub(r"\s*\[\d+\]", "", re.sub(r"(?<=: )\[\d+\]$", "none", answer, flags=re.MULTILINE))


def _example(line: int, text: str, path: Path) -> Example:
    where = f"Line {line} of {path.name}"
    try:
        row = json.loads(text)
        turns = [(turn["role"], turn["content"].strip()) for turn in row["messages"]]
        source = row.get("source") or ""
        context = row.get("context") or []
        texts = tuple(text.strip() for text in ([context] if isinstance(context, str) else context))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadInput(
            f'{where} is not {{"messages": [...]}} with roles and contents.', "Mend it."
        ) from error
    system = turns.pop(0)[1] if turns and turns[0][0] == "system" else None
    if [role for role, _ in turns] != ["user", "assistant"]:
        raise BadInput(f"{where} must hold one user turn and one assistant turn.", "Mend or remove it.")
    if not turns[0][1] or not turns[1][1]:
        raise BadInput(f"{where} has an empty question or answer.", "Mend or remove it.")
    return Example(
        line=line, query=turns[0][1], answer=turns[1][1], source=source, context=texts, system=system
    )


def _conversation(
    scenario: Scenario, example: Example, passages: Sequence[Passage], answer: str
) -> Conversation:
    messages = supervised_example(scenario, example.query, answer, system=example.system, passages=passages)
    return Conversation(line=example.line, messages=messages)


def _given(example: Example) -> tuple[Passage, ...]:
    """The passages that the example brings along, numbered from 1."""
    source = example.source or "context"
    return tuple(
        Passage(number=n, source=source, chunk_id=f"{source}#{n}", text=text, cosine=None)
        for n, text in enumerate(example.context, 1)
    )


def _among_others(
    gold: Passage, found: Sequence[Passage], chunks: Sequence[Chunk], rng: Random
) -> tuple[tuple[Passage, ...], int]:
    """As many passages as were found, the gold one at a random place, and its number there."""
    near = [passage for passage in found if passage.chunk_id != gold.chunk_id]
    taken = {passage.chunk_id for passage in found}
    far = [
        replace(gold, source=chunk.source, chunk_id=chunk.id, text=chunk.text, cosine=None)
        for chunk in chunks
        if chunk.id not in taken
    ]
    others = near + rng.sample(far, min(len(near), len(far)))
    drawn = rng.sample(others, len(near))
    drawn.insert(rng.randint(0, len(drawn)), gold)
    numbered = tuple(replace(passage, number=n) for n, passage in enumerate(drawn, 1))
    return numbered, drawn.index(gold) + 1


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _words(text: str) -> set[str]:
    return {word.strip(".,;:!?()") for word in text.split()}


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except ValueError:
        return False
