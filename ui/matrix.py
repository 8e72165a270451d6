"""The case x lane matrix of the results page, a page of cases at a time, and one case opened."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from compare.cases import Case
from compare.lane_names import lane_title
from compare.matrix import LEGEND, Cell, Filter, cell, passes_filter
from compare.run_measures import Measured
from ui import folded
from ui.lanes import MOST_BESIDE
from ui.resources import get_store
from ui.text import safe, shorten

ROWS = 20
QUESTION_CHARS, ANSWER_CHARS = 110, 75
ROW_PX, QUESTION_PX, LANE_PX = 66, 290, 225
"""Four lanes stand beside the question at 1440 pixels; Streamlit wraps text in rows of more than 64."""
FILTERS: Mapping[Filter, str] = {
    "all": "All",
    "wrong": "Not all right",
    "disagree": "Approaches disagree",
    "unsteady": "Unsteady",
    "failed": "Failed",
}


def matrix(found: Measured) -> None:
    """A page of cases; a click on one opens it below."""
    cases = _chosen(found)
    if not cases:
        st.info("No case of this run is like that. Choose “All”, or search for something else.")
        return
    pages = max(1, -(-len(cases) // ROWS))
    slot = st.container()
    page = st.pagination(pages, key="matrix_page") if pages > 1 else 1
    shown = cases[(page - 1) * ROWS : page * ROWS]
    table = pd.DataFrame(
        [
            {
                "Question": shorten(case.query, QUESTION_CHARS),
                **{lane_title(lane): _said(cell(found.places, case.id, lane)) for lane in found.lanes},
            }
            for case in shown
        ]
    )
    widths = {"Question": QUESTION_PX, **{lane_title(lane): LANE_PX for lane in found.lanes}}
    with slot:
        st.caption(f"{LEGEND} Choose a row to read all of them.")
        chosen = st.dataframe(
            table,
            hide_index=True,
            key=f"matrix_{page}",
            on_select="rerun",
            selection_mode="single-row",
            column_config={name: st.column_config.TextColumn(width=width) for name, width in widths.items()},
            height="content",
            row_height=ROW_PX,
            alt="Cases by approach",
        )
    picked = chosen["selection"]["rows"]
    if picked and picked[0] < len(shown):
        _opened(found, shown[picked[0]])


def _chosen(found: Measured) -> Sequence[Case]:
    """The cases that the filter, the tags and the search let through."""
    chosen = st.pills(
        "Show", list(FILTERS), default="all", required=True, format_func=lambda name: FILTERS[name],
        key="matrix_filter", persist_state="session",
    )  # fmt: skip
    left, right = st.columns(2)
    tags = sorted({tag for case in found.run.plan.cases for tag in case.tags})
    wanted = set(right.multiselect("Tags", tags, key=f"matrix_tags_{found.run.id}")) if tags else set()
    words = left.text_input("Search", key="matrix_search", placeholder="words of a question or an answer")
    needle = " ".join((words or "").casefold().split())
    cases = [case for case in found.run.plan.cases if wanted <= set(case.tags)]
    if chosen in (None, "all") and not needle:
        return cases
    kept = []
    for case in cases:
        cells = [cell(found.places, case.id, lane) for lane in found.lanes]
        said = "\n".join([case.query, case.id, *(one.text for one in cells)]).casefold()
        if passes_filter(cells, chosen or "all") and needle in " ".join(said.split()):
            kept.append(case)
    return kept


def _said(one: Cell) -> str:
    if one.look in ("failed", "missing"):
        return one.mark
    text = shorten(one.text, ANSWER_CHARS) or "(empty answer)"
    return f"{one.mark} · {text}" if one.judged > 1 else f"{one.mark} {text}"


def _opened(found: Measured, case: Case) -> None:
    st.subheader(safe(shorten(case.query, 200)))
    if case.expected:
        st.caption(f"Expected: {safe(case.expected)}")
    calls = get_store().case_calls(found.run.id, case.id)
    rows = [found.lanes[first : first + MOST_BESIDE] for first in range(0, len(found.lanes), MOST_BESIDE)]
    places = [place for row in rows for place in zip(st.columns(len(row)), row, strict=True)]
    for column, lane in places:
        mine = [call for call in calls if call.backend == lane]
        with column, st.container(border=True):
            st.markdown(f"**{lane_title(lane)}**")
            if not mine:
                st.caption("Not asked, or not answered yet.")
                continue
            folded.answers(mine, found.run.plan.sampling, presenter=False)
            folded.checks(mine)
            folded.consistency(mine, found.run.plan.sampling)
            folded.figures(mine)
