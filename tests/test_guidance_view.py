"""The questions before data and the matrix of claims on the screen, over the real store and files."""

import pytest
from streamlit.testing.v1 import AppTest

from backends.engine import factory
from backends.settings import settings
from compare.guidance_answers import answers_file, keep_answers, load_answers
from compare.guidance_questions import QUESTIONS
from compare.store import store
from tests.screens import texts

FACTS = "support-facts"


def guidance_page() -> None:
    from backends.scenario import load_scenario
    from ui.guidance_view import guidance_view

    found = guidance_view(load_scenario("support-facts"), "guide")
    import streamlit as st

    st.text(f"lever: {found and found.lever}")


def claims_page() -> None:
    from backends.scenario import load_scenario
    from compare.run_measures import measure
    from ui.claims_view import claims_view
    from ui.resources import get_store

    lines = get_store().measured_runs()
    found = measure(get_store().stored_run(lines[0].id), {}) if lines else None
    claims_view(load_scenario("support-facts"), found, {"rag": 0.03}, "claims")


def opened() -> AppTest:
    page = AppTest.from_function(guidance_page, default_timeout=60).run()
    assert not page.exception
    return page


def answer(page: AppTest, question: str, said: str | None) -> AppTest:
    page.selectbox(key=f"guide_{FACTS}_{question}").set_value(said).run()
    assert not page.exception
    return page


def test_answers_lead_to_a_lever_and_are_kept() -> None:
    page = opened()
    assert "lever: None" in texts(page)
    assert "Answer “How much must it know of yours" in texts(page).replace("\\", "")
    assert len(page.selectbox) == len(QUESTIONS)
    for question, said in (("size", "more"), ("sources", "must"), ("form", "free")):
        answer(page, question, said)
    assert "lever: retrieval" in texts(page)
    assert "arxiv.org/abs/2005.11401" in texts(page)
    assert load_answers(FACTS).answers == {"size": "more", "sources": "must", "form": "free"}
    assert "lever: retrieval" in texts(opened())  # another session
    answer(page, "form", None)
    assert "lever: None" in texts(page)
    assert load_answers(FACTS).answers == {"size": "more", "sources": "must"}


def test_two_sessions_keep_each_other_s_answers() -> None:
    one, other = opened(), opened()
    answer(one, "size", "more")
    answer(other, "form", "free")
    assert load_answers(FACTS).answers == {"size": "more", "form": "free"}


def test_forgetting_the_answers_empties_the_form_and_the_file() -> None:
    keep_answers(FACTS, {"size": "fits", "form": "free"})
    page = opened()
    assert "lever: long_context" in texts(page)
    page.button(key=f"guide_{FACTS}_size_forget").click().run()
    assert "lever: None" in texts(page)
    assert {box.value for box in page.selectbox} == {None}
    assert not answers_file(FACTS).exists()


def test_conflicts_and_a_broken_file_are_told() -> None:
    keep_answers(FACTS, {"changes": "daily", "form": "free", "privacy": "no_lookup"})
    assert ["goes stale" in warning.value for warning in opened().warning] == [True]
    answers_file(FACTS).write_text("{")
    page = opened()
    assert len(page.warning) == 1
    assert "read" in page.warning[0].value
    answer(page, "form", "format")
    assert load_answers(FACTS).answers == {"form": "format"}


def test_answers_that_cannot_be_kept_are_a_sentence() -> None:
    page = opened()
    answers_file(FACTS).parent.parent.mkdir(parents=True, exist_ok=True)
    answers_file(FACTS).parent.write_text("a file where a folder belongs")
    answer(page, "size", "more")
    assert ["be kept" in toast.value for toast in page.toast] == [True]


@pytest.fixture
def own_store():
    """The process's store and engine of this test's data folder; the engine never starts."""
    for single in (settings, factory._build, store):
        single.cache_clear()
    yield store()
    store().close()
    for single in (settings, factory._build, store):
        single.cache_clear()


def test_the_matrix_says_what_to_run_for_the_approaches_that_are_chosen(own_store) -> None:
    page = AppTest.from_function(claims_page, default_timeout=60).run()
    assert not page.exception
    said = texts(page).replace("\\", "")
    for title in ("Setup time", "Ongoing cost", "Latency", "Freshness", "Consistency", "Style", "Expertise"):
        assert f"**{title}**" in said
    assert "Climb to RAG + LoRA." in said
    assert "(https://arxiv.org/abs/2312.05934)" in said
    page.multiselect(key="claims_lanes").set_value(["json_mode"]).run()
    said = texts(page).replace("\\", "")
    assert "A schema makes the format certain" in said
    assert "RAG + LoRA" not in said
    page.multiselect(key="claims_lanes").set_value([]).run()
    assert "Choose an approach" in texts(page)
    assert not page.exception
