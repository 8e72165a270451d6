"""The header's badge: which model speaks, on which device, and whether it is ready."""

from typing import Literal

import streamlit as st

from backends.engine.base import EngineStatus
from ui.resources import get_engine
from ui.text import safe

POLL_S = 1.0
"""Seconds between two looks at a model that is loading; later each run of the page looks once."""


def model_badge() -> None:
    """Draw the badge; while the model loads it renews itself, then lets the page run once more."""
    polled = get_engine().status().state == "loading"
    st.fragment(_draw, run_every=POLL_S if polled else None, key="badge_poll")(polled=polled)


def _draw(polled: bool) -> None:
    status = get_engine().status()
    if polled and status.state != "loading":
        st.rerun()
    if status.state == "ready":
        where = f"{safe(status.model)} · {safe(device_name(status.device))}"
        _badge(f"{where} · ready", ":material/check_circle:", "green", _details(status))
    elif status.state == "loading":
        waits = "You can type already. A question that you send now waits until the model is there."
        _badge(f"{safe(status.model)} · loading", ":material/hourglass_top:", "orange", waits)
    else:
        _badge(f"{safe(status.model)} · not available", ":material/error:", "red", safe(status.detail))


def _badge(text: str, icon: str, colour: Literal["green", "orange", "red"], explained: str) -> None:
    with st.container(key="model_badge", horizontal=True, horizontal_alignment="right"):
        st.badge(text, icon=icon, color=colour, help=explained)


def device_name(device: str) -> str:
    """A device as people call it: "cpu" is the processor, "cuda:1" is "graphics card 1"."""
    kind, _, index = device.partition(":")
    names = {"cpu": "processor", "cuda": "graphics card", "mps": "Apple graphics", "server": "a server"}
    name = names.get(kind, device)
    return f"{name} {index}" if index and index != "0" else name


def _details(status: EngineStatus) -> str:
    proofs = {
        "passed": "Checked: the prompt-only answers come from the untouched base model.",
        "failed": f"Check failed: {status.proof_reason}",
        "not run": "The check that the base model is untouched has not run"
        + (f": {status.proof_reason}." if status.proof_reason else " yet."),
    }
    known = (status.dtype, status.threads and f"{status.threads} threads")
    where = status.model_path if status.device == "server" else status.device
    context = status.context_tokens and f"{status.context_tokens} tokens of context"
    technical = ", ".join(part for part in (where, *known, context) if part)
    return f"{safe(technical)}  \n{safe(proofs[status.proof])}"


def explain_readiness() -> None:
    """One sentence on the page while the model can't answer yet, or can't answer at all."""
    status = get_engine().status()
    if status.state == "loading":
        st.info(
            "The model is still loading. You can ask already: the answers begin as soon as it is there.",
            icon=":material/hourglass_top:",
        )
    elif status.state != "ready":
        st.error(f"The model can't answer: {safe(status.detail)}", icon=":material/error:")
        st.button("Try to load it again", icon=":material/refresh:", on_click=get_engine().start)
    elif status.proof == "failed":
        st.error(
            f"No answers: the base model was changed. {safe(status.proof_reason)}", icon=":material/error:"
        )
