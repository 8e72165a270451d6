"""The passages that an answer was given, with where they come from."""

from collections.abc import Sequence
from functools import lru_cache

import streamlit as st

from backends.types import Passage
from compare import numbers
from ui.text import safe


def passages(found: Sequence[Passage]) -> None:
    """All of them behind a fold; nothing when there are none."""
    if not found:
        return
    searched = found[0].cosine is not None
    counted = numbers.plural(len(found), "passage" if searched else "document")
    with st.expander(f"{counted} {'found' if searched else 'read'}", icon=":material/menu_book:"):
        # One element for all: a page that follows a run sends every element five times a second.
        st.markdown("\n\n".join(_passage(passage) for passage in found))


@lru_cache(maxsize=512)
def _passage(passage: Passage) -> str:
    lines = [f"**\\[{passage.number}\\] {safe(passage.source)}**"]
    if passage.cosine is not None:
        similarity = numbers.coefficient(passage.cosine)
        lines.append(f":small[:gray[Similarity to the question: {similarity} (cosine, at most 1)]]")
    return "  \n".join([*lines, *(safe(line) for line in passage.text.splitlines() if line.strip())])


def in_short(found: Sequence[Passage]) -> None:
    """Only the names of their documents."""
    sources = dict.fromkeys(passage.source for passage in found)
    if sources:
        st.markdown("Looked up in " + ", ".join(safe(source) for source in sources))
