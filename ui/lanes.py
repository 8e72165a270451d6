"""The lanes: one column a backend, all following one run by looking at it; the run goes on without any page.

A lane reads a :class:`~compare.live.RunView` and draws; nothing here starts, times or stores anything.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from random import Random
from string import ascii_uppercase

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from backends.errors import LeverError
from backends.types import Failure, Sampling
from compare import numbers
from compare.lane_names import lane_title
from compare.live import LiveAnswer, RunView
from ui import cited, folded, sources, words
from ui.folded import held_against, shown_call
from ui.live_stars import stars
from ui.prompt_drawer import ask_for_prompt
from ui.resources import get_engine
from ui.state import is_played, load_view, stop
from ui.text import safe

LOOK_S, LOADING_POLL_S = 0.2, 1.0
"""Seconds between two looks at a run that goes on, and at one that waits while the model loads."""
POLL_S, FOLLOW_S = 0.5, 1.5
"""The browser asks for the lanes every ``POLL_S``. One asking is served for ``FOLLOW_S``, which is longer, so
that the next one waits already and the server goes on in the same thread: with a script run for every look,
25 people keep it so busy that it draws nothing for anybody."""
FAILED_UNSEEN = Failure(stage="decode", message="This answer failed.")
"""What a blind lane says of a failure: its reason would name the approach."""
_LETTERS = [*ascii_uppercase, *product(ascii_uppercase, repeat=2)]
MOST_BESIDE = 4
"""Lanes in one row; text in narrower columns is a strip of single words."""


def follow(view: RunView, *, presenter: bool, blind: bool) -> None:
    """Draw the run's lanes; while it goes on they renew themselves.

    ``blind`` shows the answers alone, in an order of their own and named by letters. The page runs once more
    at the run's end, and when the model is there.
    """
    _headline(view, presenter=presenter)
    loading = not view.done and not _can_answer(view.id)
    pace = None if view.done else LOADING_POLL_S if loading else POLL_S
    page_runs = [True]
    draw = st.fragment(_draw, run_every=pace, key="lanes")
    draw(view.id, presenter=presenter, blind=blind, loading=loading, page_runs=page_runs)
    page_runs.clear()


def preview(backends: Sequence[str]) -> None:
    """The lanes before anything is asked: what each of them will do."""
    for row in _rows(backends):
        for column, backend in zip(st.columns(len(row), border=True), row, strict=True):
            column.markdown(f"##### {safe(lane_title(backend))}")
            column.caption(words.lane_summary(backend))


def _draw(run_id: str, *, presenter: bool, blind: bool, loading: bool, page_runs: list[bool]) -> None:
    """All lanes; asked for by the browser, not by the page (``page_runs`` is empty), followed for a while."""
    try:
        view, ready = load_view(run_id), _can_answer(run_id)
    except LeverError:  # Somebody deleted it, or the store is gone: the page says which.
        st.rerun()
    if not page_runs and (view.done or (loading and ready)):
        st.rerun()
    letters = dict(zip(blind_order(view), map("".join, _LETTERS), strict=False))
    growing: dict[str, Growing] = {}
    for row in _rows(tuple(letters) if blind else view.backends):
        columns = st.columns(len(row), border=True, gap="small")
        for column, backend in zip(columns, row, strict=True):
            with column, st.container(key=f"lane_{letters[backend] if blind else backend}"):
                letter = letters[backend] if blind else ""
                grows = _lane(view, backend, letter, ready=ready, presenter=presenter)
                if grows is not None:
                    growing[backend] = grows
    if not page_runs and not loading:
        _keep_up(view, growing)


def _keep_up(view: RunView, growing: "Mapping[str, Growing]") -> None:
    """Renew states and texts for ``FOLLOW_S``; draw all lanes anew as soon as one has more to show."""
    until = time.monotonic() + FOLLOW_S
    while time.monotonic() < until:
        time.sleep(LOOK_S)
        try:
            now = load_view(view.id)
        except LeverError:
            st.rerun()
        if now.done:
            st.rerun()
        if _shape(now) != _shape(view):
            st.rerun(scope="fragment")
        for backend, grows in growing.items():
            grows.show(now.lane(backend))


def blind_order(view: RunView) -> list[str]:
    """The run's lanes in an order that says nothing, the same for everybody who watches it."""
    return Random(view.id).sample(view.backends, len(view.backends))


def _shape(view: RunView) -> list[tuple[bool, bool]]:
    """What decides which elements the lanes are made of."""
    return [(call.ended, call.prompt is not None) for call in view.calls.values()]


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


def _lane(view: RunView, backend: str, letter: str, *, ready: bool, presenter: bool) -> "Growing | None":
    """One lane, and what of it grows while it goes on.

    With a ``letter`` it is blind: the answer and its state alone; anything else would tell which lane it is.
    """
    calls = view.lane(backend)
    over = all(call.ended for call in calls)
    _title(backend, letter, presenter=presenter)
    growing = Growing(status=st.empty(), blind=bool(letter), presenter=presenter)
    growing.show_status(calls, ready=ready)
    # Blind, citations would tell which lane looks things up.
    against = None if letter or not over else held_against(calls, view.query.text)
    if over and len(calls) > 1:
        folded.answers(
            [_masked(call) if letter else call for call in calls],
            view.query.sampling,
            against,
            presenter=presenter,
        )
    elif over:
        answer(_masked(calls[0]) if letter else calls[0], against, presenter=presenter)
    else:
        growing.said = st.empty()
        growing.show_text(calls[0])
    if over and not presenter and not letter:
        stars(view.id, view.query.case_id or "", shown_call(calls))
    if not letter:
        _figures(backend, calls, view.query.sampling, against, presenter=presenter)
    return None if over else growing


def _title(backend: str, letter: str, *, presenter: bool) -> None:
    level = "###" if presenter else "#####"
    if letter:
        st.markdown(f"{level} Answer {letter}")
        return
    title, summary = safe(lane_title(backend)), words.lane_summary(backend)
    st.markdown(f"{level} {title}\n\n{summary if presenter else f':gray[:small[{summary}]]'}")


def _figures(
    backend: str,
    calls: Sequence[LiveAnswer],
    sampling: Sampling,
    against: cited.Against | None,
    *,
    presenter: bool,
) -> None:
    """What stands below an answer: checks, consistency, times, sources, and the way to the prompt."""
    folded.checks(calls)
    if all(call.ended for call in calls):
        folded.consistency(calls, sampling)
    prompt = calls[0].prompt
    passages = prompt.passages if prompt is not None else ()
    if presenter:
        folded.time_in_short(calls)
        sources.in_short(passages)
        return
    folded.figures(calls)
    sources.passages(passages, against, shown_call(calls).text)
    if prompt is not None and calls[0].ended:
        look = {"key": f"saw_{backend}", "icon": ":material/visibility:", "type": "tertiary"}
        st.button("What the model saw", **look, on_click=ask_for_prompt, args=(backend,))


def _masked(call: LiveAnswer) -> LiveAnswer:
    return replace(call, backend="", failure=call.failure and FAILED_UNSEEN)


@dataclass
class Growing:
    """The places of a lane that are renewed while it is written: its state, and the answer so far."""

    status: DeltaGenerator
    blind: bool
    presenter: bool
    said: DeltaGenerator | None = None
    text: str = ""

    def show(self, calls: Sequence[LiveAnswer]) -> None:
        """Renew what changed, and the state each time: a script can only be interrupted as it sends."""
        self.show_status(calls, ready=True)
        self.show_text(calls[0])

    def show_status(self, calls: Sequence[LiveAnswer], *, ready: bool) -> None:
        """Say what is happening to the lane's first call that has not ended."""
        shown = next((call for call in calls if not call.ended), calls[0])
        shown = _masked(shown) if self.blind else shown
        colour, icon = words.status_look(shown)
        text = words.status_words(shown, model_ready=ready)
        if len(calls) > 1 and not shown.ended:
            text += f", {numbers.share(sum(call.ended for call in calls), len(calls))} done"
        badge = f":{colour}-badge[{icon} {safe(text)}]"
        self.status.markdown(f"#### {badge}" if self.presenter else badge, help=words.status_help(shown))

    def show_text(self, call: LiveAnswer) -> None:
        """The call's answer so far."""
        if self.said is None or call.text == self.text:
            return
        self.text = call.text
        if self.presenter:
            with self.said.container():
                answer(replace(call, failure=None), presenter=True)
        else:
            self.said.text(call.text, width="stretch")


def answer(call: LiveAnswer, against: cited.Against | None = None, *, presenter: bool) -> None:
    """One call's text as plain text (headings in presenter mode), and its failure if it has one; citations
    lead to their passages where it is held ``against`` some.
    """
    if call.text and presenter:
        for line in filter(None, (line.strip() for line in call.text.splitlines())):
            st.markdown(f"### {safe(line)}")
    elif call.text:
        cited.text(call.text, against)
        sources.cited_row(against, call.text)
    elif call.status == "done":
        st.caption("The model ended its answer without writing anything.")
    cited.flags(call.text, against, presenter=presenter)
    if call.failure is not None:
        hint = "" if presenter else call.failure.hint
        st.error(f"{safe(call.failure.message)} {safe(hint)}".strip(), icon=":material/error:")
