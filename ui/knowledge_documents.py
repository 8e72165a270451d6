"""The documents of a scenario: in, out, edited, back, and how they are cut."""

import streamlit as st

from backends.scenario import Scenario


def documents(scenario: Scenario) -> None:
    """All of it."""
    st.write("…")
