"""An uploaded table as cases: good rows at once, and every problem with its line, column, reason and remedy.

``csv_text.py`` makes rows of bytes, ``csv_mapping.py`` says which column is which. Cells keep their text as
it stands, apart from the mark that our own export puts before what a spreadsheet would take for a formula.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import cast

from backends.errors import BadInput
from backends.settings import settings
from compare.cases import LABEL, Case, Split, default_split
from compare.checks import CheckProblem, parse_checks
from compare.csv_export import unmasked
from compare.csv_mapping import LABEL as LABEL_COLUMN
from compare.csv_mapping import TARGETS, propose
from compare.csv_text import Row, Table, read_table, rows_of

MOST_ROWS = 100_000
MOST_CHARS = 20_000
"""In one cell; ten times what the shipped model can read."""
MOST_PROBLEMS = 10_000
"""Kept in a list; more are counted only."""
_TRIMMED = ("id", "source", "tags", "group", "split")
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


@dataclass(kw_only=True)
class Imported:
    """The usable cases and the problems of the others; ``rows`` counts all rows below the header."""

    cases: list[Case] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)
    rows: int = 0
    n_problems: int = 0

    def note(self, problem: RowProblem) -> None:
        """Keep a problem, or count it only when there are very many."""
        self.n_problems += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)


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


def read_rows(
    seen: Preview,
    mapping: Mapping[str, str],
    into: Imported | None = None,
    rows: Iterable[Row] | None = None,
) -> Iterator[Imported]:
    """Read the whole file by a mapping (known column to header), or ``rows`` in place of the file's; yields
    one growing result, for progress.

    Raises:
        BadInput: no column is the query, or the mapping names something that is not there.
    """
    places = _places(seen.headers, mapping)
    found = into if into is not None else Imported()
    for problem in seen.problems:
        found.note(problem)
    ids: dict[str, int] = {}
    for row in rows_below(seen) if rows is None else rows:
        found.rows += 1
        if found.rows > MOST_ROWS:
            continue
        case = _case(row, seen, places, ids, found)
        if case is not None:
            ids[case.id] = row.line
            found.cases.append(case)
        if found.rows % 1_000 == 0:
            yield found
    if found.rows > MOST_ROWS:
        left = found.rows - MOST_ROWS
        found.note(RowProblem(
            line=0, column="", reason=f"the file has {left:,} rows more than the {MOST_ROWS:,} that are read",
            fix="Split the file.",
        ))  # fmt: skip
    _share_labels(found)
    yield found


def import_cases(seen: Preview, mapping: Mapping[str, str]) -> Imported:
    """As :func:`read_rows`, all at once."""
    found = Imported()
    for _ in read_rows(seen, mapping, found):
        pass
    return found


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


def _places(headers: Sequence[str], mapping: Mapping[str, str]) -> dict[str, int]:
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


def _case(
    row: Row, seen: Preview, places: Mapping[str, int], ids: Mapping[str, int], found: Imported
) -> Case | None:
    """The row as a case, or None after its problems were noted."""
    before = found.n_problems

    def wrong(column: str, reason: str, fix: str) -> None:
        found.note(RowProblem(line=row.line, column=column, reason=reason, fix=fix))

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
    known = {target: cells[place] for target, place in places.items()}
    known |= {target: known[target].strip() for target in _TRIMMED if target in known}
    group, split = known.get("group", ""), known.get("split", "").lower()
    id_ = known.get("id") or f"row-{found.rows}"
    if not known["query"].strip():
        wrong("query", "the query is empty", "Write a question, or delete the row.")
    if id_ in ids:
        wrong("id", f"the id “{id_}” stands in line {ids[id_]} too", "Give every case its own id.")
    if split not in ("dev", "test", ""):
        wrong(
            "split",
            f"the split must be dev, test or empty, not “{split}”",
            "Leave it empty to have it chosen.",
        )
    checks = _checks(known, wrong)
    if found.n_problems > before:
        return None
    mapped = set(places.values())
    return Case(
        id=id_,
        query=known["query"],
        expected=known.get("expected", ""),
        checks=checks,
        source=known.get("source", ""),
        tags=tuple(dict.fromkeys(tag.strip() for tag in known.get("tags", "").split(",") if tag.strip())),
        context=known.get("context", ""),
        notes=known.get("notes", ""),
        group=group or id_,
        split=cast("Split", split or default_split(group or id_)),
        metadata={seen.headers[place]: cell for place, cell in enumerate(cells) if place not in mapped},
    )


def _checks(known: Mapping[str, str], wrong: Wrong) -> str:
    """The cell with the label's check added; what can't be understood is noted."""
    checks = known.get("checks", "")
    label = known.get(LABEL_COLUMN, "").strip()
    if label:
        escaped = label.replace(";", "\\;")
        checks = f"label: {escaped}\n{checks}" if checks.strip() else f"label: {escaped}"
    for check in parse_checks(checks) if checks.strip() else ():
        if isinstance(check, CheckProblem):
            wrong("checks", check.reason, "See the list of checks; regex stands last on its line.")
    return checks


def _share_labels(found: Imported) -> None:
    """Every case knows all labels of the file: a label check compares with the others."""
    named = (label.strip() for case in found.cases for label in LABEL.findall(case.checks))
    labels = tuple(dict.fromkeys(named))
    if labels:
        found.cases[:] = [replace(case, labels=labels) for case in found.cases]
