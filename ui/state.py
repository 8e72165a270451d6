"""What one browser session remembers: which run it follows. Runs belong to the process and the store.

The run's id stands in the link (``?run=``), so that a refresh or a second browser finds it, and in the
session, as a change of page drops that part of the link.
"""

import time
from collections.abc import Collection

import streamlit as st

from backends.errors import BadInput, LeverError
from backends.scenario import PromptTexts
from backends.types import Query
from compare.live import RunView, live_runs
from compare.replay import replayed
from ui.resources import get_engine, get_store
from ui.text import safe, said

RUN = "run"
_EXAMPLE = "example_asked"
_PLAYED = "played"
"""(run, when it began on ``time.monotonic()``): the one that is shown as it ran."""
_KEPT = ("presenter", "scenario")
"""What starting over leaves as it is."""


def ask(query: Query, *, lanes: tuple[str, ...], texts: PromptTexts) -> RunView | None:
    """Start a run and follow it; None, with a sentence on the page, when it can't be started."""
    from compare.runner import start

    if not query.text.strip():
        st.warning("Type a question first, or take one of the examples.")
        return None
    try:
        run = start(query, backends=lanes, texts=texts, store=get_store(), engine=get_engine())
    except LeverError as error:
        st.error(said(error))
        return None
    stop_playing()
    follow_run(run.id)
    return run.snapshot()


def ask_example(text: str) -> None:
    """Put an example into the question box and ask it with the next run of the page."""
    st.session_state["question"] = text
    st.session_state[_EXAMPLE] = True


def example_asked() -> bool:
    """Whether an example was clicked just now; true once."""
    return bool(st.session_state.pop(_EXAMPLE, False))


def prefill(view: RunView | None, scenarios: Collection[str]) -> None:
    """Let a page that was opened by a run's link begin with that run's scenario and question."""
    if view is not None and view.scenario in scenarios:
        st.session_state.setdefault("scenario", view.scenario)
        st.session_state.setdefault("question", view.query.text)
    st.session_state.setdefault("scenario", next(iter(scenarios)))


def load_view(run_id: str) -> RunView:
    """The run as it stands, live if it is in this process, else from the store; when played, as it stood.

    Raises:
        BadInput: there is no such run.
        StoreUnavailable: the store can't be read.
    """
    played = st.session_state.get(_PLAYED)
    if played is not None and played[0].id == run_id:
        return replayed(played[0], (time.monotonic() - played[1]) * 1000)
    live = live_runs().get(run_id)
    return live.snapshot() if live is not None else get_store().load_run(run_id)


def play(run_id: str) -> None:
    """Show a finished run again as it ran, at its own speed. It is read once, not at every look."""
    stop_playing()
    try:
        st.session_state[_PLAYED] = (load_view(run_id), time.monotonic())
    except LeverError as error:
        st.toast(safe(error.message))
        return
    follow_run(run_id)


def is_played(run_id: str) -> bool:
    """Whether what the page shows of this run is a replay, also after its end."""
    played = st.session_state.get(_PLAYED)
    return played is not None and played[0].id == run_id


def stop_playing() -> None:
    """From now on runs are shown as they are."""
    st.session_state.pop(_PLAYED, None)


def start_over() -> None:
    """Forget all that this session was told: question, settings, edits, the run that it follows.

    The browser keeps what a widget says until it is told something else, so each of them is.
    """
    state = st.session_state
    for key in [str(key) for key in state]:
        if key.startswith("compared_"):
            state[key] = []
        elif key.startswith("looked_at_"):
            state[key] = None
        elif key not in _KEPT and not key.startswith("fresh_"):
            del state[key]
    state["question"], state["blind"] = "", False
    st.query_params.clear()


def followed_run() -> RunView | None:
    """The run of the link or the session, if any; says so on the page when it can't be had."""
    run_id = st.query_params.get(RUN) or st.session_state.get(RUN)
    if not run_id:
        return None
    try:
        view = load_view(run_id)
    except LeverError as error:
        forget_run()
        if isinstance(error, BadInput):
            st.warning("This link leads to a run that is not stored here. Ask a question to start a new one.")
        else:
            st.error(said(error))
        return None
    follow_run(view.id)
    return view


def follow_run(run_id: str) -> None:
    """Remember the run in the session and in the link."""
    st.session_state[RUN] = run_id
    if st.query_params.get(RUN) != run_id:
        st.query_params[RUN] = run_id


def forget_run() -> None:
    """Follow no run any more."""
    st.session_state.pop(RUN, None)
    st.query_params.pop(RUN, None)


def stop(run_id: str) -> None:
    """Stop the run's open calls; what they wrote so far stays. A replay jumps to its end."""
    stop_playing()
    live = live_runs().get(run_id)
    if live is not None:
        live.cancel()
