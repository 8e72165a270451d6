"""A chunk is found again in its document, whatever the document holds."""

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backends.knowledge.documents import WRITTEN, Document, cut, place_of, read_documents
from backends.knowledge.ranking import words_of
from backends.scenario import list_scenarios, load_scenario

WORDS = st.lists(
    st.sampled_from(["send", "it", "back", "Pro", "$700.", "HX-214", "**now**", "é", "a_b", "漢字。"])
)
LINES = st.one_of(
    st.builds(lambda words: " ".join(words), WORDS),
    st.builds(lambda depth, words: f"{'#' * depth} {' '.join(words)}", st.integers(1, 4), WORDS),
    st.builds(lambda words: f"- {' '.join(words)}", WORDS),
    st.sampled_from(["", "```", "---", "| a | b |", "> quote", "## Returns ##"]),
)
MARKDOWN = st.lists(LINES, max_size=30).map("\n".join)


def chunks(text: str, tokens: int, overlap: int = 0, source: str = "a.md") -> list[str]:
    document = Document(source=source, text=text)
    sizes = {"chunk_tokens": tokens, "chunk_overlap": overlap}
    return [one.text for one in cut([document], count_tokens=lambda said: len(said.split()), **sizes)]


def test_a_heading_that_became_a_sentence_is_found_with_its_full_stop() -> None:
    text = "# Shop\n\nOpen daily.\n\n## Returns\n\nSend it\nback ($9).\n\nThen wait."
    place = place_of("Returns. Send it back ($9).", text)
    assert place is not None
    assert text[slice(*place)] == "Returns\n\nSend it\nback ($9)."


@settings(max_examples=150)
@given(text=MARKDOWN, tokens=st.integers(16, 40), overlap=st.integers(0, 8))
@example(text="# find in\n\nin find in", tokens=16, overlap=0)
def test_every_chunk_cut_from_markdown_is_found_with_its_words(text: str, tokens: int, overlap: int) -> None:
    for chunk in chunks(text, tokens, overlap):
        place = place_of(chunk, text)
        assert (place is None) == (not words_of(chunk))
        if place is not None:
            assert words_of(text[slice(*place)]) == words_of(chunk)


def test_a_chunk_that_begins_within_a_word_is_found() -> None:
    text = f"See {'x' * 50}{'y' * 50} there."
    place = place_of(f"{'x' * 20}{'y' * 50} there.", text)
    assert place == (34, len(text))


@pytest.mark.parametrize("name", list_scenarios(own=False))
def test_every_chunk_of_the_written_documents_that_ship_is_found(name: str) -> None:
    for document in read_documents(load_scenario(name).knowledge):
        if document.source.endswith(WRITTEN) and not document.source.endswith(".csv"):
            for chunk in chunks(document.text, 60, source=document.source):
                assert place_of(chunk, document.text) is not None, chunk


@settings(max_examples=200)
@given(chunk=st.text(max_size=60), text=st.text(max_size=200))
def test_no_text_breaks_it_and_what_it_finds_has_the_same_letters(chunk: str, text: str) -> None:
    place = place_of(chunk, text)
    if place is not None:
        start, end = place
        assert 0 <= start < end <= len(text)
        assert "".join(words_of(text[start:end])) == "".join(words_of(chunk))


def test_a_row_of_a_table_is_not_found() -> None:
    table = "plan,price\nPro,49\nSolo,19\n"
    row = chunks(table, 40, source="a.csv")[1]
    assert row == "plan: Solo; price: 19"
    assert place_of(row, table) is None


@pytest.mark.parametrize("many", ["ab ", "a", "a " * 50 + "b "])
def test_time_is_linear_in_the_length_of_the_document(many: str) -> None:
    document, chunk = many * (3_000_000 // len(many)), many * (1000 // len(many)) + "c"
    started = time.perf_counter()
    assert place_of(chunk, document) is None
    assert time.perf_counter() - started < 20
