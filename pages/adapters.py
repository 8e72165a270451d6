"""Fine-tuning: train adapters, choose which one answers, and see whether it helped."""

import streamlit as st

from ui.adapter_curve import learning_curve
from ui.adapter_helped import helped
from ui.adapter_registry import adapters
from ui.adapter_training import train
from ui.badge import explain_readiness
from ui.resources import scenarios
from ui.shell import require_shell
from ui.text import safe, said

PARTS = {
    "Train": train,
    "Adapters": adapters,
    "Did it help?": helped,
    "How many examples": learning_curve,
}

require_shell()

known, broken = scenarios()
for problem in broken:
    st.warning(said(problem))
explain_readiness()

name = st.selectbox(
    "Scenario",
    list(known),
    format_func=lambda name: known[name].title,
    key="adapters_scenario",
    persist_state="session",
    width=420,
)
if name is None:
    st.info("There is no scenario yet. Make one under “Scenarios”, then adapters can be trained for it here.")
    st.stop()
scenario = known[name]
st.caption(safe(scenario.story))
part = st.segmented_control(
    "Part",
    list(PARTS),
    default="Train",
    required=True,
    key="adapters_part",
    label_visibility="collapsed",
    persist_state="session",
)
PARTS[part](scenario)
