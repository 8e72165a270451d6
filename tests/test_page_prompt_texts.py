"""The editor of a scenario's prompt texts and the lanes that use them, on the real page."""

import json
from dataclasses import replace

import pytest
from jsonschema import validate
from streamlit.testing.v1 import AppTest

from backends.registry import registry
from backends.scenario import FewShot, PromptTexts, load_scenario
from compare.store import store
from tests.screens import (  # noqa: F401
    QUESTION,
    app_process,
    app_settings,
    ask,
    followed,
    open_page,
    own_data_folder,
    texts,
)
from ui.controls import applicable
from ui.prompt_texts import difference

SCENARIO = "support-facts"


@pytest.fixture
def page() -> AppTest:
    page = open_page()
    page.session_state["max_tokens"] = 12
    return page


def edit(page: AppTest, text: str) -> AppTest:
    return page.text_area(key=f"system_{SCENARIO}").set_value(text).run()


def said(page: AppTest) -> str:
    """All that the page says, without Markdown's backslashes."""
    return texts(page).replace("\\", "")


def version(texts: PromptTexts) -> int:
    return {v.texts: v.number for v in store().texts_versions(SCENARIO)}[texts]


def test_an_older_version_answers_beside_the_edited_one(page: AppTest) -> None:
    ask(page)
    first = followed(page).texts_version
    edit(page, "Answer in verse.")
    page.session_state[f"compared_{SCENARIO}"] = [first]
    ask(page.run())
    view = followed(page)
    assert view.backends == ("prompt", "rag", "lora", "hybrid", f"prompt@{first}")
    older, now = (view.lane(name)[0].answer for name in (f"prompt@{first}", "prompt"))
    assert older is not None
    assert now is not None
    assert "Answer in verse." in now.rendered
    assert "Answer in verse." not in older.rendered
    assert f"Prompt, version {first}" in said(page)
    assert "Follows an older version of the instructions." in said(page)


def test_a_version_can_be_compared_and_taken_back(page: AppTest) -> None:
    own = load_scenario(SCENARIO).texts
    ask(page)
    followed(page)
    edit(page, "Answer in rhyme.")
    page.selectbox(key=f"looked_at_{SCENARIO}").set_value(version(own)).run()
    (shown,) = [code.value for code in page.code if code.language == "diff"]
    assert "+Answer in rhyme." in shown
    assert "-You are the support assistant of Tessel." in shown
    page.session_state[f"compared_{SCENARIO}"] = [version(own)]
    page.button(key=f"take_{SCENARIO}").click().run()
    assert not page.exception
    assert page.text_area(key=f"system_{SCENARIO}").value == own.system
    assert f"This is version {version(own)}." in said(page)
    ask(page)
    assert followed(page).backends == ("prompt", "rag", "lora", "hybrid")


def test_reasoning_and_answer_form_are_kept_with_the_version(page: AppTest) -> None:
    page.text_area(key=f"cot_{SCENARIO}").set_value("Think twice. ")
    page.text_area(key=f"schema_{SCENARIO}").set_value(' {"type": "object"} ')
    ask(page.run())
    view = followed(page)
    own = load_scenario(SCENARIO).texts
    assert view.texts == replace(own, cot="Think twice.", schema='{"type": "object"}')
    assert store().load_run(view.id).texts == view.texts


def test_examples_survive_a_look_at_another_scenario_and_presenter_mode(page: AppTest) -> None:
    kept = [{"user": "One?", "assistant": "1"}]
    page.session_state[f"shots_now_{SCENARIO}"] = kept
    page.session_state["scenario"] = "ticket-routing"
    page.run()
    page.session_state["scenario"] = SCENARIO
    page.run()
    page.session_state["presenter"] = True
    page.run()
    page.session_state["presenter"] = False
    ask(page.run())
    assert followed(page).texts.few_shot == (FewShot(user="One?", assistant="1"),)


def test_without_examples_there_is_a_row_to_begin_with(page: AppTest) -> None:
    own = load_scenario(SCENARIO).texts
    store().texts_version(SCENARIO, replace(own, few_shot=()))
    page.run()
    page.selectbox(key=f"looked_at_{SCENARIO}").set_value(version(replace(own, few_shot=()))).run()
    page.button(key=f"take_{SCENARIO}").click().run()
    assert page.session_state[f"shots_{SCENARIO}"] == [{"user": "", "assistant": ""}]
    ask(page)
    assert followed(page).texts.few_shot == ()


@pytest.mark.parametrize("schema", ["[" * 100_000, '{"a":' * 50_000])
def test_a_schema_nested_too_deeply_is_a_sentence(page: AppTest, schema: str) -> None:
    page.text_area(key=f"schema_{SCENARIO}").set_value(schema).run()
    assert not page.exception
    assert "This is not a JSON schema yet" in said(page)


def test_a_schema_that_is_no_json_is_named_while_it_is_typed_and_when_it_is_asked_with(page: AppTest) -> None:
    page.text_area(key=f"schema_{SCENARIO}").set_value("{").run()
    assert "This is not a JSON schema yet" in said(page)
    ask(page)
    assert "The JSON schema can't be used" in said(page)
    assert not page.exception


def test_every_lever_answers_where_the_scenario_has_what_it_needs(page: AppTest) -> None:
    page.session_state["scenario"] = "ticket-routing"
    page.session_state["lanes_asked"] = list(registry())
    page.session_state["max_tokens"] = 80
    ask(page.run(), "My bike has a flat tyre.")
    view = followed(page)
    assert view.backends == tuple(registry())
    status = {name: view.lane(name)[0].status for name in view.backends}
    untrained = {"lora", "lora_short", "hybrid"}  # none of its adapters is in the tests' copy
    too_long = {"long_context"}  # the tiny model's tokens are short
    no_case = {"oracle", "shuffled"}  # nobody knows the sources of a free question
    failing = untrained | too_long | no_case
    assert status == {name: "failed" if name in failing else "done" for name in registry()}
    assert "Nobody knows which passage holds the answer" in said(page)
    assert "All documents together take" in said(page)
    held = view.lane("json_mode")[0]
    validate(json.loads(held.text), json.loads(view.texts.schema or ""))
    assert "How to reason" not in said(page)
    page.button(key="saw_cot").click().run()
    assert "How to reason" in said(page)


def test_lanes_without_what_they_need_are_left_out() -> None:
    asked = ("prompt", "few_shot", "cot", "json_mode")
    assert applicable(asked, PromptTexts()) == ("prompt",)
    assert applicable(asked, PromptTexts(cot="Think.", schema="{}")) == ("prompt", "cot", "json_mode")
    assert applicable(("cot",), PromptTexts()) == ("prompt", "rag", "lora", "hybrid")


def test_a_difference_shows_every_part() -> None:
    old = PromptTexts(system="Be kind. Be brief.", schema='{"a": 1}')
    shots = (FewShot(user="Hi", assistant="Ho"),)
    new = replace(old, system="Be kind. Be long.", few_shot=shots, schema="[1")
    assert difference(old, new) == [
        " Be kind.",
        "-Be brief.",
        '-{',
        '- "a": 1',
        '-}',
        "+Be long.",
        "+Asked: Hi",
        "+Answer: Ho",
        "+[1",
    ]  # fmt: skip
    assert difference(old, old) == []
