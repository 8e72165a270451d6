"""An uploaded table as cases: good rows at once, and every problem with its line, column, reason and remedy.

``csv_rows.py`` makes rows of bytes, ``csv_mapping.py`` says which column is which.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from compare.cases import LABEL, Case, Split, default_split
from compare.checks import CheckProblem, parse_checks
from compare.csv_mapping import LABEL as LABEL_COLUMN
from compare.csv_rows import MOST_ROWS, Preview, RowProblem, Wrong, cells_of, places_of, rows_below
from compare.csv_text import Row

MOST_PROBLEMS = 10_000
"""Kept in a list; more are counted only."""
_TRIMMED = ("id", "source", "tags", "group", "split")


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
    places = places_of(seen.headers, mapping)
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


def _case(
    row: Row, seen: Preview, places: Mapping[str, int], ids: Mapping[str, int], found: Imported
) -> Case | None:
    """The row as a case, or None after its problems were noted."""
    before = found.n_problems

    def wrong(column: str, reason: str, fix: str) -> None:
        found.note(RowProblem(line=row.line, column=column, reason=reason, fix=fix))

    cells = cells_of(row, seen, wrong)
    if cells is None:
        return None
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
