"""What retrieval knows: the documents of a scenario, how they are found, how well, and what a change does."""

import streamlit as st

from ui.badge import explain_readiness
from ui.knowledge_documents import documents
from ui.knowledge_drill import drill
from ui.knowledge_index import index_state
from ui.resources import scenarios
from ui.retrieval_measured import retrieval_measured
from ui.retrieval_try import try_retrieval
from ui.shell import require_shell
from ui.text import safe, said

PARTS = {
    "Documents": documents,
    "Try retrieval": try_retrieval,
    "How well it finds": retrieval_measured,
    "When a fact changes": drill,
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
    key="knowledge_scenario",
    persist_state="session",
    width=420,
)
if name is None:
    st.info("There is no scenario yet. Make one under “Scenarios”, then its documents can be changed here.")
    st.stop()
scenario = known[name]
st.caption(safe(scenario.story))
part = st.segmented_control(
    "Part",
    list(PARTS),
    default="Documents",
    required=True,
    key="knowledge_part",
    label_visibility="collapsed",
    persist_state="session",
)
index_state(scenario)
PARTS[part](scenario)
