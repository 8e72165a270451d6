"""The rows of an uploaded file, edited in place: in a drawer, taken over when the reader says so.

Only what was changed is replaced: a row with a problem stays a problem until somebody edits it, so that
nothing is mended in silence. The file itself stays as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from compare import numbers
from compare.csv_import import Imported
from compare.csv_rows import Preview, rows_below
from compare.csv_text import Row

MOST_EDITED = 5_000
"""Rows of a file that can be edited here; larger ones are for a spreadsheet."""
LONG = 5_000
"""Characters of a cell that the table shows; a longer one can only be replaced as a whole."""
OPEN, EDITS = "rows_open", "rows_edited"


@dataclass(frozen=True, kw_only=True)
class Edits:
    """The rows of one file as they were edited; ``version`` counts how often."""

    digest: str
    version: int
    rows: tuple[Row, ...]


def edits_of(digest: str) -> Edits | None:
    """What this session edited of the file; None when nothing."""
    edits: Edits | None = st.session_state.get(EDITS)
    return edits if edits is not None and edits.digest == digest else None


def editing(seen: Preview, found: Imported, digest: str) -> None:
    """The way to the rows, and back to the file's own."""
    if found.rows > MOST_EDITED:
        most = numbers.plural(MOST_EDITED, "row")
        st.caption(f"Files of at most {most} can be edited here; mend this one in a spreadsheet.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Edit the rows", icon=":material/edit:", key="edit_rows", on_click=_open, args=(digest,))
        if edits_of(digest):
            st.button("Back to the file's rows", icon=":material/undo:", key="undo_rows", on_click=_undo)
            st.caption("Edited here; the file itself is as it was.")
    if st.session_state.get(OPEN) == digest:
        drawer = st.dialog("The rows", width="large", position="right", on_dismiss=_close)
        drawer(_editor)(seen, found, digest)


def _open(digest: str) -> None:
    st.session_state[OPEN] = digest


def _close() -> None:
    st.session_state.pop(OPEN, None)


def _undo() -> None:
    st.session_state.pop(EDITS, None)


def _editor(seen: Preview, found: Imported, digest: str) -> None:
    edits = edits_of(digest)
    rows = edits.rows if edits else tuple(rows_below(seen))
    problems: dict[int, str] = {}
    for problem in found.problems:
        told = f"{problem.column}: {problem.reason}" if problem.column else problem.reason
        problems[problem.line] = "; ".join(filter(None, (problems.get(problem.line), told)))
    version = edits.version if edits else 0
    only = bool(problems) and _only_problems(digest, version)
    shown = [place for place, row in enumerate(rows) if not only or row.line in problems]
    widest = max([len(seen.headers), *(len(rows[place].cells) for place in shown)])
    titles = [*seen.headers, *(f"beyond column {n}" for n in range(len(seen.headers), widest))]
    table = pd.DataFrame(
        [
            {
                "line": rows[place].line,
                "problem": problems.get(rows[place].line, ""),
                **{_column(n): _shown(rows[place], n) for n in range(widest)},
            }
            for place in shown
        ],
        columns=["line", "problem", *(_column(n) for n in range(widest))],
    )
    key = _table_key(digest, version, only=only)
    st.data_editor(
        table,
        num_rows="dynamic",
        hide_index=True,
        disabled=["line", "problem"],
        column_config={
            "line": st.column_config.NumberColumn("Line", width=60),
            "problem": st.column_config.TextColumn("What is wrong", width=280),
            **{_column(n): st.column_config.TextColumn(title) for n, title in enumerate(titles)},
        },
        key=key,
        alt="The rows of the file",
    )
    st.caption("A row is checked again once it was edited. Choose rows at their left edge to delete them.")
    if st.button("Take over", type="primary", icon=":material/check:", key="take_rows"):
        new = applied(rows, shown, len(seen.headers), st.session_state[key])
        st.session_state[EDITS] = Edits(digest=digest, version=version + 1, rows=new)
        _close()
        st.rerun()


def _only_problems(digest: str, version: int) -> bool:
    """Whether only those rows are shown; it can't be changed while changes wait to be taken over."""
    now = bool(st.session_state.get("only_problems", True))
    changes = st.session_state.get(_table_key(digest, version, only=now)) or {}
    waiting = any(changes.get(kind) for kind in ("edited_rows", "added_rows", "deleted_rows"))
    return st.toggle(
        "Only rows with a problem", value=True, key="only_problems", disabled=waiting,
        help="Take over what you changed first." if waiting else None,
    )  # fmt: skip


def _table_key(digest: str, version: int, *, only: bool) -> str:
    return f"rows_{digest}_{version}_{only}"


def applied(
    rows: Sequence[Row], shown: Sequence[int], width: int, changes: Mapping[str, object]
) -> tuple[Row, ...]:
    """The rows after an editor's changes (``edited_rows``, ``added_rows``, ``deleted_rows`` by place among
    ``shown``); a changed row has the header's ``width``, or more where cells beyond it still hold something.
    """
    edited: Mapping[int, Mapping[str, object]] = changes.get("edited_rows") or {}  # type: ignore[assignment]
    deleted: Sequence[int] = changes.get("deleted_rows") or ()  # type: ignore[assignment]
    added: Sequence[Mapping[str, object]] = changes.get("added_rows") or ()  # type: ignore[assignment]
    new = dict(enumerate(rows))
    for place, cells in edited.items():
        old = new[shown[int(place)]]
        new[shown[int(place)]] = Row(line=old.line, cells=_cells(old.cells, cells, width))
    for place in deleted:
        del new[shown[int(place)]]
    last = max((row.line for row in rows), default=1)
    written = [_cells((), cells, width) for cells in added]
    kept = [cells for cells in written if any(cell.strip() for cell in cells)]
    return (*new.values(), *(Row(line=last + n, cells=cells) for n, cells in enumerate(kept, 1)))


def _cells(old: Sequence[str], changes: Mapping[str, object], width: int) -> tuple[str, ...]:
    cells = dict(enumerate(old))
    for column, value in changes.items():
        if column.startswith("c"):
            cells[int(column[1:])] = "" if value is None else str(value)
    length = max([width, *(place + 1 for place, cell in cells.items() if cell.strip())])
    return tuple(cells.get(place, "") for place in range(length))


def _column(place: int) -> str:
    """Not the header: it may be called "line", or anything."""
    return f"c{place}"


def _shown(row: Row, place: int) -> str:
    if place >= len(row.cells):
        return ""
    cell = row.cells[place]
    return cell if len(cell) <= LONG else f"({len(cell):,} characters: too many to show)"
