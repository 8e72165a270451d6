"""What an answer cites and states, held against its passages: by hand, and for any text at all."""

import time
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.types import Passage
from compare.citation_figures import CitationFigures, citation_figures
from compare.citations import cited_marks, grounding
from compare.judged import JudgedCall
from compare.matching import citation_marks, citations
from compare.mentions import mentions, sentences
from compare.plan import Plan
from compare.summary import summarise, summary_document
from tests.test_summary import call, plan

QUESTION = "What warranty does the Pro plan include?"


def passage(number: int, text: str, source: str = "warranty.md") -> Passage:
    return Passage(number=number, source=source, chunk_id=str(number), text=text, cosine=0.5)


PASSAGES = (
    passage(1, "The Pro plan includes a two-year hardware warranty. Orla Venn manages it for $1,250."),
    passage(2, "Fleet hubs go to Quenford at 9:20 pm, from 3 May 2026 on. The model is HX-482.", "repair.md"),
    passage(3, "Mira Tolven answers at ledger@tessel.example.", "accounts.md"),
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It costs $5.80 or 1,250 a year, −3 at least.", ("5.8", "1250", "-3")),
        ("A 2-year plan, 15GB, the 17th.", ("2", "15", "17")),
        ("Two years, nine to five, one of them.", ()),
        ("At 9:20, 09:20 or 9:20 pm.", ("9:20", "21:20")),
        ("On 2026-05-03, 3 May 2026, May 3rd, 2026, 3rd of May 2026.", ("2026-05-03",)),
        ("On 3 May or May 3.", ("05-03",)),
        ("The HX-539 and the hx539 and version 1.2.3.", ("hx539", "1.2.3")),
        ("Write to Ledger@tessel.example.", ("ledger@tessel.example",)),
        ("See [1], [2, 3] and [4-6].", ()),
        ("Ask Orla Venn or Mira Tolven's team.", ("orla venn", "mira tolven")),
        ("Orla is here. Ask Orla!", ("orla",)),
        ("Orla is here. Yes. Please wait.", ()),
        ("McCoy knows. USB too.", ("mccoy", "usb")),
        ("I think I'm right, and I'd say so.", ()),
        ('Fact: The hub. "The box". Plan: Rest', ()),
        ("THE WARRANTY IS VERY LONG", ()),
        ("How To Return A Broken Hub", ()),
        ("the pro plan from varnholm", ()),
        ("保修期为2年", ()),
        ("", ()),
    ],
)
def test_what_a_text_states(text: str, found: tuple[str, ...]) -> None:
    assert mentions(text) == found


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("The warranty is 2 years [1].", [("[1]", "supported", ())]),
        ("The Pro plan has a 2-year warranty for $1250 [1].", [("[1]", "supported", ())]),
        ("The warranty is 3 years [1].", [("[1]", "unsupported", ("3",))]),
        ("The warranty is 2 years [2].", [("[2]", "unsupported", ("2",))]),
        ("From 3 May 2 years [1, 2].", [("[1, 2]", "supported", ())]),
        ("From 3 May [1][2].", [("[1]", "supported", ()), ("[2]", "supported", ())]),
        ("The warranty is 2 years [7].", [("[7]", "invented", ())]),
        ("It is 3 years [1, 7].", [("[1, 7]", "invented", ("3",))]),
        ("It is long [1].", [("[1]", "not checked", ())]),
        ("The one for Pro is long [1].", [("[1]", "not checked", ())]),
        ("It is 2 years. [1] Ask Orla Tolven. [3]",
         [("[1]", "supported", ()), ("[3]", "unsupported", ("Orla Tolven",))]),
        ("Fact: It is 2 years.\nSource: [1]", [("[1]", "supported", ())]),
        ("[1] The hub HX-999 goes to Quenford [2].",
         [("[1]", "unsupported", ("HX-999",)), ("[2]", "unsupported", ("HX-999",))]),
        ("Ask orla, then Venn, Orla VENN [1].", [("[1]", "supported", ())]),
        ("At 9:20 [2], at 21:20 [2].", [("[2]", "supported", ()), ("[2]", "supported", ())]),
        ("[1]", [("[1]", "not checked", ())]),
        ("2 years", []),
    ],
)  # fmt: skip
def test_each_citation_is_held_against_its_passages(
    text: str, marks: list[tuple[str, str, tuple[str, ...]]]
) -> None:
    found = cited_marks(text, PASSAGES, QUESTION)
    assert [(text[mark.start : mark.end], mark.state, mark.missing) for mark in found] == marks


def test_a_mark_may_be_invented_in_part() -> None:
    (mark,) = cited_marks("It is 2 years [1, 7, 9].", PASSAGES)
    assert (mark.numbers, mark.invented, mark.state) == ((1, 7, 9), (7, 9), "invented")


def test_without_passages_every_citation_is_invented_and_nothing_is_grounded() -> None:
    (mark,) = cited_marks("It is 2 years [1].", ())
    assert mark.state == "invented"
    assert grounding("It is 2 years [1].", ()) is None


def test_grounding_is_the_share_of_what_was_given() -> None:
    text = "For Pro ask Orla Venn about 2 years, $1,250 and HX-999 in 2026 [1]."
    found = grounding(text, PASSAGES, QUESTION)
    assert found is not None
    assert (found.found, found.missing) == (("2", "1,250", "2026", "Pro", "Orla Venn"), ("HX-999",))
    assert found.share == pytest.approx(5 / 6)


def test_the_question_gives_its_names_but_not_its_numbers() -> None:
    found = grounding("Yes, the Solo plan has 9 years.", PASSAGES, "Does the Solo plan have 9 years?")
    assert found is not None
    assert (found.found, found.missing) == (("Solo",), ("9",))
    assert grounding("It is so.", PASSAGES) is None


texts = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from(["[1]", "[2, 9]", "[1-3]", "[3-1]", ". ", "\n", "Orla", "Venn's ", "2", "9:20",
                         "3 May", " ", "HX-1", "Source:", "İ", "ß", "½", "[", "]", "٣"])
    ).map("".join),
)  # fmt: skip


@given(texts, texts, texts)
def test_any_text_is_read_and_spans_are_the_marks_in_order(text: str, other: str, question: str) -> None:
    found = cited_marks(text, (*PASSAGES, passage(9, other)), question)
    assert [(mark.start, mark.end, mark.numbers) for mark in found] == list(citation_marks(text))
    assert all(one.end <= next_.start for one, next_ in pairwise(found))
    assert citations("".join(text[mark.start : mark.end] for mark in found)) == citations(text)
    assert all(set(mark.invented) == set(mark.numbers) - {1, 2, 3, 9} for mark in found)
    assert "".join(text[slice(*span)] for span in sentences(text)) == text


@given(texts.filter(lambda text: "[" not in text))
def test_a_text_is_grounded_in_itself(text: str) -> None:
    found = grounding(text, (passage(1, text),))
    assert found is None or found.missing == ()


@pytest.mark.parametrize(
    "piece",
    ["a.", "[1-999]", "Aa ", "1,111,", "May 3 ", "9:20 ", "a@", "1.1.", "A-", "x'a", "\n", "1 ", "1", "A",
     "!", "[1", ". [1", "\n[1]", " ", "a.a@", "Aa, "],
)  # fmt: skip
def test_a_hundred_thousand_characters_are_read_at_once(piece: str) -> None:
    """Quadratic time would be minutes."""
    text = piece * (100_000 // len(piece))
    began = time.perf_counter()
    grounding(text, (*PASSAGES, passage(4, text)), text)
    assert time.perf_counter() - began < 10


def cites(case: int, text: str, repeat: int = 0, passages: tuple[Passage, ...] = PASSAGES) -> JudgedCall:
    return replace(call(case, repeat), text=text, passages=passages)


def asked(cases: int) -> Plan:
    whole = plan(cases)
    return replace(whole, cases=tuple(replace(case, source="Warranty.md") for case in whole.cases))


def figures(calls: list[JudgedCall], cases: int = 40) -> CitationFigures:
    found = citation_figures(calls, {case.id: case for case in asked(cases).cases})
    assert found is not None
    return found


def test_precision_recall_and_grounding_of_20_cases_by_hand() -> None:
    right = [cites(n, "2 years [1].") for n in range(12)]
    half = [cites(n, "2 years [1] [2].") for n in range(12, 16)]
    wrong = [
        cites(16, "9 years [2]."),
        cites(17, "2 years [8]."),
        cites(18, "2 years."),
        cites(19, "", 0, ()),
    ]
    found = figures([*right, *half, *wrong])
    assert (found.answers, found.citing, found.citations) == (19, 18, 22)
    assert (found.invented, found.unsupported) == (1, 1)
    assert found.precision is not None
    assert found.recall is not None
    assert found.grounded is not None
    assert found.precision.value == pytest.approx((12 + 4 * 0.5 + 0) / 17)
    assert (found.recall.value, found.recall.cases) == (16 / 20, 20)
    assert (found.recall.low, found.recall.high) == pytest.approx((0.5840, 0.9193), abs=5e-4)  # Wilson
    assert found.grounded.value == pytest.approx(18 / 19)


def test_repeats_are_averaged_within_their_case() -> None:
    once = [cites(0, "[1]", repeat) for repeat in range(3)] + [cites(0, "[2]", 3), cites(1, "[2]")]
    found = figures(once)
    assert found.precision is not None
    assert found.precision.value == pytest.approx((0.75 + 0) / 2)
    assert found.precision.cases == 2
    assert not found.precision.enough


def test_a_lane_without_passages_has_no_figures_unless_it_cites() -> None:
    assert citation_figures([cites(0, "2 years.", 0, ())], {}) is None
    found = figures([cites(0, "2 years [1] [2].", 0, ())])
    assert (found.invented, found.answers) == (2, 0)
    assert found.precision is found.recall is found.grounded is None


def test_only_cases_with_a_gold_source_have_precision_and_recall() -> None:
    found = citation_figures([cites(0, "2 years [1].")], {case.id: case for case in plan(1).cases})
    assert found is not None
    assert found.precision is found.recall is None
    assert found.grounded is not None


def test_the_document_has_every_figure_and_null_where_there_is_none() -> None:
    two = replace(asked(20), lanes=("rag", "prompt"))
    calls = [cites(n, "2 years [1].") for n in range(20)]
    calls += [replace(call(n), lane="prompt") for n in range(20)]
    found = summary_document(summarise(calls, two))
    names = [name for name in found["rag"] if "cit" in name or "grounded" in name]
    assert len(names) == 8
    assert (found["rag"]["citation_precision"], found["rag"]["invented_citations"]) == (1, 0)
    assert found["rag"]["citation_recall_interval"] == pytest.approx([0.8389, 1], abs=5e-5)
    assert {found["prompt"][name] for name in names} == {None}


def test_greedy_copies_count_once() -> None:
    cold = replace(asked(1), repeats=3, sampling=replace(asked(1).sampling, temperature=0.0))
    found = summarise([cites(0, "[1] [9]", repeat) for repeat in range(3)], cold)["rag"].cited
    assert found is not None
    assert (found.citations, found.invented) == (2, 1)
