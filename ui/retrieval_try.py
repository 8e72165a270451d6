"""Try retrieval: a question, and which passages are found for it, by which ranking, with which settings."""

import streamlit as st

from backends.scenario import Scenario


def try_retrieval(scenario: Scenario) -> None:
    """A question and its passages."""
    st.write("…")
