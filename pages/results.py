"""What stored runs say: one run's figures, each with what it rests on, its cases, and what changed since."""

import streamlit as st

from ui.distilled import keep_right_answers
from ui.export import save_as
from ui.matrix import matrix
from ui.rating_results import ratings
from ui.result_charts import quality, speed, steadiness
from ui.results import choose_run, facts, leaks, ledger, open_run, summary_table
from ui.run_compared import compared
from ui.shell import require_shell

VIEWS = {
    "right": ("Right or wrong", quality),
    "steady": ("Steadiness", steadiness),
    "speed": ("Speed", speed),
    "cases": ("Cases", matrix),
    "ratings": ("Ratings", ratings),
    "change": ("Against another run", compared),
}

require_shell()

# Which run
which, save = st.columns((6, 1), vertical_alignment="bottom")
with which:
    run_id = choose_run()
if run_id is None:
    st.stop()
found = open_run(run_id)
with save:
    save_as(found)
facts(found)
if not found.run.calls:
    st.info("No answer of this run is stored, so there is nothing to measure.")
    st.stop()

# What it says
summary_table(found)
ledger(found)
leaks(found)
keep_right_answers(found)
view = st.segmented_control(
    "Look at",
    list(VIEWS),
    required=True,
    default="right",
    format_func=lambda view: VIEWS[view][0],
    key="view",
    bind="query-params",
    label_visibility="collapsed",
)
_, draw = VIEWS[view or "right"]
draw(found)
