"""The queue of a rater: what comes next, how far they are, what can be taken back, and who wrote what."""

from collections.abc import Sequence

import streamlit as st

from backends.errors import LeverError
from compare import numbers
from compare.lane_names import lane_title
from compare.rating_items import (
    ALL_BAD,
    TIE,
    Item,
    Judgement,
    RatingMode,
    items_of,
    next_item,
    progress_of,
    shuffled_lanes,
)
from compare.run_measures import Measured
from ui.rate_item import LETTERS, MISSED, draw_item
from ui.resources import get_store
from ui.text import safe, said

TAKEN_BACK, ITEMS = "rate_taken_back", "rate_items"
"""The judgement that the rater opened again, shown before anything else; the items of the run."""
KEYS = {
    "stars": "1 to 5 scores the marked criterion and goes on · ↑ ↓ another criterion · Enter saves",
    "best": "1, 2, 3, … the best answer · T a tie · 0 all are bad",
    "pairs": "1 or 2 the better answer · T a tie · 0 both are bad",
}


@st.fragment
def queue(found: Measured, mode: RatingMode, rater: str, criteria: Sequence[str], target: int) -> None:
    """Judge one item after another; a key renews only this part of the page."""
    items = _items(found, mode)
    if not items:
        st.info(_nothing(mode))
        return
    try:
        known = get_store().judgements(found.run.id, mode)
        judgement = _current(found, items, known, rater, target)
    except LeverError as error:
        st.error(said(error))
        return
    _bar(found, items, known, rater, target)
    if missed := st.session_state.pop(MISSED, ""):
        st.warning(missed)
    if judgement is None:
        st.success("Nothing is left for you here. Thank you.", icon=":material/celebration:")
        st.page_link(
            "pages/results.py", label="See what the ratings say", icon=":material/monitoring:",
            query_params={"run": found.run.id, "view": "Ratings"},
        )  # fmt: skip
    else:
        draw_item(found, judgement, criteria)
    _below(judgement, found.run.id, mode, rater)
    _last(found, [one for one in known if one.rater == rater and one.state == "done"])


def _items(found: Measured, mode: RatingMode) -> Sequence[Item]:
    """The run's items, listed once for a session as long as no answer comes to the run."""
    known = (found.run.id, len(found.run.calls), mode)
    kept = st.session_state.get(ITEMS)
    if kept is None or kept[0] != known:
        kept = st.session_state[ITEMS] = (known, items_of(found.run, mode))
    items: Sequence[Item] = kept[1]
    return items


def _nothing(mode: RatingMode) -> str:
    if mode == "stars":
        return "No answer of this run is finished, so there is nothing to judge."
    return "No case of this run has two finished answers to compare. Choose “Stars”, or another run."


def _current(
    found: Measured, items: Sequence[Item], known: Sequence[Judgement], rater: str, target: int
) -> Judgement | None:
    """What is on the rater's screen: what was taken back, what is open, or the next item, stored as shown."""
    open_ones = [one for one in known if one.rater == rater and one.state == "open"]
    again = st.session_state.get(TAKEN_BACK)
    judgement = next((one for one in open_ones if one.id == again), None)
    if judgement is not None:
        return judgement
    item = next_item(items, known, rater, target=target)
    if item is None:
        return None
    return get_store().serve(found.run.id, rater, item, shuffled_lanes(item, found.run.id, rater))


def _bar(found: Measured, items: Sequence[Item], known: Sequence[Judgement], rater: str, target: int) -> None:
    progress = progress_of(items, known, rater, target=target)
    whole = progress.done + progress.left
    left = "" if progress.left_s is None else f", about {numbers.seconds(1000 * progress.left_s)} left"
    st.progress(
        progress.done / whole if whole else 1.0, f"{numbers.share(progress.done, whole)} judged{left}"
    )
    if found.run.status == "running":
        st.caption("This run is still going on: more answers to judge will come.")


def _below(judgement: Judgement | None, run_id: str, mode: RatingMode, rater: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Undo", icon=":material/undo:", key="rate_undo", shortcut="U", type="tertiary",
            on_click=_undo, args=(run_id, rater, mode),
        )  # fmt: skip
        if judgement is not None:
            st.button(
                "Skip", icon=":material/skip_next:", key="rate_skip", shortcut="S", type="tertiary",
                on_click=_skip, args=(judgement.id,),
            )  # fmt: skip
        with st.popover("Keys", icon=":material/keyboard:", key="rate_keys"):
            st.markdown(f"{KEYS[mode]}  \nU takes the last one back · S skips · V reveals the last one")


def _undo(run_id: str, rater: str, mode: RatingMode) -> None:
    try:
        back = get_store().take_back(run_id, rater, mode)
    except LeverError as error:
        st.session_state[MISSED] = said(error)
        return
    if back is None:
        st.session_state[MISSED] = "There is nothing to take back: what was revealed stands."
    else:
        st.session_state[TAKEN_BACK] = back.id


def _skip(judgement_id: str) -> None:
    try:
        get_store().skip(judgement_id)
    except LeverError as error:
        st.session_state[MISSED] = said(error)


def _last(found: Measured, done: Sequence[Judgement]) -> None:
    """What was said last, and on demand who wrote it: then it stands."""
    if not done:
        return
    last = done[-1]
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="rate_last"):
        st.markdown(f"Judged last: {_verdict(last)}", width="stretch")
        if last.revealed:
            names = [
                f"{LETTERS[n]}: {lane_title(lane)}" if len(last.lanes) > 1 else lane_title(lane)
                for n, lane in enumerate(last.lanes)
            ]
            st.markdown(f"{safe(' · '.join(names))} :gray[:small[it stands now]]")
        else:
            st.button(
                "Reveal", icon=":material/visibility:", key="rate_reveal", shortcut="V", type="tertiary",
                on_click=_reveal, args=(last.id,), help="Who wrote it. What you said stands from then on.",
            )  # fmt: skip


def _verdict(last: Judgement) -> str:
    if last.scores:
        return safe(", ".join(f"{criterion} {score}" for criterion, score in last.scores.items()))
    if last.choice == TIE:
        return "all the same" if last.same else "a tie"
    if last.choice == ALL_BAD:
        return "all bad"
    better = "best" if len(last.lanes) > 2 else "better"
    return f"{LETTERS[last.lanes.index(last.choice)]} is {better}"


def _reveal(judgement_id: str) -> None:
    try:
        get_store().reveal(judgement_id)
    except LeverError as error:
        st.session_state[MISSED] = said(error)
