"""Training examples from an uploaded file and back: good rows at once, every other with its line and remedy.

A row is plain chat (``{"messages": [...]}``), as ``backends/training/examples.py`` has it, or names its
question and answer in a way that ``csv_mapping.py`` knows: prompt and completion, instruction, input and
output, question and response. Tables are read as those of cases are.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from backends.errors import BadInput
from backends.settings import settings
from backends.training.examples import Example
from compare.csv_mapping import LABEL
from compare.csv_rows import MOST_ROWS, RowProblem, cells_of, places_of, preview, rows_below
from compare.csv_text import Decoded, read_text
from compare.training_rows import Fields, Unfit, example_of, fields_of, proposed

_SPACE, _COMMA = re.compile(r"\s*"), re.compile(r"\s*,?\s*")
_EMPTY = "Write one example a line, as JSON, or a table with questions and answers."


@dataclass(frozen=True, kw_only=True)
class ReadExamples:
    """The usable examples and the problems of the other rows; ``rows`` counts all.

    Of a table: its ``headers``, and by ``mapping`` which of them was taken for what (known column to header).
    """

    examples: tuple[Example, ...]
    problems: tuple[RowProblem, ...]
    rows: int
    encoding: str
    headers: tuple[str, ...] = ()
    mapping: Mapping[str, str] = field(default_factory=dict)


_Rows = Iterator[tuple[int, Fields | Unfit]]
"""The line of each row, and its fields by name."""


def read_examples(data: bytes, name: str, mapping: Mapping[str, str] | None = None) -> ReadExamples:
    """Read JSON (one object a line, or one list) or a table, whichever the content is; ``name`` is the
    file's, for the sentences of errors.

    ``mapping`` (known column to header) says what a table's columns are in place of their headers.

    Raises:
        BadInput: the file as a whole can't be read; the sentence says why.
    """
    wanted = "a file of training examples"
    try:
        found = read_text(data, settings().max_upload_mb, wanted=wanted, empty=_EMPTY)
        if found.text.lstrip().startswith(("{", "[")):
            return _collect(_json_rows(found), found.encoding)
        return _read_table(data, mapping)
    except BadInput as error:
        raise BadInput(f"{name}: {error.message}", error.hint) from error


def write_examples(examples: Iterable[Example]) -> bytes:
    """Plain chat in UTF-8, one example a line: what training reads, and :func:`read_examples` gives back."""
    return "".join(json.dumps(_plain(example), ensure_ascii=False) + "\n" for example in examples).encode()


def _plain(example: Example) -> dict[str, object]:
    turns = [("user", example.query), ("assistant", example.answer)]
    if example.system is not None:
        turns.insert(0, ("system", example.system))
    row: dict[str, object] = {"messages": [{"role": role, "content": text} for role, text in turns]}
    if example.source:
        row["source"] = example.source
    if example.context:
        row["context"] = list(example.context)
    return row


def _read_table(data: bytes, chosen: Mapping[str, str] | None) -> ReadExamples:
    seen = preview(data)
    mapping = dict(seen.mapping if chosen is None else chosen)
    if "expected" not in mapping and LABEL in mapping:
        mapping["expected"] = mapping[LABEL]
    places_of(seen.headers, mapping)
    if "expected" not in mapping:
        has = ", ".join(seen.headers)
        raise BadInput("No column is the answer.", f"Say which one holds the answers; the file has: {has}.")

    def rows() -> _Rows:
        for row in rows_below(seen):
            wrong: list[Unfit] = []
            cells = cells_of(row, seen, lambda *said, into=wrong: into.append(Unfit(*said)))
            yield row.line, wrong[0] if wrong else dict(zip(seen.headers, cells or (), strict=True))

    read = _collect(rows(), seen.table.encoding, mapping)
    problems = (*seen.problems, *read.problems)
    return replace(read, problems=problems, headers=seen.headers, mapping=mapping)


def _collect(rows: _Rows, encoding: str, mapping: Mapping[str, str] | None = None) -> ReadExamples:
    """Every row as an example or a problem; without a mapping each row's own names say what is what."""
    examples: list[Example] = []
    problems: list[RowProblem] = []
    many = 0
    for many, (line, fields) in enumerate(rows, 1):
        if many > MOST_ROWS:
            continue
        try:
            if isinstance(fields, Unfit):
                raise fields
            examples.append(example_of(line, fields, mapping or proposed(tuple(fields))))
        except Unfit as unfit:
            column, reason, fix = unfit.args
            problems.append(RowProblem(line=line, column=column, reason=reason, fix=fix))
    if many > MOST_ROWS:
        left = f"the file has {many - MOST_ROWS:,} rows more than the {MOST_ROWS:,} that are read"
        problems.append(RowProblem(line=0, column="", reason=left, fix="Split the file."))
    return ReadExamples(examples=tuple(examples), problems=tuple(problems), rows=many, encoding=encoding)


def _json_rows(found: Decoded) -> _Rows:
    """The objects of a list, or of the lines; U+2028, which JSON may hold, ends no line."""
    if found.text.lstrip().startswith("["):
        yield from _listed(found.text)
        return
    for line, text in enumerate(found.text.split("\n"), 1):
        if line in found.odd_lines:
            yield line, Unfit(
                "", "the line is in another encoding than the rest (Windows-1252)",
                "Check its special characters and save the file as UTF-8.",
            )  # fmt: skip
        elif text.strip():
            try:
                yield line, fields_of(json.loads(text))
            except (ValueError, RecursionError):
                yield line, Unfit("", "the line can't be read as JSON", "Write one JSON object a line.")


def _listed(text: str) -> _Rows:
    """The list's objects, each with the line on which it begins; nothing behind what can't be read."""
    decoder, at, line, counted = json.JSONDecoder(), text.index("[") + 1, 1, 0
    while True:
        at = _end(_SPACE, text, at)
        line, counted = line + text.count("\n", counted, at), at
        if text.startswith("]", at):
            return
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            yield line, Unfit("", "from here on the list can't be read as JSON", "Mend or remove this row.")
            return
        yield line, fields_of(value)
        at = _end(_COMMA, text, at)


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at
