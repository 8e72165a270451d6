"""The lanes: one column a backend, all following one run by polling it; the run goes on without any page.

A lane reads a :class:`~compare.live.RunView` and draws; nothing here starts, times or stores anything.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from random import Random
from string import ascii_uppercase

import streamlit as st

from backends.errors import LeverError
from backends.types import Failure, Passage
from compare import numbers
from compare.live import LiveAnswer, RunView
from ui import folded, words
from ui.prompt_drawer import ask_for_prompt
from ui.resources import get_engine
from ui.state import is_played, load_view, stop
from ui.text import safe

POLL_S, LOADING_POLL_S = 0.2, 1.0
"""Seconds between two looks at a run that goes on, and at one that waits while the model loads."""
FAILED_UNSEEN = Failure(stage="decode", message="This answer failed.")
"""What a blind lane says of a failure: its reason would name the approach."""
_LETTERS = [*ascii_uppercase, *product(ascii_uppercase, repeat=2)]
MOST_BESIDE = 4
"""Lanes in one row; text in narrower columns is a strip of single words."""


def follow(view: RunView, *, presenter: bool, blind: bool) -> None:
    """Draw the run's lanes; while it goes on they renew themselves.

    ``blind`` shows the answers alone, in an order of their own and named by letters. The page runs once more
    at the run's end, and when the model is there, for the quicker pace.
    """
    polled = not view.done
    loading = polled and not _can_answer(view.id)
    pace = LOADING_POLL_S if loading else POLL_S
    draw = st.fragment(_draw, run_every=pace if polled else None, key="lanes")
    draw(view.id, presenter=presenter, blind=blind, polled=polled, loading=loading)


def preview(backends: Sequence[str]) -> None:
    """The lanes before anything is asked: what each of them will do."""
    for row in _rows(backends):
        for column, backend in zip(st.columns(len(row), border=True), row, strict=True):
            column.markdown(f"##### {safe(words.lane_title(backend))}")
            column.caption(words.lane_summary(backend))


def _draw(run_id: str, *, presenter: bool, blind: bool, polled: bool, loading: bool) -> None:
    try:
        view, ready = load_view(run_id), _can_answer(run_id)
    except LeverError:  # Somebody deleted it, or the store is gone: the page says which.
        st.rerun()
    if (polled and view.done) or (loading and ready):
        st.rerun()
    _headline(view, presenter=presenter)
    letters = dict(zip(blind_order(view), map("".join, _LETTERS), strict=False))
    for row in _rows(tuple(letters) if blind else view.backends):
        columns = st.columns(len(row), border=True, gap="small")
        for column, backend in zip(columns, row, strict=True):
            with column, st.container(key=f"lane_{letters[backend] if blind else backend}"):
                if blind:
                    _blind_lane(view, backend, letters[backend], ready=ready, presenter=presenter)
                else:
                    _lane(view, backend, ready=ready, presenter=presenter)


def blind_order(view: RunView) -> list[str]:
    """The run's lanes in an order that says nothing, the same for everybody who watches it."""
    return Random(view.id).sample(view.backends, len(view.backends))


def _rows(backends: Sequence[str]) -> list[Sequence[str]]:
    """The lanes in rows of like length that leave each column room to be read."""
    count = -(-len(backends) // MOST_BESIDE)
    length = -(-len(backends) // count)
    return [backends[start : start + length] for start in range(0, len(backends), length)]


def _can_answer(run_id: str) -> bool:
    """Whether the model is there; a replay needs none."""
    return is_played(run_id) or get_engine().status().state == "ready"


def _headline(view: RunView, *, presenter: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"{'##' if presenter else '####'} “{safe(view.query.text)}”", width="stretch")
        if is_played(view.id):
            st.badge("Replay", icon=":material/replay:", color="violet", help="Recorded; shown as it ran.")
        if not view.done:
            st.button("Stop", icon=":material/stop_circle:", key="stop", on_click=stop, args=(view.id,))
    if not presenter:
        st.caption(safe(words.made_with(view)))
    if view.status == "interrupted":
        st.warning("This run was cut short: the app was closed before all answers were there.")


def _blind_lane(view: RunView, backend: str, letter: str, *, ready: bool, presenter: bool) -> None:
    """The answer and its state; what else a lane shows would tell which one it is."""
    calls = [replace(call, backend="", failure=call.failure and FAILED_UNSEEN) for call in view.lane(backend)]
    st.markdown(f"{'###' if presenter else '#####'} Answer {letter}")
    _status(calls, ready=ready, presenter=presenter)
    if len(calls) > 1 and all(call.ended for call in calls):
        folded.answers(calls, view.query.sampling, presenter=presenter)
    else:
        answer(calls[0], presenter=presenter)


def _lane(view: RunView, backend: str, *, ready: bool, presenter: bool) -> None:
    calls = view.lane(backend)
    st.markdown(f"{'###' if presenter else '#####'} {safe(words.lane_title(backend))}")
    (st.markdown if presenter else st.caption)(words.lane_summary(backend))
    _status(calls, ready=ready, presenter=presenter)
    if len(calls) > 1 and all(call.ended for call in calls):
        folded.answers(calls, view.query.sampling, presenter=presenter)
    else:
        answer(calls[0], presenter=presenter)
    folded.checks(calls)
    prompt = calls[0].prompt
    if presenter:
        folded.time_in_short(calls)
        _sources_in_short(prompt.passages if prompt is not None else ())
        return
    folded.figures(calls)
    _passages(prompt.passages if prompt is not None else ())
    if prompt is not None and st.button(
        "What the model saw",
        key=f"saw_{backend}",
        icon=":material/visibility:",
        type="tertiary",
        on_click=ask_for_prompt,
        args=(backend,),
    ):
        st.rerun()


def _status(calls: Sequence[LiveAnswer], *, ready: bool, presenter: bool) -> None:
    shown = next((call for call in calls if not call.ended), calls[0])
    colour, icon = words.status_look(shown)
    text = words.status_words(shown, model_ready=ready)
    if len(calls) > 1 and not shown.ended:
        text += f", {numbers.share(sum(call.ended for call in calls), len(calls))} done"
    badge = f":{colour}-badge[{icon} {safe(text)}]"
    st.markdown(f"#### {badge}" if presenter else badge, help=words.status_help(shown))


def answer(call: LiveAnswer, *, presenter: bool) -> None:
    """One call's text as plain text (headings in presenter mode), and its failure if it has one."""
    if call.text and presenter:
        for line in filter(None, (line.strip() for line in call.text.splitlines())):
            st.markdown(f"### {safe(line)}")
    elif call.text:
        st.text(call.text, width="stretch")
    elif call.status == "done":
        st.caption("The model ended its answer without writing anything.")
    if call.failure is not None:
        hint = "" if presenter else call.failure.hint
        st.error(f"{safe(call.failure.message)} {safe(hint)}".strip(), icon=":material/error:")


def _passages(passages: Sequence[Passage]) -> None:
    if not passages:
        return
    searched = passages[0].cosine is not None
    counted = numbers.plural(len(passages), "passage" if searched else "document")
    with st.expander(f"{counted} {'found' if searched else 'read'}", icon=":material/menu_book:"):
        for passage in passages:
            st.markdown(f"**\\[{passage.number}\\] {safe(passage.source)}**")
            if passage.cosine is not None:
                similarity = numbers.cosine(passage.cosine)
                st.caption(f"Similarity to the question: {similarity} (cosine, at most 1)")
            st.text(passage.text, width="stretch")


def _sources_in_short(passages: Sequence[Passage]) -> None:
    sources = dict.fromkeys(passage.source for passage in passages)
    if sources:
        st.markdown("Looked up in " + ", ".join(safe(source) for source in sources))
