"""One click of stars beside an answer on the first page, kept as a rating of that call."""

import streamlit as st

from backends.errors import LeverError
from compare.live import LiveAnswer
from compare.rating_items import Item
from compare.rating_store import OVERALL
from ui.rater import rater_here
from ui.resources import get_store
from ui.text import said

KNOWN = "stars_known"
"""(run, rater, scores by lane and repeat) as the store had them when the run was first looked at."""


def stars(run_id: str, case_id: str, call: LiveAnswer) -> None:
    """The stars of a finished answer; a second click counts in place of the first."""
    if call.status != "done":
        return
    key = f"stars_{run_id}_{call.backend}_{call.repeat}"
    before = _known(run_id).get((call.backend, call.repeat))
    st.feedback(
        "stars",
        key=key,
        default=None if before is None else before - 1,
        on_change=_keep,
        args=(key, run_id, case_id, call.backend, call.repeat),
    )


def _keep(key: str, run_id: str, case_id: str, lane: str, repeat: int) -> None:
    given = st.session_state.get(key)
    if given is None:
        return
    item = Item(mode="live", case=case_id, repeat=repeat, lanes=(lane,))
    try:
        get_store().rate_call(run_id, rater_here(), item, given + 1)
    except LeverError as error:
        st.toast(said(error))


def _known(run_id: str) -> dict[tuple[str, int], int]:
    """What this rater gave before; read once for a run."""
    name = rater_here()
    kept = st.session_state.get(KNOWN)
    if kept is None or kept[:2] != (run_id, name):
        try:
            found = get_store().judgements(run_id, "live")
        except LeverError:  # The page says so where it matters.
            found = ()
        scores = {
            (one.lanes[0], one.item.repeat): one.scores[OVERALL]
            for one in found
            if one.rater == name and OVERALL in one.scores
        }
        kept = st.session_state[KNOWN] = (run_id, name, scores)
    scores_kept: dict[tuple[str, int], int] = kept[2]
    return scores_kept
