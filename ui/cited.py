"""An answer's citations on the screen: marked in its text, and in words what is wrong with them.

The buttons that show what is cited stand in ``ui/sources.py``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import streamlit as st

from backends.types import Passage
from compare import citation_words
from compare.citations import Cited, Reading, reading
from ui.text import safe


@dataclass(frozen=True, kw_only=True)
class Against:
    """What an answer is held against: its passages and its question."""

    passages: tuple[Passage, ...]
    question: str

    def read(self, text: str) -> Reading:
        """The answer held against them."""
        return _reading(text, self.passages, self.question)


_reading = lru_cache(maxsize=256)(reading)


def text(said: str, against: Against | None) -> None:
    """An answer as it is written, its citations in colour."""
    found = against.read(said) if against is not None else None
    if against is None or found is None or not found.marks:
        st.text(said, width="stretch")
        return
    st.markdown(_coloured(said, found.marks, against))


def flags(said: str, against: Against | None, *, presenter: bool) -> None:
    """Citations that lead nowhere or to something else, and how much of the answer its passages say; nothing
    when there is nothing to say. In presenter mode only what is wrong.
    """
    if against is None or not said.strip():
        return
    found = against.read(said)
    invented = citation_words.invented(found.marks)
    flagged = [("red", ":material/link_off:", invented)] if invented else []
    unsaid = citation_words.unsupported(said, found.marks)
    flagged += [("orange", ":material/help:", words) for words in unsaid]
    # Badges would be cut off in a narrow column.
    lines = [f":{colour}[{icon} {safe(words)}]" for colour, icon, words in flagged]
    if presenter:
        lines = [f"#### {line}" for line in lines]
    elif grounded := citation_words.grounded(found):
        lines.append(f":small[:gray[{safe(grounded)}]]")
    if lines:
        st.markdown(("\n" if presenter else "  \n").join(lines))


def _coloured(said: str, marks: Sequence[Cited], against: Against) -> str:
    """The answer as Markdown that draws exactly it, line by line."""
    pieces, end = [], 0
    for mark in marks:
        pieces += [_plain(said[end : mark.start]), _mark(said[mark.start : mark.end], mark, against)]
        end = mark.end
    return "".join([*pieces, _plain(said[end:])])


def _plain(piece: str) -> str:
    """A stretch of text with its line breaks and indents, safe for Markdown."""
    first, *lines = piece.split("\n")
    indented = ["\u00a0" * (len(line) - len(line.lstrip())) + within(line.lstrip()) for line in lines]
    return "  \n".join([within(first), *indented])


def within(part: str) -> str:
    """Text beside other text: a space at either end stays."""
    inner = safe(part)
    before, after = part[:1].isspace(), bool(inner) and part[-1:].isspace()
    return f"{' ' * before}{inner}{' ' * after}"


def _mark(written: str, mark: Cited, against: Against) -> str:
    """One mark, number by number."""
    known = {passage.number for passage in against.passages}

    def one(text: str, number: int) -> str:
        if number not in known:
            return f":red[{safe(text)}]"
        return f":{'orange' if mark.missing else 'blue'}[{safe(text)}]"

    if len(mark.numbers) == 1:
        return one(written, mark.numbers[0])
    each = re.split(r"(\d+)", written)
    return "".join(one(part, int(part)) if part.isdigit() else within(part) for part in each)
