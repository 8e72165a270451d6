"""When a fact changes: the drill from the screen."""

import streamlit as st

from backends.scenario import Scenario


def drill(scenario: Scenario) -> None:
    """Plan, follow, read, put back."""
    st.write("…")
