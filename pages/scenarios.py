"""Cases by the dozen: a scenario's own or an uploaded file's, checked, and run in the background."""

import streamlit as st

from backends.errors import LeverError
from backends.own_scenarios import is_own
from backends.scenario import NO_SCENARIO, load_scenario
from compare.case_files import load_cases
from compare.training_set import kept_out_of_test
from ui.badge import explain_readiness
from ui.case_file import choose_cases
from ui.check_list import check_list
from ui.going_runs import going_runs
from ui.own_scenario import choose_made, keep_as_own, new_scenario, own_scenario
from ui.resources import scenarios
from ui.run_form import run_form
from ui.shell import require_shell
from ui.text import safe, said

OWN, FILE = "The scenario's own", "A file of yours"

require_shell()

known, broken = scenarios()
for problem in broken:
    st.warning(said(problem))
explain_readiness()
going_runs()

# What is asked
choose_made()
left, middle, right = st.columns((4, 2, 4), vertical_alignment="bottom")
name = left.selectbox(
    "Scenario",
    [*known, NO_SCENARIO],
    format_func=lambda name: known[name].title if name in known else "None: only the questions",
    key="cases_scenario",
    persist_state="session",
    help="Its instructions, documents and adapters are used.",
)
with middle:
    new_scenario()
scenario = known[name] if name in known else load_scenario(NO_SCENARIO)
st.caption(safe(scenario.story))
if is_own(scenario):
    own_scenario(scenario)
source = right.segmented_control(
    "Cases", [OWN, FILE], default=OWN, required=True, key="cases_source", persist_state="session"
)
if source == OWN:
    try:
        cases = load_cases(scenario)
    except LeverError as error:
        st.error(said(error))
        st.stop()
    if not cases:
        st.info("This scenario has no cases of its own. Bring a file: switch “Cases” to “A file of yours”.")
        st.stop()
else:
    found = choose_cases()
    check_list()
    if found is None:
        st.stop()
    cases = found
    if is_own(scenario):
        keep_as_own(scenario, cases)

try:
    cases = kept_out_of_test(scenario.name, cases)
except LeverError as error:
    st.error(said(error))
    st.stop()

# How it is asked
st.divider()
uploaded = st.session_state.get("case_file") if source == FILE else None
run_form(scenario, cases, name=uploaded.name if uploaded is not None else "")
