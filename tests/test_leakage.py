"""Leaks by hand-made examples: the same question, nearly so, the same meaning, its words in a document."""

import numpy as np
import pytest

from backends.training.examples import Example
from compare.cases import Case
from compare.leakage import (
    LETTERS_ONLY,
    SAME_MEANING,
    WORDS_IN_A_ROW,
    Leak,
    knowledge_leaks,
    training_leaks,
    worth_embedding,
)

CASE = Case(id="pro", query="How long is the warranty of the Pro plan?")


def examples(*queries: str) -> list[Example]:
    return [Example(line=line, query=query, answer="Two years.") for line, query in enumerate(queries, 5)]


def unit(*values: float) -> np.ndarray:
    vector = np.array(values, dtype=np.float32)
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("how long is  the warranty of the PRO plan?", "exact"),
        ("How long is the warranty of the Pro plan", "near"),
        ("How long is the guaranty of the Pro plan?", "near"),
        ("How long is the warranty of the Duo plan?", None),
        ("How long is the warranty of Pro plan 2?", None),
        ("Which warranty does the Pro plan come with?", None),
    ],
)
def test_a_question_that_was_trained_on_is_told_from_one_like_it(query: str, kind: str | None) -> None:
    found = training_leaks([CASE], examples("Is Duo cheaper?", query))
    assert [(leak.kind, leak.line) for leak in found.leaks] == ([(kind, 6)] if kind else [])
    assert found.note == LETTERS_ONLY


def test_vectors_find_what_letters_do_not() -> None:
    asked, same, other = "Which warranty comes with Pro?", "Is Pro covered?", "Is Duo covered?"
    far = "How is Pro paid?"
    below = np.sqrt(1 - (SAME_MEANING - 0.01) ** 2)
    vectors = {
        asked: unit(1, 0),
        same: unit(SAME_MEANING + 0.01, np.sqrt(1 - (SAME_MEANING + 0.01) ** 2)),
        other: unit(1, 0),
        far: unit(SAME_MEANING - 0.01, below),
    }
    found = training_leaks([Case(id="a", query=asked)], examples(same, other, far, "Not embedded"), vectors)
    assert found.note == ""
    assert [(leak.text, leak.kind) for leak in found.leaks] == [(same, "near")]
    assert found.leaks[0].likeness == pytest.approx(SAME_MEANING + 0.01, abs=1e-6)
    assert training_leaks([CASE], examples(CASE.query), {}).leaks[0].kind == "exact"


def test_only_questions_that_share_numbers_and_names_are_worth_embedding() -> None:
    cases = [Case(id="a", query="Is Pro covered for 2 years?"), Case(id="b", query="Is it covered?")]
    known = examples("For 2 years, is it Pro that is covered?", "Is Duo covered?", "And so on?", "And so on?")
    assert worth_embedding(cases, known) == [
        "Is Pro covered for 2 years?",
        "Is it covered?",
        "For 2 years, is it Pro that is covered?",
        "And so on?",
    ]
    assert worth_embedding([], known) == worth_embedding(cases, []) == []


def test_knowledge_that_holds_the_answer_is_no_leak_but_the_question_in_it_is() -> None:
    words = ["my", "hub", "died", "after", "a", "year", "am", "i", "covered"]
    assert len(words) == WORDS_IN_A_ROW + 1
    cases = [
        Case(id="whole", query=f"Well, {' '.join(words).capitalize()}?"),
        Case(id="short", query=" ".join(words[: WORDS_IN_A_ROW - 1])),
        Case(id="mixed", query=" ".join(reversed(words))),
    ]
    documents = {
        "faq.md": "# FAQ\n\n**My hub died after a year - am I** covered? Yes, two years.",
        "b.md": "Two",
    }
    found = knowledge_leaks(cases, documents)
    assert found.leaks == (
        Leak(
            case="whole",
            kind="verbatim",
            where="knowledge",
            text=" ".join(words[:WORDS_IN_A_ROW]),
            likeness=1.0,
            source="faq.md",
        ),
    )
    assert found.note == ""
