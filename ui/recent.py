"""Recent comparisons: open one, play it again, name it, save it as a page, delete it."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import streamlit as st

from backends.errors import LeverError
from compare.comparison_html import comparison_html
from compare.lane_names import lane_name
from compare.live import RunView, live_runs
from compare.store import RunLine
from ui import words
from ui.resources import get_store
from ui.state import follow_run, forget_run, play, stop_playing
from ui.text import safe, said, shorten

SHOWN = 10
LABEL_CHARS, NAME_CHARS = 60, 120
DELETING = "deleting"


def recent_popover(view: RunView | None, *, blind: bool) -> None:
    """The run on the screen, if it is over, and the newest others; blind, nothing that names lanes."""
    with st.popover("Recent", icon=":material/history:", width="content"):
        if view is not None and view.done:
            _on_screen(view, blind=blind)
        try:
            runs = get_store().recent_runs(SHOWN + 1)
        except LeverError as error:
            st.error(said(error))
            return
        st.markdown("**Asked before**")
        others = [run for run in runs if (view is None or run.id != view.id) and run.status != "running"]
        if not others:
            st.caption("What you ask is kept here: open it later, or play it again at its own speed.")
        for run in others[:SHOWN]:
            _line(run)


def _on_screen(view: RunView, *, blind: bool) -> None:
    key, titles = f"name_{view.id}", {name: lane_name(name) for name in view.backends}
    st.session_state.setdefault(key, view.name)
    st.text_input(
        "Name of this comparison",
        key=key,
        max_chars=NAME_CHARS,
        placeholder=shorten(view.query.text, LABEL_CHARS),
        on_change=_rename,
        args=(view.id, key),
    )
    with st.container(horizontal=True):
        st.button("Play again", icon=":material/replay:", key="play", on_click=_play, args=(view.id,))
        if not blind:
            st.download_button(
                "Save as a page",
                partial(comparison_html, replace(view, name=str(st.session_state[key] or "")), titles),
                file_name=f"lever-{view.id}.html",
                mime="text/html",
                icon=":material/download:",
                key="save_page",
            )
        if st.session_state.get(DELETING) == view.id:
            st.button("Delete for good", type="primary", key="delete_now", on_click=_delete, args=(view.id,))
            st.button("Keep it", key="keep", on_click=_ask_to_delete, args=("",))
        else:
            st.button(
                "Delete", icon=":material/delete:", key="delete", on_click=_ask_to_delete, args=(view.id,)
            )


def _line(run: RunLine) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        title = safe(shorten(run.name or run.query, LABEL_CHARS))
        st.button(title, key=f"open_{run.id}", type="tertiary", on_click=_open, args=(run.id,))
        st.space("stretch")
        st.caption(words.ago(run.started_at, datetime.now(UTC)), width="content")
        st.button(
            "Play",
            key=f"play_{run.id}",
            icon=":material/replay:",
            type="tertiary",
            on_click=_play,
            args=(run.id,),
            help="Show it as it ran, at its own speed.",
        )


def _open(run_id: str) -> None:
    _forget_inputs(run_id)
    stop_playing()
    follow_run(run_id)


def _play(run_id: str) -> None:
    _forget_inputs(run_id)
    play(run_id)


def _forget_inputs(run_id: str) -> None:
    """What was typed about a run before: its name may have changed meanwhile, and deleting begins anew."""
    st.session_state.pop(f"name_{run_id}", None)
    _ask_to_delete("")


def _rename(run_id: str, key: str) -> None:
    name = str(st.session_state[key] or "").strip()
    try:
        get_store().rename_run(run_id, name)
    except LeverError as error:
        st.toast(safe(error.message))
        return
    live = live_runs().get(run_id)
    if live is not None:
        live.rename(name)


def _ask_to_delete(run_id: str) -> None:
    st.session_state[DELETING] = run_id


def _delete(run_id: str) -> None:
    _ask_to_delete("")
    try:
        get_store().delete_run(run_id)
    except LeverError as error:
        st.toast(said(error))
        return
    live_runs().forget(run_id)
    forget_run()
