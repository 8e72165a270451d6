"""How well retrieval finds: measured on a scenario's cases that name their gold source."""

import streamlit as st

from backends.scenario import Scenario


def retrieval_measured(scenario: Scenario) -> None:
    """Hit rate, recall and MRR, the misses, and a sweep over chunk size and k."""
    st.write("…")
