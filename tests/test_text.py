"""Text that a model or a document wrote can't leave its place on the page."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui.text import JOINER, safe, shorten

HOSTILE = (
    "# heading", "![x](http://evil.example/x.png)", "[a](javascript:alert(1))", ":red[stop]", ":smile:",
    ":material/home:", "<img src=x onerror=y>", "$x^2$", "`code`", "www.evil.example", "https://evil.example/a",
    "a@evil.example", "a -> b <- c", "* list", "1. list", "> quote", "| a | b |", "~~gone~~", "--- ", "\\*",
)  # fmt: skip


def read(markdown: str) -> str:
    """What a reader sees of text in which every mark is escaped."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown).replace(JOINER, "")


@given(st.text())
def test_safe_text_reads_like_the_original_on_one_line(text: str) -> None:
    plain = text.replace(JOINER, "")
    assert read(safe(plain)) == " ".join(plain.split())


@pytest.mark.parametrize("text", HOSTILE)
def test_no_mark_stays_bare(text: str) -> None:
    assert not re.search(r"(?<!\\)[#!\[\]<>`$*|~_()]", re.sub(r"\\\\", "", safe(text)))


@pytest.mark.parametrize(
    "text", [":smile:", ":material/home:", "https://evil.example", "a@b.example", "www.x.example"]
)
def test_marks_that_are_found_after_parsing_are_split(text: str) -> None:
    seen = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", safe(text))
    assert not re.search(r":\w+:|:material/|https?://|\w@\w|www\.", seen)


@given(st.text(), st.integers(min_value=8, max_value=80))
def test_shortened_text_keeps_its_limit_and_its_beginning(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short) <= limit
    assert " ".join(text.split()).startswith(short.rstrip("…"))
