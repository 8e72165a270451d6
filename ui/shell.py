"""The guard that keeps every page inside the app's shell.

Streamlit discovers a ``pages/`` folder by itself: on a fresh server a first visit to ``/side_by_side`` runs
that file without ``app.py``, so without page settings, navigation, header or warm-up. Each page therefore
begins with :func:`require_shell`. The mark is a context variable, set for one script run; session state would
outlive it.
"""

import runpy
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import streamlit as st

from backends.settings import ROOT

_inside: ContextVar[bool] = ContextVar("inside_shell", default=False)


@contextmanager
def shell() -> Iterator[None]:
    """Mark that what runs inside was started by ``app.py``."""
    token = _inside.set(True)
    try:
        yield
    finally:
        _inside.reset(token)


def require_shell() -> None:
    """Return at once inside the shell; else run ``app.py``, which runs the asked page, and end this run."""
    if _inside.get():
        return
    runpy.run_path(str(ROOT / "app.py"), run_name="__main__")
    st.stop()
