"""The passages that an answer was given, with where they come from."""

import re
from collections.abc import Sequence
from functools import lru_cache

import streamlit as st

from backends.types import Passage
from compare import numbers
from ui.cited import Against, within
from ui.text import safe


def passages(found: Sequence[Passage], against: Against | None = None, said: str = "") -> None:
    """All of them behind a fold; nothing when there are none. With what the answer that was ``said`` is held
    against, what those that it cites gave to it is marked.
    """
    if not found:
        return
    searched = found[0].cosine is not None
    counted = numbers.plural(len(found), "passage" if searched else "document")
    with st.expander(f"{counted} {'found' if searched else 'read'}", icon=":material/menu_book:"):
        # One element for all: a page that follows a run sends every element five times a second.
        cited = _cited(against, said)
        texts = (f"**{_title(one)}**  \n{_passage(one, cited.get(one.number, ()))}" for one in found)
        st.markdown("\n\n".join(texts))


def _cited(against: Against | None, said: str) -> dict[int, tuple[str, ...]]:
    """The numbers of the passages that an answer cites, each with what it may have given to the answer."""
    if against is None or not said:
        return {}
    read = against.read(said)
    given = () if read.grounding is None else read.grounding.found
    return {number: given for mark in read.marks for number in mark.numbers}


def _title(passage: Passage) -> str:
    return f"\\[{passage.number}\\] {safe(passage.source)}"


@lru_cache(maxsize=512)
def _passage(passage: Passage, given: tuple[str, ...]) -> str:
    """Its similarity and its text, with what it gave to an answer marked."""
    lines = []
    if passage.cosine is not None:
        similarity = numbers.coefficient(passage.cosine)
        lines.append(f":small[:gray[Similarity to the question: {similarity} (cosine, at most 1)]]")
    text = (line for line in passage.text.splitlines() if line.strip())
    return "  \n".join([*lines, *(_marked(line, given) for line in text)])


def _marked(line: str, given: tuple[str, ...]) -> str:
    if not given:
        return safe(line)
    either = "|".join(re.escape(text) for text in sorted(given, key=len, reverse=True))
    pieces = re.split(rf"(?<!\w)({either})(?!\w)", " ".join(line.split()), flags=re.IGNORECASE)
    return "".join(
        f":blue-background[{safe(piece)}]" if place % 2 else within(piece)
        for place, piece in enumerate(pieces)
    )


def cited_row(against: Against | None, said: str) -> None:
    """A button for each passage that an answer cites; pressed, it shows the passage beside the answer.

    Links to headings in the fold below would take the answer out of sight, and dialogs have none.
    """
    given = _cited(against, said)
    found = [passage for passage in against.passages if passage.number in given] if against else []
    if not found:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.caption("Cited:", width="content")
        for passage in found:
            with st.popover(_title(passage), type="tertiary"):
                st.markdown(f"**{_title(passage)}**  \n{_passage(passage, given[passage.number])}")


def in_short(found: Sequence[Passage]) -> None:
    """Only the names of their documents."""
    sources = dict.fromkeys(passage.source for passage in found)
    if sources:
        st.markdown("Looked up in " + ", ".join(safe(source) for source in sources))
