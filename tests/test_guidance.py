"""What published guidance expects: typical teams, and that every row of its tables can matter."""

from collections.abc import Mapping
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.settings import settings
from compare import guidance
from compare.guidance import SIDES, Expectation, expectation, lever_of, ranked
from compare.guidance_answers import answers_file, keep_answers, load_answers
from compare.guidance_levers import LANES, Bar, Rule
from compare.guidance_questions import BY_KEY, QUESTIONS
from compare.guidance_rules import BARS, CONFLICTS, RULES
from compare.guidance_words import TESTS, beside_the_verdict, details, headline

ROWS = (*RULES, *BARS)
ANSWERS = st.fixed_dictionaries({}, optional={q.key: st.sampled_from(list(q.options)) for q in QUESTIONS})
SUPPORT = {"size": "more", "changes": "daily", "sources": "must", "form": "free"}
"""A support desk: facts that change, to be cited."""
VOICE = {"size": "none", "form": "voice", "examples": "many", "stable": "yes"}


@pytest.mark.parametrize(
    ("team", "lever"),
    [
        ({"size": "none", "form": "free", "general": "yes"}, "prompting"),
        ({"size": "none", "form": "format", "examples": "few"}, "better_prompt"),
        ({"size": "none", "form": "voice", "examples": "none"}, "better_prompt"),
        ({"size": "fits", "changes": "never", "form": "free"}, "long_context"),
        ({"size": "under_200k", "changes": "daily", "form": "free"}, "long_context"),
        ({"size": "fits", "sources": "must", "form": "free"}, "retrieval"),
        (SUPPORT, "retrieval"),
        ({**SUPPORT, "latency": "tight", "volume": "high"}, "retrieval"),
        ({"size": "huge", "changes": "monthly", "form": "free", "privacy": "on_premise"}, "retrieval"),
        (VOICE, "fine_tuning"),
        ({"size": "none", "form": "format", "volume": "high", "examples": "many"}, "fine_tuning"),
        ({"size": "none", "form": "free", "smaller": "yes", "examples": "many"}, "fine_tuning"),
        ({**SUPPORT, "form": "both", "examples": "many", "terms": "many"}, "both"),
        ({"size": "more", "changes": "monthly", "form": "voice", "examples": "some"}, "both"),
        ({"size": "more", "form": "voice", "examples": "none"}, "retrieval"),
    ],
)
def test_what_guides_expect_of_typical_teams(team: dict[str, str], lever: str) -> None:
    assert expectation(team).lever == lever


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.question}-{row.answers[0]}")
def test_every_row_can_change_what_is_expected(row: Rule | Bar, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = Random(0)
    teams = [
        {row.question: answer, **_some(chance, row.question)} for answer in row.answers for _ in range(400)
    ]
    with_it = [ranked(team)[0] for team in teams]
    monkeypatch.setattr(guidance, "RULES", tuple(rule for rule in RULES if rule is not row))
    monkeypatch.setattr(guidance, "BARS", tuple(bar for bar in BARS if bar is not row))
    assert [ranked(team)[0] for team in teams] != with_it


def _some(chance: Random, without: str) -> dict[str, str]:
    """Answers to up to five other questions."""
    asked = chance.sample(
        [question for question in QUESTIONS if question.key != without], chance.randint(1, 5)
    )
    return {question.key: chance.choice(list(question.options)) for question in asked}


def test_every_row_names_answers_that_can_be_given_and_a_source() -> None:
    for row in ROWS:
        assert set(row.answers) <= set(BY_KEY[row.question].options)
        assert row.because.endswith(".")
        assert row.source.title
        assert row.source.address.startswith("https://")
    for rule in RULES:
        assert 0 < len(set(rule.met_by)) < len(LANES)
    for conflict in CONFLICTS:
        assert all(set(said) <= set(BY_KEY[key].options) for key, said in conflict.answers.items())
    assert {row.question for row in ROWS} == set(BY_KEY)
    assert set(TESTS) <= set(BY_KEY)


@given(ANSWERS)
def test_any_answers_give_a_lever_or_say_that_it_is_too_little(answers: dict[str, str]) -> None:
    found = expectation(answers)
    enough = all(set(side) & set(answers) for side in SIDES)
    assert (found.lever is not None) == enough
    assert set(found.missing) == set(BY_KEY) - set(answers)
    assert found.ask_next is None or found.ask_next.key in found.missing
    if not enough:
        assert found.ask_next is not None
        assert headline(found).startswith("Too little is said")
        assert found.ask_next.text in headline(found)
    barred = {lever for reason in found.reasons if reason.barred for lever in reason.levers}
    assert not barred & set(found.levers)
    assert details(found)


@given(ANSWERS, st.randoms(use_true_random=False))
def test_the_order_of_answers_means_nothing(answers: dict[str, str], chance: Random) -> None:
    order = list(answers)
    chance.shuffle(order)
    assert expectation({key: answers[key] for key in order}) == expectation(answers)


@given(ANSWERS)
def test_the_question_to_ask_next_can_change_the_lever(answers: dict[str, str]) -> None:
    found = expectation(answers)
    if found.lever is None or found.ask_next is None:
        return
    after = {expectation({**answers, found.ask_next.key: said}).lever for said in found.ask_next.options}
    assert after != {found.lever}


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"changes": "daily", "privacy": "no_lookup"}, "goes stale"),
        ({"sources": "must", "privacy": "no_lookup"}, "nothing to cite"),
        ({"sources": "must", "size": "none"}, "nothing of yours to cite"),
        ({"changes": "daily", "size": "none"}, "tells the new"),
        ({"smaller": "yes", "examples": "few"}, "too few examples"),
        ({"smaller": "yes", "general": "yes"}, "other tasks worse"),
        ({"form": "voice", "stable": "no"}, "still changes"),
    ],
)
def test_answers_that_do_not_go_together_are_told(answers: dict[str, str], said: str) -> None:
    (sentence,) = expectation(answers).conflicts
    assert said in sentence
    assert not expectation(SUPPORT).conflicts


def test_what_no_question_knows_counts_for_nothing() -> None:
    assert expectation({**SUPPORT, "colour": "red", "terms": "maybe"}) == expectation(SUPPORT)


def test_reasons_say_what_the_expected_lever_leaves_open() -> None:
    found = expectation({**SUPPORT, "form": "format", "examples": "none"})
    assert found.lever == "retrieval"
    assert [reason.question.key for reason in found.left_open] == ["form"]
    assert headline(found) == "Published guidance expects retrieval."
    assert "It leaves open: the format of answers." in details(found)
    assert [reason.barred for reason in found.reasons if reason.question.key == "examples"] == [True]


def test_a_lever_that_lacks_what_must_be_is_not_called_enough() -> None:
    assert headline(expectation(SUPPORT)) == "Published guidance expects retrieval to be enough."
    said = headline(expectation({**SUPPORT, "privacy": "no_lookup"}))
    assert said == "No lever within reach meets all that you need; prompting comes nearest."


def test_every_backend_but_the_controls_pulls_a_lever() -> None:
    assert lever_of("lora@2+support-facts/3") == "fine_tuning"
    assert [lever_of(lane) for lane in ("oracle", "shuffled")] == [None, None]


RETRIEVAL, TUNING = expectation(SUPPORT), expectation(VOICE)


@pytest.mark.parametrize(
    ("found", "verdict", "said"),
    [
        (RETRIEVAL, ("choose", ["rag"], True), "Guides expect retrieval, and the measurement agrees."),
        (RETRIEVAL, ("choose", ["rag"], False), "agrees. It was not shown good enough yet"),
        (RETRIEVAL, ("choose", ["hybrid"], True), "together is needed to reach the bar. The"),
        (RETRIEVAL, ("choose", ["hybrid"], False), "together did best. The measurement wins"),
        (RETRIEVAL, ("choose", ["prompt"], True), "prompting is enough on your own questions"),
        (RETRIEVAL, ("choose", ["prompt"], True), "the knowledge-change drill and add the check “citation”"),
        (RETRIEVAL, ("tie", ["prompt", "rag"], True), "the measurement agrees"),
        (RETRIEVAL, ("narrowed", ["prompt", "rag"], False), "on the measured shortlist"),
        (RETRIEVAL, ("narrowed", ["lora", "hybrid"], False), "left is fine-tuning and retrieval and fine"),
        (RETRIEVAL, ("none_works", [], False), "nothing measured reaches the bar. The measurement wins"),
        (RETRIEVAL, ("cannot_tell", ["prompt", "rag"], False), "neither confirm nor refute"),
        (RETRIEVAL, ("choose", ["oracle"], True), "neither confirm nor refute"),
        (TUNING, ("choose", ["few_shot"], True), "a better prompt is enough on your own questions"),
        (TUNING, ("choose", ["few_shot"], True), "add format checks to the cases"),
        (expectation({}), ("choose", ["rag"], True), "Too little is said"),
    ],
)  # fmt: skip
def test_beside_the_verdict(found: Expectation, verdict: tuple[str, list[str], bool], said: str) -> None:
    assert said in beside_the_verdict(found, *verdict)


def test_an_expected_lever_that_was_not_measured_is_missing() -> None:
    said = beside_the_verdict(RETRIEVAL, "choose", ["prompt"], True, asked=("prompt", "few_shot"))
    assert said == (
        "Guides expect retrieval, which was not measured here. Climb to RAG before you settle on anything."
    )
    assert "is enough" in beside_the_verdict(RETRIEVAL, "choose", ["prompt"], True, asked=("prompt", "rag+2"))


def test_answers_are_kept_for_each_scenario() -> None:
    assert load_answers("a").answers == {}
    keep_answers("a", SUPPORT)
    keep_answers("b", VOICE)
    assert (load_answers("a").answers, load_answers("b").answers) == (SUPPORT, VOICE)
    assert answers_file("a") == settings().data_dir / "decide" / "a.json"
    keep_answers("a", {})
    assert (load_answers("a").answers, answers_file("a").exists()) == ({}, False)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"size":', "[" * 100_000, "\x00\xff"])
def test_a_broken_file_is_a_sentence_and_no_answers(text: str) -> None:
    answers_file("a").parent.mkdir(parents=True)
    answers_file("a").write_bytes(text.encode("latin-1"))
    found = load_answers("a")
    assert found.answers == {}
    assert found.problem == "The answers in a.json can't be read. Answer the questions again."


def test_answers_of_another_version_are_left_out() -> None:
    odd: Mapping[str, str] = {"size": "more", "form": "sung", "colour": "red"}
    keep_answers("a", odd)
    assert load_answers("a").answers == {"size": "more"}
    answers_file("a").write_text('{"size": 3, "form": ["free"], "terms": "no"}')
    assert load_answers("a").answers == {"terms": "no"}


def test_a_reason_is_met_by_the_lever_that_is_expected() -> None:
    for reason in RETRIEVAL.reasons:
        assert reason.barred or reason.met == ("retrieval" in reason.levers)
    assert replace(RETRIEVAL, levers=()).lever is None
