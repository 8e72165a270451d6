"""The head of a page about one scenario: which one, and which part of the page."""

from collections.abc import Iterable

import streamlit as st

from backends.scenario import Scenario
from ui.badge import explain_readiness
from ui.resources import scenarios
from ui.text import safe, said


def choose_scenario(page: str, purpose: str) -> Scenario:
    """The scenario that the page is about; without any, what to do first, and the page ends. ``page`` begins
    the keys of what is chosen; ``purpose`` ends the sentence "Make one under “Scenarios”, then ...".
    """
    known, broken = scenarios()
    for problem in broken:
        st.warning(said(problem))
    explain_readiness()
    name = st.selectbox(
        "Scenario",
        list(known),
        format_func=lambda name: known[name].title,
        key=f"{page}_scenario",
        persist_state="session",
        width=420,
    )
    if name is None:
        st.info(f"There is no scenario yet. Make one under “Scenarios”, then {purpose}.")
        st.stop()
    scenario = known[name]
    st.caption(safe(scenario.story))
    return scenario


def choose_part(page: str, parts: Iterable[str]) -> str:
    """The part of the page that is shown; the first one at first."""
    names = list(parts)
    chosen: str = st.segmented_control(
        "Part",
        names,
        default=names[0],
        required=True,
        key=f"{page}_part",
        label_visibility="collapsed",
        persist_state="session",
    )
    return chosen
