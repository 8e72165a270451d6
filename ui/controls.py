"""The folded-away controls of a question: how it is answered, and by which lanes."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from backends.base import DEFAULT_BACKENDS, lacking
from backends.registry import registry
from backends.scenario import PromptTexts
from backends.types import Mode, Sampling
from compare.lane_names import lane_title
from ui.state import start_over
from ui.words import MODES

MAX_REPEATS, MAX_TOKENS, MAX_SEED = 50, 1024, 2**53 - 1


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the settings say."""

    backends: tuple[str, ...]
    sampling: Sampling
    repeats: int
    seed: int
    mode: Mode


_FIRST = {"lanes_asked": list(DEFAULT_BACKENDS), "mode": "demo", "repeats": 1, "seed": 0} | {
    "temperature": 0.7,
    "top_p": 0.95,
    "max_tokens": 128,
}


def settings_popover(*, shown: bool) -> Choices:
    """The settings behind one button; when not shown, what they said last (or the defaults) still holds."""
    state = st.session_state
    for key, first in _FIRST.items():
        state.setdefault(key, first)
    if shown:
        with st.popover("Settings", icon=":material/tune:"):
            _widgets()
    asked = tuple(name for name in registry() if name in (state["lanes_asked"] or DEFAULT_BACKENDS))
    sampling = Sampling(
        temperature=min(max(float(state["temperature"]), 0.0), 2.0),
        top_p=min(max(float(state["top_p"]), 0.05), 1.0),
        max_tokens=min(max(int(state["max_tokens"]), 1), MAX_TOKENS),
    )
    repeats, seed = min(max(int(state["repeats"]), 1), MAX_REPEATS), min(max(int(state["seed"]), 0), MAX_SEED)
    return Choices(
        backends=asked, sampling=sampling, repeats=repeats, seed=seed, mode=state["mode"] or "demo"
    )


def applicable(backends: Sequence[str], texts: PromptTexts) -> tuple[str, ...]:
    """Those of the backends that have what they need; the default ones when none has."""
    able = tuple(name for name in backends if not lacking(registry()[name], texts))
    return able or DEFAULT_BACKENDS


def _widgets() -> None:
    st.pills(
        "Lanes",
        list(registry()),
        selection_mode="multi",
        format_func=lane_title,
        key="lanes_asked",
        persist_state="session",
        help="A lane that needs what the scenario does not have (worked examples, a JSON form) is left out.",
    )
    _number("How often to ask", 1, MAX_REPEATS, "repeats", "Each lane answers this many times.")
    st.segmented_control(
        "Timing",
        list(MODES),
        required=True,
        format_func=lambda mode: MODES[mode],
        key="mode",
        persist_state="session",
        help="**All lanes at once** is quick to watch, but the lanes share the machine, so each looks slower "
        "than it is. **One answer at a time** takes longer and gives times that can be compared.",
    )
    _slider(
        "Freedom (temperature)",
        0.0,
        2.0,
        "temperature",
        "0 always takes the likeliest word; higher varies more.",
    )
    _slider(
        "Word choice (top-p)",
        0.05,
        1.0,
        "top_p",
        "Only the likeliest words, up to this share, can be chosen.",
    )
    _number("Longest answer (tokens)", 1, MAX_TOKENS, "max_tokens", "A token is a piece of a word.")
    _number("Seed", 0, MAX_SEED, "seed", "The same seed, question and settings give the same answers again.")
    st.button(
        "Start over",
        icon=":material/restart_alt:",
        key="start_over",
        on_click=start_over,
        help="A fresh screen for the next demo: settings, edits and question as at the start. "
        "What was asked stays under Recent.",
    )


def _number(label: str, low: int, high: int, key: str, explained: str) -> None:
    st.number_input(label, low, high, step=1, key=key, persist_state="session", help=explained)


def _slider(label: str, low: float, high: float, key: str, explained: str) -> None:
    st.slider(label, low, high, step=0.05, key=key, persist_state="session", help=explained)
