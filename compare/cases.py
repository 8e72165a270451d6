"""Cases: the rows of a scenario's ``cases.csv``, with what is expected of an answer and how it is checked."""

import csv
import hashlib
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, cast

from backends.errors import BadInput
from backends.scenario import Scenario

Split = Literal["dev", "test"]
"""``dev`` is for tuning prompts, chunks and adapters; verdicts speak of ``test``."""
COLUMNS = ("id", "query", "expected", "checks", "source", "tags", "context", "notes", "group", "split")
"""The known columns; any other is kept as metadata."""
LABEL = re.compile(r"(?:^|;)\s*label\s*:\s*([^;\n]+)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One row. ``source`` is the gold source; ``checks`` the cell as written, parsed by
    ``compare/checks.py``.

    Cases of one ``group`` ask for one fact. ``labels`` are all labels that the file's ``label`` checks name.
    """

    id: str
    query: str
    expected: str = ""
    checks: str = ""
    source: str = ""
    tags: tuple[str, ...] = ()
    context: str = ""
    notes: str = ""
    group: str = ""
    split: Split = "test"
    metadata: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] = ()


def load_cases(scenario: Scenario) -> tuple[Case, ...]:
    """All cases of a scenario in the file's order; none when it has no ``cases.csv``.

    Raises:
        BadInput: the file can't be read, or a row can't be used; the sentence names line, column and reason.
    """
    path = scenario.path / "cases.csv"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"The file cases.csv of {scenario.name!r} can't be read as UTF-8: {error}.") from error
    return read_cases(text, scenario.name)


def read_cases(text: str, name: str) -> tuple[Case, ...]:
    """The cases of one CSV text with a header line; ``name`` is for the sentences of errors."""
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    cases: dict[str, Case] = {}
    try:
        if "query" not in (reader.fieldnames or ()):
            raise BadInput(f"The file cases.csv of {name!r} has no column called query.")
        for number, row in enumerate(reader, start=1):
            where = f"Line {reader.line_num} of cases.csv of {name!r}"
            case = _case(row, number, where)
            if case.id in cases:
                raise BadInput(f"{where}: the id {case.id!r} stands in an earlier line too.")
            cases[case.id] = case
    except csv.Error as error:
        raise BadInput(f"Line {reader.line_num} of cases.csv of {name!r} can't be read: {error}.") from error
    named = (label.strip() for case in cases.values() for label in LABEL.findall(case.checks))
    labels = tuple(dict.fromkeys(named))
    return tuple(replace(case, labels=labels) for case in cases.values())


def _case(row: Mapping[str | None, object], number: int, where: str) -> Case:
    if None in row or None in row.values():
        raise BadInput(f"{where} has more or fewer cells than the header.")
    cells = {str(column).strip(): str(cell).strip() for column, cell in row.items()}
    if not cells["query"]:
        raise BadInput(f"{where}: the column query is empty.")
    case_id = cells.get("id") or f"row-{number}"
    group = cells.get("group") or case_id
    split = cells.get("split") or default_split(group)
    if split not in ("dev", "test"):
        raise BadInput(f"{where}: the column split must be dev, test or empty, not {split!r}.")
    return Case(
        id=case_id,
        query=cells["query"],
        expected=cells.get("expected", ""),
        checks=cells.get("checks", ""),
        source=cells.get("source", ""),
        tags=tuple(tag.strip() for tag in cells.get("tags", "").split(",") if tag.strip()),
        context=cells.get("context", ""),
        notes=cells.get("notes", ""),
        group=group,
        split=cast("Split", split),
        metadata={column: cell for column, cell in cells.items() if column not in COLUMNS},
    )


def default_split(group: str) -> Split:
    """``dev`` or ``test`` by a hash of the group, half each; all cases of a group fall on one side."""
    return "dev" if hashlib.sha256(group.encode()).digest()[0] < 128 else "test"


def normalised(query: str) -> str:
    """A query as two are compared: NFKC, case folded, white space folded."""
    return " ".join(unicodedata.normalize("NFKC", query).casefold().split())


def matching_case(cases: Sequence[Case], query: str) -> Case | None:
    """The first case whose query is this one after normalisation: a free query then gets its checks."""
    wanted = normalised(query)
    return next((case for case in cases if normalised(case.query) == wanted), None)
