"""Text that nobody on our side wrote, made safe for Streamlit's Markdown.

Answers, passages and questions may hold anything. In Markdown they could load a remote picture (a leak), turn
into headings or links, or use Streamlit's own marks such as ``:red[..]`` and ``:material/home:``. Whole
answers are drawn by ``st.text``, which reads no Markdown; :func:`safe` is for headings, labels and captions.
"""

import re

from backends.errors import LeverError

JOINER = "\u2060"
"""WORD JOINER: no width, no glyph; it splits the marks that are looked for after Markdown is parsed."""

_PUNCTUATION = re.compile(r"([!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~])")
_AFTER_PARSING = re.compile(r"(:(?=\S)|@|www(?=\.)|[-~<>](?=[-=>]))", re.IGNORECASE)
"""Emoji and icon codes, addresses, links and arrows are found in the parsed text, where escapes are gone."""


def safe(text: str) -> str:
    """The same characters as Markdown that draws exactly them, on one line (white space becomes one space).

    Only :data:`JOINER` is added to what a reader sees, and it is invisible.
    """
    one_line = " ".join(text.split())
    split = _AFTER_PARSING.sub(lambda mark: mark.group(1) + JOINER, one_line)
    return _PUNCTUATION.sub(r"\\\1", split)


def said(error: LeverError) -> str:
    """An expected failure as Markdown: its sentence, and its hint if it has one."""
    return f"{safe(error.message)} {safe(error.hint)}".strip()


def shorten(text: str, limit: int) -> str:
    """At most ``limit`` characters on one line, cut at a word where possible, with an ellipsis when cut."""
    one_line = " ".join(text.split())
    if len(one_line) <= limit:
        return one_line
    head = one_line[: limit - 1]
    cut = head.rfind(" ")
    return (head[:cut] if cut > limit // 2 else head).rstrip(" ,;:") + "…"
