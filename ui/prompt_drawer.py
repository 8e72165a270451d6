"""The drawer "What the model saw": one lane's exact prompt, its layers told apart by name and icon."""

import streamlit as st

from backends.engine.base import AS_MESSAGES
from backends.errors import LeverError
from backends.prompts import split_layers
from compare.lane_names import lane_name
from compare.live import LiveAnswer, RunView
from ui import words
from ui.resources import get_engine
from ui.text import safe, said

SHOWN = "prompt_shown"
DRAWER_PX = 760
AS_READ = "This is all that the model read before it wrote this answer, in order, nothing left out."
AS_SENT = "These are the messages as they were sent; the server puts the model's own frame around them."


def ask_for_prompt(backend: str) -> None:
    """Remember that the drawer shall show this lane; it opens with the next run of the page."""
    st.session_state[SHOWN] = backend


def _close() -> None:
    st.session_state.pop(SHOWN, None)


def prompt_drawer(view: RunView) -> None:
    """Open the drawer if a lane was asked for; it stays open over the page's reruns until it is closed."""
    backend = st.session_state.get(SHOWN)
    if backend not in view.backends or view.lane(backend)[0].prompt is None:
        return
    title = f"What the model saw: {lane_name(backend)}"
    st.dialog(title, width=DRAWER_PX, position="right", on_dismiss=_close)(show_prompt)(view.lane(backend)[0])


def _is_as_sent(call: LiveAnswer) -> bool:
    """Whether the text is what a server was sent, as nobody here knows the frame around it."""
    if call.answer is not None:
        return AS_MESSAGES in call.answer.marks
    status = get_engine().status()
    return bool(status.counted_by) and not status.template_hash


def show_prompt(call: LiveAnswer) -> None:
    """The call's prompt, layer by layer."""
    assert call.prompt is not None
    try:
        rendered = (call.answer and call.answer.rendered) or get_engine().render(call.prompt)
    except LeverError as error:
        st.error(said(error))
        return
    st.caption(
        (AS_SENT if _is_as_sent(call) else AS_READ)
        + (" It answered with the scenario's trained adapter switched on." if call.prompt.adapter else "")
        + (" It could write nothing but JSON of the answer form." if call.prompt.schema else "")
    )
    for piece in split_layers(rendered, call.prompt.layers):
        if not piece.text.strip():
            continue
        name, colour, icon = words.LAYERS[piece.kind]
        with st.container(border=True, gap="xsmall"):
            st.badge(name, icon=icon, color=colour)
            st.text(piece.text, width="stretch")
    with st.expander("The same as one piece, to copy", icon=":material/content_copy:"):
        st.code(rendered, language=None, wrap_lines=True)
    if call.prompt.adapter:
        st.caption(f"Adapter: {safe(call.prompt.adapter)}")
