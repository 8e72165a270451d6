"""What is claimed of each lever beside what was measured here: one row an aspect, one column an approach."""

from collections.abc import Mapping

import streamlit as st

from backends.base import DEFAULT_BACKENDS
from backends.errors import LeverError
from backends.registry import registry
from backends.scenario import Scenario
from compare.claims import Cell, ClaimRow, matrix
from compare.claims_known import known_of
from compare.guidance import lever_of
from compare.lane_names import lane_title
from compare.lanes import backend_of
from compare.run_measures import Measured
from ui.resources import get_engine, get_store
from ui.text import safe, said

MOST_LANES = 4
"""More columns make a wall of words."""


def claims_view(
    scenario: Scenario, measured: Measured | None, costs: Mapping[str, str] | None, key: str
) -> None:
    """The matrix for up to four approaches that the reader chooses. ``measured`` is the ladder's run, if it
    exists; ``costs`` of 1,000 answers are by lane, as they are shown; ``key`` begins the keys of what is
    chosen.
    """
    lanes = _choose(measured, key)
    if not lanes:
        st.info("Choose an approach to compare what is claimed of it with what was measured.")
        return
    try:
        base = get_engine().status().base_hash
        known = known_of(scenario, measured, lanes, get_store(), base=base, cost=costs)
    except LeverError as error:
        st.error(said(error))
        return
    st.caption(
        "Small and grey is what guides and papers claim; below it stands what was measured here, or what "
        "to do to measure it."
    )
    for row in matrix(lanes, known):
        _row(row, key)


def _choose(measured: Measured | None, key: str) -> tuple[str, ...]:
    """Approaches in cost order: those of the run, and the usual ones."""
    ran = () if measured is None else measured.lanes
    known = [lane for lane in (*ran, *registry()) if lever_of(lane) is not None]
    order = list(registry())
    options = sorted(dict.fromkeys(known), key=lambda lane: order.index(backend_of(lane)))
    usual = [lane for lane in DEFAULT_BACKENDS if lane in options]
    chosen = st.multiselect(
        "Approaches", options, default=usual, format_func=lane_title, max_selections=MOST_LANES,
        key=f"{key}_lanes", persist_state="session",
    )  # fmt: skip
    return tuple(lane for lane in options if lane in chosen)


def _row(row: ClaimRow, key: str) -> None:
    with st.container(border=True, key=f"{key}_{row.aspect}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{row.title}** :small[:gray[{safe(row.about)}]]", width="stretch")
            with st.popover("Sources", icon=":material/menu_book:", type="tertiary"):
                for lane, cell in row.cells.items():
                    st.markdown(_source(lane, cell))
            run = next((cell.run_id for cell in row.cells.values() if cell.run_id), "")
            if run:
                st.page_link(
                    "pages/results.py", label="The run", icon=":material/monitoring:",
                    query_params={"run": run},
                )  # fmt: skip
        for column, (lane, cell) in zip(st.columns(len(row.cells)), row.cells.items(), strict=True):
            column.markdown(_cell(lane, cell))


def _cell(lane: str, cell: Cell) -> str:
    words = safe(cell.measured)
    shown = f"**{words}**" if cell.known else f":small[:material/arrow_forward: {words}]"
    return f":small[{safe(lane_title(lane))}]  \n:small[:gray[{safe(cell.claim.text)}]]  \n{shown}"


def _source(lane: str, cell: Cell) -> str:
    """Who claims it, and what the figure rests on."""
    source = cell.claim.source
    said = f"**{safe(lane_title(lane))}**  \nClaimed: [{safe(source.title)}]({source.address})"
    return f"{said}  \nMeasured: {safe(cell.detail)}" if cell.detail else said
