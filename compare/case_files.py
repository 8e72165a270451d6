"""A scenario's own ``cases.csv``: read as any uploaded table is, but all of it or none.

A row that can't be used stops the file, as a scenario whose cases shrink in silence would be judged wrongly.
"""

from functools import lru_cache
from pathlib import Path

from backends.errors import BadInput
from backends.scenario import Scenario
from compare.cases import COLUMNS, Case
from compare.csv_import import import_cases
from compare.csv_rows import preview
from compare.drill_undo import cases_now


def load_cases(scenario: Scenario) -> tuple[Case, ...]:
    """All cases of a scenario in the file's order; none when it has no ``cases.csv``. While a drill's change
    of a fact stands, they expect what is right then.

    Raises:
        BadInput: the file can't be read, or a row can't be used; the sentence names line, column and reason.
    """
    path = scenario.path / "cases.csv"
    try:
        state = path.stat()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise BadInput(f"The file cases.csv of {scenario.name!r} can't be read: {error}.") from error
    return cases_now(scenario, _load(path, scenario.name, (state.st_mtime_ns, state.st_size)))


@lru_cache(maxsize=32)
def _load(path: Path, name: str, state: tuple[int, int]) -> tuple[Case, ...]:
    """``state`` is part of the key: a file that was written is read again."""
    try:
        return read_cases(path.read_bytes(), name)
    except OSError as error:
        raise BadInput(f"The file cases.csv of {name!r} can't be read: {error}.") from error


def read_cases(data: bytes, name: str) -> tuple[Case, ...]:
    """The cases of one table whose columns have their known names; ``name`` is for the sentences of errors.

    Raises:
        BadInput: see :func:`load_cases`.
    """
    try:
        seen = preview(data)
        found = import_cases(seen, {column: column for column in COLUMNS if column in seen.headers})
    except BadInput as error:
        raise BadInput(f"The file cases.csv of {name!r}: {error.message}", error.hint) from error
    if found.n_problems:
        first = found.problems[0]
        where = f"Line {first.line} of cases.csv of {name!r}"
        column = f", column {first.column}" if first.column else ""
        raise BadInput(f"{where}{column}: {first.reason}.", first.fix)
    return tuple(found.cases)
