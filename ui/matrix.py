"""The case x lane matrix of the results page, a page of cases at a time; a case opens in a drawer."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from backends.errors import LeverError
from compare.cases import Case
from compare.facets import facets, narrowed
from compare.lane_names import lane_title
from compare.matrix import LEGEND, Cell, Filter, cell, passes_filter
from compare.run_measures import Measured
from ui.case_drawer import case_drawer, closed_so_often, open_case
from ui.resources import get_store
from ui.text import said, shorten

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
    "unrated": "Not rated",
}


def matrix(found: Measured) -> None:
    """A page of cases; a click on one opens it."""
    cases = _chosen(found)
    if not cases:
        st.info("No case of this run is like that. Choose “All”, or search for something else.")
        return
    pages = max(1, -(-len(cases) // ROWS))
    slot = st.container()
    page = st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1
    shown = cases[(page - 1) * ROWS : page * ROWS]
    with slot:
        st.caption(f"{LEGEND} Choose a row to read everything about it.")
        _table(found, shown, key=f"matrix_{page}_{closed_so_often()}")
    case_drawer(found, cases)


def _table(found: Measured, shown: Sequence[Case], key: str) -> None:
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

    def choose() -> None:
        picked = st.session_state[key]["selection"]["rows"]
        if picked and picked[0] < len(shown):
            open_case(shown[picked[0]].id)

    with st.container(key="matrix"):
        st.dataframe(
            table,
            hide_index=True,
            key=key,
            on_select=choose,
            selection_mode="single-row",
            column_config={name: st.column_config.TextColumn(width=width) for name, width in widths.items()},
            height="content",
            row_height=ROW_PX,
            alt="Cases by approach",
        )


def _chosen(found: Measured) -> Sequence[Case]:
    """The cases that the filter, the facets and the search let through."""
    chosen = st.pills(
        "Show", list(FILTERS), default="all", required=True, format_func=lambda name: FILTERS[name],
        key="show", bind="query-params",
    )  # fmt: skip
    left, right = st.columns(2)
    words = left.text_input(
        "Search", key="search", bind="query-params", placeholder="words of a question or an answer"
    )
    known, cases = facets(found.run.plan.cases), found.run.plan.cases
    if known:
        wanted = right.multiselect(
            "Only with", list(known), key="only", bind="query-params",
            format_func=lambda name: f"{name} ({len(known[name].ids)})",
            help="Tags, and columns of the file with few different values; with the number of cases.",
        )  # fmt: skip
        cases = tuple(narrowed(cases, wanted, known))
    if chosen == "unrated":
        rated = _rated(found.run.id)
        cases = tuple(case for case in cases if case.id not in rated)
    needle = " ".join((words or "").casefold().split())
    if chosen in (None, "all") and not needle:
        return cases
    kept = []
    for case in cases:
        cells = [cell(found.places, case.id, lane) for lane in found.lanes]
        if passes_filter(cells, chosen or "all") and (not needle or needle in _text(found, case)):
            kept.append(case)
    return kept


def _rated(run_id: str) -> set[str]:
    """The cases of which somebody judged an answer."""
    try:
        judgements = get_store().judgements(run_id)
    except LeverError as error:
        st.error(said(error))
        return set()
    return {judgement.item.case for judgement in judgements if judgement.state == "done"}


def _text(found: Measured, case: Case) -> str:
    """Everything that was asked and said, as it is searched."""
    answers = (call.text for lane in found.lanes for call in found.places.get((case.id, lane), ()))
    whole = " ".join([case.query, case.expected, case.id, *answers])
    return " ".join(whole.casefold().split())


def _said(one: Cell) -> str:
    if one.look in ("failed", "missing"):
        return one.mark
    text = shorten(one.text, ANSWER_CHARS) or "(empty answer)"
    return f"{one.mark} · {text}" if one.judged > 1 else f"{one.mark} {text}"
