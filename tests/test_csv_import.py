"""Uploaded tables: whatever a spreadsheet writes is read, whatever can't be is said in a sentence."""

import csv
import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.errors import BadInput
from compare import csv_import
from compare.cases import COLUMNS, Case
from compare.csv_export import cases_csv, masked, unmasked
from compare.csv_import import Imported, import_cases
from compare.csv_mapping import folded_header, is_applied, propose
from compare.csv_rows import MOST_CHARS, preview
from compare.csv_text import read_table

PLAIN = "id,query,expected\na,How long?,2 years\nb,How much?,49\n"


def read(data: bytes | str) -> Imported:
    """The file by the proposed mapping."""
    seen = preview(data.encode() if isinstance(data, str) else data)
    return import_cases(seen, seen.mapping)


def problems(found: Imported) -> list[tuple[int, str]]:
    return [(problem.line, problem.reason) for problem in found.problems]


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (PLAIN.encode(), "utf-8"),
        (PLAIN.encode("utf-8-sig"), "utf-8-sig"),
        (PLAIN.encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + PLAIN.encode("utf-16-be"), "utf-16"),
        (PLAIN.replace("How long", "Wie läuft's für 5 €").encode("cp1252"), "cp1252"),
    ],
)
def test_encodings_are_found_and_named(data: bytes, encoding: str) -> None:
    seen = preview(data)
    assert seen.table.encoding == encoding
    found = import_cases(seen, seen.mapping)
    assert [case.id for case in found.cases] == ["a", "b"]
    assert not found.problems
    if encoding == "cp1252":
        assert found.cases[0].query == "Wie läuft's für 5 €?"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_delimiters_and_line_ends_are_found(delimiter: str, newline: str) -> None:
    text = PLAIN.replace(",", delimiter).replace("\n", newline)
    seen = preview(text.encode())
    assert seen.table.delimiter == delimiter
    assert [case.expected for case in read(text).cases] == ["2 years", "49"]


def test_excels_sep_line_empty_columns_and_rows_are_taken_as_they_come() -> None:
    found = read("sep=;\r\nquery;expected;;\r\nHow long?;2 years;;\r\n;;;\r\nHow much?;49;;\r\n")
    assert [case.query for case in found.cases] == ["How long?", "How much?"]
    assert found.problems == []


def test_values_stay_text_as_they_were_written() -> None:
    found = read('query,expected,code\nq?,NA,007\n" two  spaces ",1e5,\n')
    assert [case.expected for case in found.cases] == ["NA", "1e5"]
    assert found.cases[0].metadata == {"code": "007"}
    assert found.cases[1].query == " two  spaces "


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PK\x03\x04 and so on", "an Excel or other zipped file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "an old Excel file"),
        (b"%PDF-1.7", "a PDF"),
        (b"", "The file is empty"),
        (b" \n\n", "The file is empty"),
        (b"\xef\xbb\xbf", "The file is empty"),
        (b"query,expected\n", "a header and no rows"),
        (b"query\0,expected\nq,a\n", "NUL bytes"),
        (PLAIN.encode("utf-16")[2:], "NUL bytes"),
        (b"\xff\xfeq", "begins as UTF-16 and is not"),
        (b"query\n\x81\x8d\n", "in no encoding that is known"),
        (b'"query\nq\n', "can't be read as a header"),
    ],
)
def test_what_is_no_table_is_named_in_a_sentence(data: bytes, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        preview(data)


def test_a_file_that_is_too_large_says_both_sizes() -> None:
    with pytest.raises(BadInput, match=r"has 3\.0 MB; at most 2 MB"):
        read_table(b"query\n" + b"x" * 3_000_000, 2)


def test_without_a_query_the_headers_are_named() -> None:
    seen = preview(b"number,amount\n1,2\n")
    assert "query" not in seen.mapping
    with pytest.raises(BadInput, match="No column is the query") as caught:
        import_cases(seen, seen.mapping)
    assert "number, amount" in str(caught.value)


def test_a_mapping_to_nothing_is_refused() -> None:
    seen = preview(PLAIN.encode())
    for mapping in ({"query": "nothing"}, {"query": "query", "colour": "id"}):
        with pytest.raises(BadInput):
            import_cases(seen, mapping)


def test_every_bad_row_is_named_and_the_good_ones_are_used() -> None:
    text = (
        "id,query,expected,checks,split\n"
        "a,Fine?,yes,,\n"
        "a,Twice?,yes,,\n"
        "c,,yes,,\n"
        "d,Too few\n"
        "e,Too,many,,,cells\n"
        "f,Check?,yes,sounds_like: x,\n"
        "g,Pattern?,yes,regex: (,\n"
        'h,Schema?,yes,json_schema: {"type": 5},\n'
        "i,Split?,yes,,train\n"
        'j,"Quote" broken?,yes,,\n'
        f"k,Long?,{'x' * (MOST_CHARS + 1)},,\n"
        "l,Also fine?,no,exact: no,dev\n"
    )
    found = read(text)
    assert [case.id for case in found.cases] == ["a", "l"]
    assert found.rows == 12
    assert [line for line, _ in problems(found)] == list(range(3, 13))
    said = "\n".join(reason for _, reason in problems(found))
    for part in (
        "stands in line 2 too", "the query is empty", "fewer than it should", "more than it should",
        "no check called 'sounds_like'", "has a bad pattern", "json_schema", "dev, test or empty",
        "a double quote stands where none may stand", "20,001 characters",
    ):  # fmt: skip
        assert part in said, part
    assert all(problem.fix for problem in found.problems)


def test_line_numbers_are_the_files_also_behind_cells_of_several_lines() -> None:
    found = read('query,expected\n"two\nlines",yes\n,no\nfine,yes\n')
    assert problems(found) == [(4, "the query is empty")]


def test_a_quote_that_is_never_closed_loses_no_row_before_it() -> None:
    found = read('query,expected\nfine,yes\n"open,yes\nswallowed,no\n')
    assert [case.query for case in found.cases] == ["fine"]
    assert problems(found) == [(3, "a double quote is opened and never closed")]


def test_lines_in_another_encoding_are_named_and_the_others_used() -> None:
    data = "query\nfür alle?\n".encode() + "für dich?\n".encode("cp1252") + b"plain?\n"
    found = read(data)
    assert [case.query for case in found.cases] == ["für alle?", "plain?"]
    assert [line for line, _ in problems(found)] == [3]


def test_two_columns_of_one_name_are_told_apart() -> None:
    seen = preview(b"query,note,note\nq,a,b\n")
    assert seen.headers == ("query", "note", "note (3)")
    assert "two columns have this name" in seen.problems[0].reason
    (case,) = import_cases(seen, {"query": "query"}).cases
    assert case.metadata == {"note": "a", "note (3)": "b"}


def test_rows_beyond_the_most_are_counted_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_import, "MOST_ROWS", 3)
    found = read("query\n" + "q\n" * 10)
    assert (len(found.cases), found.rows) == (3, 10)
    assert "7 rows more than the 3" in found.problems[0].reason


def test_ten_megabytes_in_one_cell_are_a_problem_of_their_row() -> None:
    found = read("query\nfine\n" + "x" * 10_000_000 + "\nalso fine\n")
    assert [case.query for case in found.cases] == ["fine", "also fine"]
    assert "10,000,000 characters" in found.problems[0].reason


@pytest.mark.parametrize(
    ("headers", "mapping"),
    [
        (["Question", "Answer"], {"query": "Question", "expected": "Answer"}),
        (["Prompt", "Ideal answer"], {"query": "Prompt", "expected": "Ideal answer"}),
        (["Frage", "Antwort", "Quelle"], {"query": "Frage", "expected": "Antwort", "source": "Quelle"}),
        (["Pregunta", "Respuesta"], {"query": "Pregunta", "expected": "Respuesta"}),
        (["Requête", "Réponse attendue"], {"query": "Requête", "expected": "Réponse attendue"}),
        (["問題", "答案"], {"query": "問題", "expected": "答案"}),
        (["text", "label"], {"query": "text", "label": "label"}),
        (["query", "question"], {"query": "query"}),
        (["ID", "user_message", "GOLD"], {"id": "ID", "query": "user_message", "expected": "GOLD"}),
    ],
)  # fmt: skip
def test_headers_are_proposed_in_several_languages(headers: list[str], mapping: dict[str, str]) -> None:
    assert propose(headers, []) == mapping
    assert is_applied(mapping) is (list(mapping) == [folded_header(name) for name in mapping.values()])


def test_a_query_is_guessed_by_what_its_cells_look_like() -> None:
    sample = [["1", "How long does the warranty last?", "2 years"], ["2", "What does it cost?", "49"]]
    assert propose(["a", "b", "c"], sample) == {"query": "b"}
    assert propose(["a", "b"], [["1", "2"]]) == {}


def test_a_label_becomes_a_check_among_all_labels() -> None:
    found = read("text,label\nIt broke,damage; urgent\nWhat do I pay?,billing\n")
    assert [case.checks for case in found.cases] == ["label: damage\\; urgent", "label: billing"]
    assert all(len(case.labels) == 2 for case in found.cases)


TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=30)
WORD = TEXT.map(str.strip)
CHECKS = st.sampled_from(["", "exact: a", "contains_any: a | b\nregex: ^a;b$", "label: billing"])


@st.composite
def cases(draw: st.DrawFn) -> list[Case]:
    ids = draw(st.lists(WORD.filter(bool), min_size=1, max_size=6, unique=True))
    extra = draw(st.lists(st.sampled_from(["colour", "size", "=x", "Frage"]), unique=True, max_size=3))
    made = []
    for id_ in ids:
        tags = draw(st.lists(WORD.filter(lambda tag: tag and "," not in tag), max_size=3, unique=True))
        made.append(
            Case(
                id=id_,
                query=draw(TEXT.filter(lambda text: bool(text.strip()))),
                expected=draw(TEXT),
                checks=draw(CHECKS),
                source=draw(WORD),
                tags=tuple(tags),
                context=draw(TEXT),
                notes=draw(TEXT),
                group=draw(WORD) or id_,
                split=draw(st.sampled_from(["dev", "test"])),
                metadata={column: draw(TEXT) for column in extra},
            )
        )
    labels = ("billing",) if any("label" in case.checks for case in made) else ()
    return [replace(case, labels=labels) for case in made]


@given(cases())
def test_export_then_import_gives_the_same_cases(made: list[Case]) -> None:
    seen = preview(cases_csv(made))
    assert is_applied({column: seen.mapping[column] for column in COLUMNS})
    found = import_cases(seen, {column: column for column in COLUMNS})
    assert found.problems == []
    assert found.cases == made


@given(TEXT)
def test_no_cell_of_an_export_is_a_formula_and_each_comes_back(text: str) -> None:
    assert masked(text)[:1] not in ("=", "+", "-", "@", "\t", "\r")
    assert unmasked(masked(text)) == text


@given(st.binary(max_size=300))
def test_no_bytes_bring_anything_but_cases_or_a_sentence(data: bytes) -> None:
    with suppress(BadInput):
        seen = preview(data)
        import_cases(seen, seen.mapping)


@given(st.lists(st.lists(TEXT, min_size=1, max_size=4), min_size=2, max_size=6))
def test_every_row_is_a_case_or_has_a_problem(rows: Sequence[Sequence[str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["query", "expected"], *rows])
    try:
        found = read(out.getvalue())
    except BadInput:
        return
    lines = {problem.line for problem in found.problems}
    assert found.rows <= len(found.cases) + len(lines)
