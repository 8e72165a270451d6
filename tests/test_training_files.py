"""Training examples from files: every shape that people have, every way in which a file can be broken."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.errors import BadInput
from backends.scenario import load_scenario
from backends.settings import settings
from backends.training.examples import Example, examples_path, load_examples
from compare.csv_rows import MOST_CHARS
from compare.training_files import ReadExamples, read_examples, write_examples
from tests.bad_files import BAD_FILES, BadFile
from tests.test_training_data import SHIPPED

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40)
WORDS = TEXTS.map(str.strip).filter(bool)
EXAMPLES = st.lists(
    st.builds(
        Example,
        line=st.just(0),
        query=WORDS,
        answer=WORDS,
        source=st.just("") | WORDS,
        context=st.lists(WORDS, max_size=3).map(tuple),
        system=st.none() | st.just("") | WORDS,
    ),
    min_size=1,
    max_size=5,
)


def read(text: str, name: str = "examples.jsonl") -> ReadExamples:
    return read_examples(text.encode(), name)


def said(found: ReadExamples) -> list[tuple[str, str]]:
    return [(example.query, example.answer) for example in found.examples]


@given(EXAMPLES)
def test_what_is_written_reads_back(examples: list[Example]) -> None:
    numbered = tuple(replace(example, line=line) for line, example in enumerate(examples, 1))
    found = read_examples(write_examples(examples), "kept.jsonl")
    assert (found.examples, found.problems, found.rows) == (numbered, (), len(examples))


@pytest.mark.parametrize("name", SHIPPED)
def test_training_reads_what_is_written(name: str, tmp_path: Path) -> None:
    shipped = load_examples(examples_path(load_scenario(name)))
    assert read_examples(examples_path(load_scenario(name)).read_bytes(), "x").examples == shipped
    (tmp_path / "examples.jsonl").write_bytes(write_examples(shipped))
    assert load_examples(tmp_path / "examples.jsonl") == shipped


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Q"}]},
                      {"role": "assistant", "content": "A"}]},
        {"prompt": "Q", "completion": "A"},
        {"prompt": [{"role": "user", "content": "Q"}], "completion": [{"role": "assistant", "content": "A"}]},
        {"instruction": "Q", "input": "", "output": "A"},
        {"instruction": "Q", "response": "A"},
        {"question": " Q\n", "answer": "A"},
        {"text": "Q", "label": "A"},
    ],
)  # fmt: skip
def test_every_shape_becomes_the_same_example(row: dict[str, object]) -> None:
    for text in (json.dumps(row), json.dumps([row]), json.dumps([row], indent=2)):
        assert said(read(text)) == [("Q", "A")]


def test_all_that_a_row_says_is_kept() -> None:
    row = {"instruction": "Sort it.", "input": "My card", "output": {"queue": "é"}, "system": "Be brief.",
           "source": "a.md", "context": ["one", " "]}  # fmt: skip
    (example,) = read(f"\n{json.dumps(row)}\n").examples
    assert example == Example(
        line=2,
        query="Sort it.\n\nMy card",
        answer='{"queue": "é"}',
        system="Be brief.",
        source="a.md",
        context=("one",),
    )


def test_a_table_is_read_by_its_headers_or_as_one_says() -> None:
    table = "Frage;Antwort;document\nWie lange?;Zwei Jahre.;a.md\n"
    found = read(table, "x.csv")
    assert found.mapping == {"query": "Frage", "expected": "Antwort", "source": "document"}
    assert found.headers == ("Frage", "Antwort", "document")
    assert found.examples == (Example(line=2, query="Wie lange?", answer="Zwei Jahre.", source="a.md"),)
    other = read_examples(table.encode("utf-16"), "x", {"query": "Antwort", "expected": "Frage"})
    assert said(other) == [("Zwei Jahre.", "Wie lange?")]
    assert said(read("instruction,input,output\nSort it.,My card,billing\n")) == [
        ("Sort it.\n\nMy card", "billing")
    ]
    assert said(read("text,label\nMy card was charged,billing\n")) == [("My card was charged", "billing")]


def test_bad_rows_are_named_and_the_good_ones_kept() -> None:
    good = '{"prompt": "Q", "completion": "A"}'
    rows = [
        good,
        "no json",
        "[1]",
        '{"prompt": "Q"}',
        '{"prompt": " ", "completion": "A"}',
        '{"messages": [{"role": "user", "content": "Q"}]}',
        '{"messages": [{"role": "user"}, {"role": "assistant", "content": "A"}]}',
        '{"messages": 5}',
        '{"prompt": "Q", "completion": "\\ud800"}',
        '{"prompt": "Q", "completion": "A", "context": {"a": 1}}',
        json.dumps({"prompt": "Q" * (MOST_CHARS + 1), "completion": "A"}),
        '{"a":' * 100_000,
        good,
    ]
    found = read("\n".join(rows))
    assert [example.line for example in found.examples] == [1, len(rows)]
    assert [problem.line for problem in found.problems] == list(range(2, len(rows)))
    assert all(problem.reason and problem.fix for problem in found.problems)
    table = read('question,answer\nQ,A\nQ\n"Q,A\n', "x.csv")
    assert said(table) == [("Q", "A")]
    assert [problem.line for problem in table.problems] == [3, 4]


def test_a_list_is_read_up_to_where_it_breaks() -> None:
    found = read('[\n {"prompt": "Q",\n  "completion": "A"},\n {"prompt": ')
    assert [example.line for example in found.examples] == [2]
    assert [problem.line for problem in found.problems] == [4]


def test_lines_in_another_encoding_are_named() -> None:
    rows = ['{"prompt": "é", "completion": "A"}'.encode(enc) for enc in ("utf-8", "cp1252")]
    found = read_examples(b"\xef\xbb\xbf" + b"\r\n".join(rows), "mixed.jsonl")
    assert ([example.line for example in found.examples], found.problems[0].line) == ([1], 2)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf  \n", "is empty"),
        (b"PK\x03\x04....", "Excel"),
        (b"%PDF-1.7", "PDF"),
        (b'{"prompt": "\0"}', "NUL"),
        (b"\xff\xfe{", "UTF-16"),
        (b"a,b\n", "no rows"),
        (b"colour,size\nred green blue,1\n", "No column is the answer"),
        (b"answer,size\nred,1\n", "No column is the query"),
    ],
)
def test_a_file_that_is_none_gets_a_sentence(data: bytes, says: str) -> None:
    with pytest.raises(BadInput, match=says) as caught:
        read_examples(data, "mine.jsonl")
    assert caught.value.message.startswith("mine.jsonl: ")


def test_a_file_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    small = settings().model_copy(update={"max_upload_mb": 1})
    monkeypatch.setattr("compare.training_files.settings", lambda: small)
    with pytest.raises(BadInput, match="1 MB"):
        read_examples(b"{" * 1_000_001, "big.jsonl")


@pytest.mark.parametrize("bad", BAD_FILES, ids=lambda bad: bad.name)
def test_files_that_break_tables_break_nothing_here(bad: BadFile) -> None:
    try:
        found = read_examples(bad.data(), "x.csv")
    except BadInput:
        return
    assert len(found.examples) + len(found.problems) >= found.rows


@given(st.binary(max_size=200) | TEXTS.map(str.encode) | TEXTS.map(lambda text: f'[{{"a": "{text}"'.encode()))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    try:
        found = read_examples(data, "any")
    except BadInput:
        return
    assert len(found.examples) + len(found.problems) >= found.rows
