"""One row an example: a check, an answer, and what the check finds."""

import re
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.scenario import Scenario, Voice
from backends.settings import ROOT
from backends.types import Passage
from compare.cases import Case
from compare.checks import CHECKS, CheckProblem, CheckResult, final_answer, parse_checks, run_checks
from compare.csv_import import import_cases
from compare.csv_mapping import is_applied
from compare.csv_rows import preview
from compare.matching import citations, contains, folded, numbers_in
from ui.check_list import EXAMPLES

SCHEMA = """{"type": "object", "properties": {"queue": {"enum": ["billing", "damage"]}},
 "required": ["queue"], "additionalProperties": false}"""
VOICE = Voice(
    openers=("Good news!", "A word:"), closers=("Bye!",), wanted=("tea",), banned=("regret",), max_words=9
)
SCENARIO = Scenario(name="s", path=Path(), title="", story="", system_prompt="", schema=SCHEMA, voice=VOICE)
PASSAGES = tuple(
    Passage(number=number, source=source, chunk_id=str(number), text="", cosine=0.5)
    for number, source in ((1, "warranty.md"), (2, "pricing.md"))
)


def judge(checks: str, answer: str, *, expected: str = "", source: str = "warranty.md") -> CheckResult:
    case = Case(
        id="1", query="q", checks=checks, expected=expected, source=source, labels=("billing", "refund")
    )
    (result,) = run_checks(case, answer, PASSAGES, SCENARIO)
    return result


PASS, FAIL, UNSCORED = "pass", "fail", "unscored"


@pytest.mark.parametrize(
    ("check", "answer", "result"),
    [
        ("exact: Varnholm", " Varnholm\n", PASS),
        ("exact: Varnholm", "varnholm", FAIL),
        ("exact: Varnholm", "Varnholm.", FAIL),
        (r"exact: a\; b", "a; b", PASS),
        ("iexact: varn  holm", "VARN HOLM", PASS),
        ("contains_all: 2-year | hardware", "A 2‑year HARDWARE warranty.", PASS),
        ("contains_all: 2-year | hardware", "A 12-year hardware warranty.", FAIL),
        ("contains_all: 2", "It is 2.", PASS),
        ("contains_all: 2", "It is 12.", FAIL),
        ("contains_all: 2", "It is 2.5.", FAIL),
        ("contains_all: 2", "It is 1,200.", FAIL),
        ("contains_all: 2", "It opens at 3:02 or 2:30.", FAIL),
        ("contains_all: 2", "It is so [2].", FAIL),
        ("contains_all: [2]", "It is so [2].", PASS),
        ("contains_all: $6.40", "It costs $6.40.", PASS),
        ("contains_all: pro", "The professional plan", FAIL),
        ("contains_all: don't know", "I don’t know.", PASS),
        ("contains_all: 保修", "两年保修期", PASS),
        (r"contains_all: a\|b", "a|b", PASS),
        ("contains_any: 3:10 | 03:10", "At 03:10 sharp", PASS),
        ("contains_any: 3:10 | 03:10", "At 13:10", FAIL),
        ("not_contains: Plus | Solo", "The Pro plan", PASS),
        ("not_contains: Plus | Solo", "Not the SOLO plan", FAIL),
        ("lines: Plan = short walks | Next = 5 days", "plan: daily short walks\nNext: in 5 days", PASS),
        ("lines: Plan = short walks | Next = 5 days", "Plan: rest\nNext: 5 days, short walks", FAIL),
        ("lines: Plan = short walks", "short walks", FAIL),
        (r"lines: Plan = a \| b", "Plan: a | b", PASS),
        ("lines: Plan", "Plan: rest", UNSCORED),
        (r"regex: \b49 euros?\b", "It is 49 euro.", PASS),
        (r"regex: ^a;b|c$", "a;b", PASS),
        ("regex: ^$", "x", FAIL),
        ("number: 49 ± 0.5", "About 49.4 euros", PASS),
        ("number: 49 ± 0.5", "About 49.6 euros", FAIL),
        ("number: 49 ± 2 %", "About 49.9 euros", PASS),
        ("number: 49 +- 1", "50", PASS),
        ("number: 6.40", "It is $6.4 [1].", PASS),
        ("number: 1", "See passage [1].", FAIL),
        ("number: 1250", "It is 1,250 in all.", PASS),
        ("number: 10", "At 3:10.", FAIL),
        ("number: 2", "Only -2.", FAIL),
        ("number: -2", "Only −2.", PASS),
        ("number: 2", "A 2-year plan", PASS),
        ("number: 2", "two", FAIL),
        ("label: billing", "Billing.", PASS),
        ("label: billing", '{"queue": "billing", "priority": "high"}', PASS),
        ("label: billing", '{"queue": "damage"}', FAIL),
        ("label: billing", "This is a billing matter.", PASS),
        ("label: billing", "Either billing or damage.", FAIL),
        ("label: billing", "Either billing or refund.", FAIL),
        ("label: billing", "No idea.", FAIL),
        ("json", '{"a": [1, null]}', PASS),
        ("json", 'Sure: {"a": 1}', FAIL),
        ("json", '```json\n{"a": 1}\n```', FAIL),
        ("json", '{"a": NaN}', FAIL),
        ("json", '{"a": 1, "a": 2}', FAIL),
        ("json", "[" * 100_000, FAIL),
        ("json", "", FAIL),
        ("json_schema: @schema", '{"queue": "billing"}', PASS),
        ("json_schema: @schema", '{"queue": "sales"}', FAIL),
        ("json_schema: @schema", "billing", FAIL),
        ('json_schema: {"type": "array"}', "[]", PASS),
        ('json_schema: {"$ref": "http://127.0.0.1:9/x"}', "[]", UNSCORED),
        ("citation", "Two years [1].", PASS),
        ("citation", "Two years [1, 2].", PASS),
        ("citation", "Two years [2].", FAIL),
        ("citation", "Two years [1][3].", FAIL),
        ("citation", "Two years.", FAIL),
        ("max_words: 3", "one two three", PASS),
        ("max_words: 3", "one two three four", FAIL),
        ("unheard_of: 3", "anything", UNSCORED),
        ("number: many", "anything", UNSCORED),
        ("regex: (", "anything", UNSCORED),
        ("max_words: 0", "anything", UNSCORED),
        ("voice: @voice", "good news!  The TEA is here. Bye!", PASS),
        ("voice: @voice", "Well, good news! The tea is here. Bye!", FAIL),
        ("voice: @voice", "A word: the tea is here. Bye! Really.", FAIL),
        ("voice: @voice", "A word: the team is here. Bye!", FAIL),
        ("voice: @voice", "A word: we regret the tea. Bye!", FAIL),
        ("voice: @voice", "A word: one two three four five six tea. Bye!", FAIL),
        ("voice: friendly", "Good news! Tea. Bye!", UNSCORED),
        ("json: yes", "{}", UNSCORED),
        ("json_schema: 3", "{}", UNSCORED),
        ("contains_all:", "anything", UNSCORED),
    ],
)
def test_a_check_finds_what_it_should(check: str, answer: str, result: str) -> None:
    found = judge(check, answer)
    assert found.result == result, found
    assert found.reason
    assert found.name == check.split(":")[0]


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ('{"queue": "billing", "n": 2.0, "more": 1}', PASS),
        ('{"queue": "Billing", "n": 2}', FAIL),
        ('{"queue": "billing", "n": true}', FAIL),
        ('{"queue": "billing"}', FAIL),
        ("billing", UNSCORED),
        ('["billing"]', UNSCORED),
    ],
)
@pytest.mark.parametrize("check", ["", "json_fields: queue, n", "json_fields:"])
def test_fields_are_compared_with_expected(check: str, answer: str, result: str) -> None:
    assert judge(check, answer, expected='{"queue": "billing", "n": 2}').result == result


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("It is about Pro.\nAnswer: Two years.", "Two years."),
        ("Answer: no. Answer:\n\nTwo\nyears", "Two\nyears"),
        ('About billing.\n{"queue": "billing"}\n', '{"queue": "billing"}'),
        ("Two years.", "Two years."),
        ("", ""),
    ],
)
def test_the_final_answer_is_what_follows_the_reasoning(text: str, said: str) -> None:
    assert final_answer(text) == said


def test_fields_without_a_json_expected_are_unscored() -> None:
    assert judge("json_fields: queue", '{"queue": 1}', expected="billing").result == UNSCORED
    assert judge("json_fields: other", '{"queue": 1}', expected='{"queue": 1}').result == UNSCORED


def test_a_citation_without_a_gold_source_is_unscored() -> None:
    assert judge("citation", "[1]", source="").result == UNSCORED


def test_expected_text_without_checks_must_be_contained() -> None:
    found = judge("", "It is a 2-year | hardware warranty.", expected="2-year | hardware warranty")
    assert (found.name, found.result) == ("contains_all", PASS)


def test_a_case_without_checks_and_expected_has_no_results() -> None:
    assert run_checks(Case(id="1", query="q"), "anything", (), SCENARIO) == ()


def test_content_and_format_are_told_apart() -> None:
    names = parse_checks(
        "json; json_schema: @schema; max_words: 3\nregex: format: ^a\nregex: a; number: 1\nexact: a"
    )
    assert [check.kind for check in names if not isinstance(check, CheckProblem)] == [
        *["format"] * 4,
        *["content"] * 2,
    ]


def test_checks_stand_one_a_line_or_between_semicolons_and_a_pattern_takes_its_line() -> None:
    cell = "\n number: 1 ; contains_all: a\\;b | c ;; json\nregex: a;b\n"
    assert [check.name for check in parse_checks(cell)] == ["number", "contains_all", "json", "regex"]


def test_an_unknown_check_is_named_with_the_known_ones() -> None:
    (problem,) = parse_checks("contain: x")
    assert isinstance(problem, CheckProblem)
    assert all(name in problem.reason for name in CHECKS)


def test_an_argument_that_python_refuses_is_a_problem_and_no_crash() -> None:
    (problem,) = parse_checks(f"max_words: {'9' * 5000}")
    assert isinstance(problem, CheckProblem)


def test_a_pattern_that_searches_for_ever_is_unscored_in_time() -> None:
    started = time.perf_counter()
    found = judge(r"regex: ^(a|aa|a?)+$", "a" * 5000 + "b")
    assert found.result in (UNSCORED, FAIL)
    assert time.perf_counter() - started < 10


@given(st.text(max_size=60), st.sampled_from(sorted(CHECKS)), st.text(max_size=20))
def test_no_answer_and_no_argument_breaks_a_check(answer: str, name: str, argument: str) -> None:
    case = Case(id="1", query="q", checks=f"{name}: {argument}", expected='{"a": 1}', source="warranty.md")
    assert not any("broke" in found.reason for found in run_checks(case, answer, PASSAGES, SCENARIO))


@given(st.text(min_size=1, max_size=30))
def test_a_text_contains_itself(text: str) -> None:
    if folded(text) and not citations(text):
        assert contains(text, text)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_number_is_only_contained_as_itself(one: int, other: int) -> None:
    assert contains(f"It is {one}.", str(other)) == (one == other)


@given(st.floats(-1e6, 1e6).map(lambda value: round(value, 3)))
def test_a_written_number_is_found(value: float) -> None:
    assert numbers_in(f"It is {value:,.3f}, says he.") == pytest.approx((value,))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("[1] [2, 3]", (1, 2, 3)), ("[1–3]", (1, 2, 3)), ("[2024] [x] 1", ()), ("[1][1]", (1, 1))],
)
def test_citations_are_found_in_their_spellings(text: str, numbers: tuple[int, ...]) -> None:
    assert citations(text) == numbers


def likeness(check: str, answer: str, expected: str, vectors: list[list[float]] | None = None) -> CheckResult:
    """The result of one check of likeness; ``vectors`` are what the embedding model gives."""
    case = Case(id="1", query="q", expected=expected, checks=check)
    embed = None if vectors is None else lambda texts: np.array(vectors, dtype=np.float32)
    (result,) = run_checks(case, answer, PASSAGES, SCENARIO, embed)
    return result


@pytest.mark.parametrize(
    ("answer", "expected", "score"),
    [
        ("the cat sat on the mat", "the cat sat on the mat", "1.00"),
        ("The cat, sat!", "the cat sat", "1.00"),
        (
            "police kill the gunman",
            "police killed the gunman",
            "0.75",
        ),  # Lin 2004, section 3
        ("the gunman kill police", "police killed the gunman", "0.50"),  # the same, S3
        ("something else", "police killed the gunman", "0.00"),
        ("", "police killed the gunman", "0.00"),
    ],
)
def test_rouge_l_gives_the_published_example(answer: str, expected: str, score: str) -> None:
    result = likeness("rouge_l: 0.6", answer, expected)
    assert f"ROUGE-L {score}" in result.reason
    assert result.result == ("pass" if float(score) >= 0.6 else "fail")


def test_similarity_is_the_cosine_of_the_embeddings() -> None:
    assert likeness("similarity: 0.8", "a", "b", [[1, 0], [0.6, 0.8]]).result == "fail"
    near = likeness("similarity: 0.6", "a", "b", [[1, 0], [0.6, 0.8]])
    assert (near.result, near.reason) == ("pass", "cosine 0.60, at least 0.6 is wanted")
    assert likeness("similarity: 0.5", "  ", "b", [[1, 0], [1, 0]]).result == "fail"


@pytest.mark.parametrize(
    ("check", "expected", "reason"),
    [
        ("similarity: 0.8", "b", "no embedding model"),
        ("similarity: 0.8", "", "no expected answer"),
        ("rouge_l: 0.8", "", "no expected answer"),
        ("rouge_l: 0.8", "?!", "has no words"),
        ("rouge_l: 8", "b", "needs a number from 0 to 1"),
        ("similarity: much", "b", "needs a number from 0 to 1"),
    ],
)
def test_what_cannot_be_compared_is_unscored(check: str, expected: str, reason: str) -> None:
    result = likeness(check, "a", expected)
    assert result.result == "unscored"
    assert reason in result.reason


def test_the_template_shows_every_check_and_has_no_bad_row() -> None:
    seen = preview((ROOT / "scenarios" / "template.csv").read_bytes())
    assert is_applied(seen.mapping)
    found = import_cases(seen, seen.mapping)
    assert found.problems == []
    shown = {name.strip() for case in found.cases for name in re.findall(r"(?m)(?:^|;)\s*(\w+)", case.checks)}
    assert set(CHECKS) <= shown
    assert set(EXAMPLES) == set(CHECKS)
    for example, _ in EXAMPLES.values():
        assert not any(isinstance(check, CheckProblem) for check in parse_checks(example))
