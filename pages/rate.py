"""People judge answers without knowing which approach wrote them."""

import streamlit as st

from backends.errors import LeverError
from backends.scenario import load_scenario
from compare.rating_items import DEFAULT_CRITERIA, RatingMode
from ui.rate_queue import queue
from ui.rater import rater
from ui.results import choose_run, open_run
from ui.shell import require_shell

MODES: dict[RatingMode, str] = {
    "stars": "Stars: one answer",
    "pairs": "Pairs: the better of two",
    "best": "Best of all",
}

require_shell()

# What is judged, and by whom
left, middle, right = st.columns((3, 2, 1), vertical_alignment="bottom")
with left:
    run_id = choose_run()
if run_id is None:
    st.stop()
with middle:
    name = rater()
target = right.number_input(
    "Raters wanted", 1, 20, 1, key="rate_target", persist_state="session",
    help="What fewer people than this have judged comes first; then what they disagree on.",
)  # fmt: skip
mode: RatingMode = st.segmented_control(
    "How",
    list(MODES),
    required=True,
    default="stars",
    format_func=lambda mode: MODES[mode],
    key="how",
    persist_state="session",
    label_visibility="collapsed",
)
if name is None:
    st.info("Give a name first; what you say is kept under it, and nobody else's is shown to you.")
    st.stop()
found = open_run(run_id)
try:
    criteria = load_scenario(found.run.plan.scenario).criteria or DEFAULT_CRITERIA
except LeverError:  # The scenario is gone; its answers can be judged still.
    criteria = DEFAULT_CRITERIA

# One after another
queue(found, mode, name, criteria, int(target))
