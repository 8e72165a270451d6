"""The rows of an uploaded table under their headers: what it looks like, and which cells can be used.

``csv_text.py`` makes rows of bytes; ``csv_import.py`` makes cases of these, ``training_files.py`` training
examples. Cells keep their text as it stands, apart from the mark that our own export puts before what a
spreadsheet would take for a formula.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from backends.errors import BadInput
from backends.settings import settings
from compare.csv_export import unmasked
from compare.csv_mapping import TARGETS, propose
from compare.csv_text import Row, Table, read_table, rows_of

MOST_ROWS = 100_000
MOST_CHARS = 20_000
"""In one cell; ten times what the shipped model can read."""
Wrong = Callable[[str, str, str], None]
"""Notes a problem of a row: column, reason, remedy."""


@dataclass(frozen=True, kw_only=True)
class RowProblem:
    """What keeps a row from being used. ``line`` counts the file's lines from 1."""

    line: int
    column: str
    reason: str
    fix: str


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a file looks like before anything is decided about it. ``sample`` are its first rows."""

    table: Table
    headers: tuple[str, ...]
    sample: tuple[tuple[str, ...], ...]
    mapping: Mapping[str, str]
    problems: tuple[RowProblem, ...] = ()


def preview(data: bytes) -> Preview:
    """Decode a file, find its header, and propose which column is which.

    Raises:
        BadInput: it is no table; the sentence says what it is instead.
    """
    table = read_table(data, settings().max_upload_mb)
    rows = rows_of(table)
    header = next(rows, None)
    if header is None or header.problem:
        reason = header.problem if header else "there is none"
        raise BadInput(f"The first line of the file can't be read as a header: {reason}.")
    headers, problems = _named(header)
    sample = tuple(row.cells for row in islice(rows, 20) if not row.problem)
    if not sample:
        raise BadInput("The file has a header and no rows.", "Write one question a line below it.")
    mapping = propose(headers, sample)
    return Preview(table=table, headers=headers, sample=sample, mapping=mapping, problems=tuple(problems))


def rows_below(seen: Preview) -> Iterator[Row]:
    """The rows under the header, one by one."""
    return islice(rows_of(seen.table), 1, None)


def _named(header: Row) -> tuple[tuple[str, ...], list[RowProblem]]:
    """The header's names, each once: a second one of a name gets a number."""
    names: list[str] = []
    problems = []
    cells = list(header.cells)
    while cells and not cells[-1].strip():  # Excel's trailing empty columns.
        cells.pop()
    for place, cell in enumerate(cells, start=1):
        name = " ".join(unmasked(cell).split()) or f"column {place}"
        if name in names:
            problems.append(
                RowProblem(
                    line=header.line,
                    column=name,
                    reason="two columns have this name",
                    fix=f"The first one is taken; the other is kept as “{name} ({place})”.",
                )
            )
            name = f"{name} ({place})"
        names.append(name)
    return tuple(names), problems


def places_of(headers: Sequence[str], mapping: Mapping[str, str]) -> dict[str, int]:
    """Where the mapped columns stand in a row.

    Raises:
        BadInput: no column is the query, or the mapping names something that is not there.
    """
    for target, header in mapping.items():
        if target not in TARGETS:
            raise BadInput(f"There is no column {target!r} to map to.", f"There are: {', '.join(TARGETS)}.")
        if header not in headers:
            raise BadInput(f"The file has no column {header!r}.", f"It has: {', '.join(headers)}.")
    if "query" not in mapping:
        raise BadInput(
            "No column is the query.",
            f"Say which one holds the questions; the file has: {', '.join(headers)}.",
        )
    return {target: headers.index(header) for target, header in mapping.items()}


def cells_of(row: Row, seen: Preview, wrong: Wrong) -> list[str] | None:
    """The row's cells, one a header; None when it has others. What is amiss is noted."""
    if row.problem:
        wrong(
            "",
            row.problem,
            "Write a double quote inside a cell twice, and close every cell that begins with one.",
        )
        return None
    width = len(seen.headers)
    cells = list(row.cells)
    if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
        cells = cells[:width]
    if len(cells) != width:
        more = "more" if len(cells) > width else "fewer"
        wrong(
            "", f"the row has {len(cells)} cells, the header {width}: {more} than it should",
            f"Put cells that hold “{seen.table.delimiter}” into double quotes." if more == "more"
            else "Fill the row up with empty cells.",
        )  # fmt: skip
        return None
    cells = [unmasked(cell) for cell in cells]
    for place, cell in enumerate(cells):
        if len(cell) > MOST_CHARS:
            wrong(
                seen.headers[place],
                f"the cell has {len(cell):,} characters; at most {MOST_CHARS:,} are read",
                "Shorten it; if it swallowed other rows, close its double quote.",
            )  # fmt: skip
    if row.line in seen.table.odd_lines:
        wrong(
            "", "the line is in another encoding than the rest (Windows-1252)",
            "Check its special characters and save the file as CSV UTF-8.",
        )  # fmt: skip
    return cells
