"""Cases as a file that any spreadsheet opens, that runs nothing, and that reads back to the same cases."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence

from compare.cases import COLUMNS, Case

_MASKED = re.compile(r"'+[=+\-@\t\r]")


def cases_csv(
    cases: Iterable[Case],
    more: Sequence[str] = (),
    cells_of: Callable[[Case], Sequence[str]] = lambda case: (),
) -> bytes:
    """Cases as a file that any spreadsheet opens and that is read back to the same cases.

    ``more`` are columns beside them, ``cells_of`` gives a case's cells of those; read back they are metadata.
    """
    kept = tuple(cases)
    extra = tuple(dict.fromkeys(column for case in kept for column in case.metadata))
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(masked(header) for header in (*COLUMNS, *extra, *more))
    for case in kept:
        known = [getattr(case, column) for column in COLUMNS]
        known[COLUMNS.index("tags")] = ", ".join(case.tags)
        cells = [*known, *(case.metadata.get(column, "") for column in extra), *cells_of(case)]
        writer.writerow(masked(cell) for cell in cells)
    return out.getvalue().encode("utf-8-sig")


def unmasked(cell: str) -> str:
    """A cell without the mark that keeps a spreadsheet from running it as a formula."""
    return cell[1:] if _MASKED.match(cell) else cell


def masked(cell: str) -> str:
    """The reverse: what a spreadsheet would run, or would take for a mark, gets an apostrophe before it."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") or _MASKED.match(cell) else cell
