"""One row of training data as an example, or why it is none."""

import json
import re
from collections.abc import Mapping
from functools import lru_cache

from backends.training.examples import Example
from compare import numbers
from compare.csv_mapping import LABEL, folded_header, propose
from compare.csv_rows import MOST_CHARS

_TURNS = (["user", "assistant"], ["system", "user", "assistant"])
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class Unfit(Exception):
    """Why a row can't be used: column, reason, remedy."""


Fields = Mapping[str, object]
"""A row by the names of its fields."""


@lru_cache(maxsize=256)
def proposed(names: tuple[str, ...]) -> Mapping[str, str]:
    """Which field is which (known column to name), by the names alone; a label is an answer."""
    found = propose(names, ())
    return {"expected": found[LABEL], **found} if LABEL in found else found


def fields_of(value: object) -> Fields | Unfit:
    """A JSON value as a row, if it is an object."""
    if isinstance(value, dict):
        return value
    return Unfit("", "the row is no JSON object", 'Write {"messages": [...]} or {"prompt": "...", ...}.')


def example_of(line: int, row: Fields, mapping: Mapping[str, str]) -> Example:
    """The row as an example; ``mapping`` says which field is which (known column to name).

    Raises:
        Unfit: it is none.
    """
    turns = _chat(row, mapping) or _turns(row, mapping)
    if [role for role, _ in turns] not in _TURNS:
        fix = "Split longer talks; a system turn may stand first."
        raise Unfit("messages", "there must be one user turn and then one assistant turn", fix)
    *before, (_, query), (_, answer) = turns
    if not query or not answer:
        missing, column = ("answer", "expected") if query else ("question", "query")
        names = ", ".join(str(name) for name in row)
        raise Unfit(mapping.get(column, ""), f"there is no {missing}",
                     f"Write one, or delete the row; it has: {names}.")  # fmt: skip
    said = row.get(mapping.get("context", "context")) or ()
    context = (said,) if isinstance(said, str) else said
    if not isinstance(context, list | tuple) or not all(isinstance(text, str) for text in context):
        raise Unfit(
            "context", "the context is no text and no list of texts", "Write texts there, or nothing."
        )
    example = Example(
        line=line,
        query=query,
        answer=answer,
        source=_text(row, mapping.get("source", "source")),
        context=tuple(text.strip() for text in context if text.strip()),
        system=before[0][1] if before else None,
    )
    _check_texts(example)
    return example


def _turns(row: Fields, mapping: Mapping[str, str]) -> list[tuple[str, str]]:
    """(role, text) of fields by name; an instruction stands before its input."""
    folded = {folded_header(name): name for name in row}
    query, told = _text(row, mapping.get("query", "")), folded.get("instruction", "")
    if told != mapping.get("query"):
        query = "\n\n".join(part for part in (_text(row, told), query) if part)
    turns = [("user", query), ("assistant", _text(row, mapping.get("expected", "")))]
    system = _text(row, folded.get("system") or folded.get("system prompt", ""))
    return [("system", system), *turns] if system else turns


def _chat(row: Fields, mapping: Mapping[str, str]) -> list[tuple[str, str]] | None:
    """(role, text) of a chat, which may come in two halves, prompt and completion; None when it is none."""
    messages = row.get("messages")
    halves = row.get(mapping.get("query", "")), row.get(mapping.get("expected", ""))
    if messages is None and isinstance(halves[0], list) and isinstance(halves[1], list):
        messages = [*halves[0], *halves[1]]
    if messages is None:
        return None
    try:
        return [(turn["role"], _content(turn["content"])) for turn in messages]  # type: ignore[attr-defined]
    except (TypeError, KeyError, AttributeError):
        raise Unfit("messages", "a turn has no role or no text as its content",
                     'Write {"role": "user", "content": "..."}.') from None  # fmt: skip


def _content(content: object) -> str:
    """A turn's text, which some write in parts: ``[{"type": "text", "text": "..."}]``."""
    if isinstance(content, list):
        return "".join(part["text"] for part in content).strip()
    return content.strip()  # type: ignore[attr-defined, no-any-return]


def _text(row: Fields, name: str) -> str:
    """A field's text without outer white space; empty when it has none. JSON values become JSON's text."""
    value = row.get(name)
    if value is None or value == "":
        return ""
    try:
        return value.strip() if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except RecursionError:
        raise Unfit(name, "there is JSON too deep to be written", "Write a text.") from None


def _check_texts(example: Example) -> None:
    own = (example.query, example.answer, example.source, example.system or "")
    for text in (*own, *example.context):
        if len(text) > MOST_CHARS:
            raise Unfit("", f"a text has {numbers.count(len(text))} characters; at most "
                         f"{numbers.count(MOST_CHARS)} are read", "Shorten it.")  # fmt: skip
        if _UNSTORABLE.search(text):
            raise Unfit("", "a text holds half a character or a NUL", "Write the row anew, as UTF-8.")
