"""The home screen with a real engine, real retrieval and a real database; only the browser is missing."""

import json
import subprocess
import sys

import pytest
from streamlit.testing.v1 import AppTest

from backends.prompts import split_layers
from compare.charts.bars import TIME_PARTS
from compare.lane_names import lane_title
from compare.live import LiveRuns, live_runs
from compare.store import new_run_id, store
from tests.cited_run import QUESTION as CITED_QUESTION
from tests.cited_run import SAID, keep_cited_run
from tests.screens import (  # noqa: F401
    QUESTION,
    app_process,
    app_settings,
    ask,
    followed,
    linked_run,
    open_page,
    own_data_folder,
    texts,
)

LANES = ("prompt", "rag", "lora", "hybrid")


@pytest.fixture
def page() -> AppTest:
    page = open_page()
    assert not page.exception
    page.session_state["max_tokens"] = 12
    return page


def lane(page: AppTest, backend: str) -> str:
    box = page.container(key=f"lane_{backend}")
    return "\n".join(str(e.value) for kind in ("markdown", "text", "caption", "error") for e in box.get(kind))


def test_before_anything_is_asked_the_page_tells_its_story_and_names_its_lanes(page: AppTest) -> None:
    said = texts(page)
    assert "Tessel sells a home hub" in said
    assert all(lane_title(name) in said for name in ("prompt", "rag", "lora"))
    assert [button.label for button in page.button if (button.key or "").startswith("example_")]


def test_an_example_is_asked_by_one_click_and_all_lanes_answer(page: AppTest) -> None:
    page.button(key="example_0").click().run()
    view = followed(page)
    assert view.query.text == QUESTION == page.text_area(key="question").value
    assert [call.status for call in view.calls.values()] == ["done"] * 4
    for name in LANES:
        said = lane(page, name)
        assert "Done" in said
        assert "First words after" in said
        assert "tokens read" in said
        assert "/s" in said
        assert view.lane(name)[0].text.strip() in said
    assert "Similarity to the question" in lane(page, "rag")
    assert "Similarity to the question" not in lane(page, "prompt")


def test_checks_say_their_outcome_and_why(page: AppTest) -> None:
    ask(page)
    view = followed(page)
    check = view.lane("prompt")[0].checks[0]
    assert check.result in ("pass", "fail", "unscored")
    assert f" {check.result}]" in lane(page, "prompt")


@pytest.mark.parametrize("question", ["", "   \n "])
def test_an_empty_question_gets_a_sentence_and_no_run(page: AppTest, question: str) -> None:
    ask(page, question)
    assert page.warning[0].value.startswith("Type a question first")
    assert "run" not in page.query_params


def test_a_question_longer_than_the_context_gets_a_sentence(page: AppTest) -> None:
    ask(page, "Why? " * 3000)
    assert "tokens" in page.error[0].value
    assert not page.exception


def test_a_link_to_an_unknown_run_gets_a_sentence_and_a_page_that_works() -> None:
    page = open_page(run="0123456789abcdef")
    assert "not stored here" in page.warning[0].value
    page.session_state["max_tokens"] = 8
    ask(page)
    assert len(followed(page).calls) == 4


def test_another_session_with_the_same_link_sees_the_same_run(page: AppTest) -> None:
    ask(page)
    view = followed(page)
    other = open_page(run=view.id)
    assert not other.exception
    assert other.text_area(key="question").value == QUESTION
    assert all(lane(other, name) == lane(page, name) for name in LANES)


def test_a_run_that_only_the_store_knows_looks_the_same(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(page)
    view = followed(page)
    monkeypatch.setattr("compare.live._live_runs", LiveRuns())  # as after a restart
    other = open_page(run=view.id)
    assert not other.exception
    assert all(lane(other, name) == lane(page, name) for name in LANES)
    assert len(other.get("vega_lite_chart")) == 2


def test_a_run_survives_other_clicks_while_it_goes_on(page: AppTest) -> None:
    ask(page)
    run_id = linked_run(page)
    page.toggle(key="presenter").set_value(True).run()
    page.toggle(key="presenter").set_value(False).run()
    assert linked_run(page) == run_id
    assert followed(page).id == run_id


def test_repeats_are_folded_and_counted(page: AppTest) -> None:
    page.number_input(key="repeats").set_value(3)
    ask(page)
    view = followed(page)
    assert len(view.calls) == 12
    assert any(said in lane(page, "lora") for said in ("of 3 said this", "All 3"))
    assert "means of 3 answers" in lane(page, "lora")
    assert "wording" in lane(page, "lora")
    assert "of all its answers to this question (95 %)" in lane(page, "lora")


def test_greedy_repeats_are_called_copies(page: AppTest) -> None:
    page.number_input(key="repeats").set_value(2)
    page.slider(key="temperature").set_value(0.0)
    ask(page)
    followed(page)
    assert "All 2 said this" in lane(page, "prompt")
    assert "copies of one answer" in lane(page, "prompt")
    assert "wording" not in lane(page, "prompt")


def test_a_lane_that_fails_says_why_and_the_others_go_on(page: AppTest) -> None:
    page.get_by_key("scenario").set_value("ticket-routing").run()
    ask(page, "My chain broke and I am stuck.")
    view = followed(page)
    assert [call.status for call in view.calls.values()] == ["done", "done", "failed", "failed"]
    failure = view.lane("lora")[0].failure
    assert failure is not None
    assert "adapter" in lane(page, "lora")
    assert "Failed while" in lane(page, "lora")
    assert "Done" in lane(page, "prompt")


def test_stop_keeps_what_was_written(page: AppTest) -> None:
    page.number_input(key="max_tokens").set_value(1024)
    ask(page)
    run_id = linked_run(page)
    live = live_runs().get(run_id)
    assert live is not None
    seen = live.snapshot()
    while not seen.done and not all(call.text for call in seen.calls.values()):
        seen = live.wait_change(seen.version, 60)
    page.button(key="stop").click().run()
    view = followed(page)
    stopped = [call for call in view.calls.values() if call.status == "cancelled"]
    assert stopped
    assert all(call.text for call in stopped)
    assert "Stopped" in texts(page)


def test_an_edited_instruction_becomes_a_numbered_version_that_the_run_keeps(page: AppTest) -> None:
    page.text_area(key="system_support-facts").set_value("Answer with one word.").run()
    assert "Edited" in texts(page)
    ask(page)
    view = followed(page)
    kept = store().load_run(view.id)
    assert kept.texts.system == "Answer with one word."
    numbers = {version.texts: version.number for version in store().texts_versions("support-facts")}
    assert kept.texts_version == numbers[kept.texts]
    assert f"This is version {kept.texts_version}." in texts(page)
    assert "Answer with one word." in (view.lane("rag")[0].answer or pytest.fail("no answer")).rendered


def test_what_the_model_saw_is_the_whole_prompt_in_named_layers(page: AppTest) -> None:
    ask(page)
    view = followed(page)
    call = view.lane("rag")[0]
    assert call.answer is not None
    assert call.prompt is not None
    page.button(key="saw_rag").click().run()
    assert call.answer.rendered in [code.value for code in page.code]
    pieces = split_layers(call.answer.rendered, call.prompt.layers)
    shown = [text.value for text in page.text]
    assert {piece.text.strip() for piece in pieces} - {""} <= set(shown)
    assert "Instructions" in texts(page)
    assert "Passages from the documents" in texts(page)


def test_presenter_mode_hides_what_is_technical(page: AppTest) -> None:
    ask(page)
    view = followed(page)
    page.toggle(key="presenter").set_value(True).run()
    assert not page.exception
    assert not page.slider
    assert not page.number_input
    assert not [button for button in page.button if (button.key or "").startswith("saw_")]
    said = texts(page)
    assert "tokens" not in said
    assert "cosine" not in said
    assert "### ● Prompt" in said
    page.toggle(key="presenter").set_value(False).run()
    assert page.session_state["max_tokens"] == view.query.sampling.max_tokens


def test_charts_name_their_lanes_parts_and_units(page: AppTest) -> None:
    ask(page)
    view = followed(page)
    latency, tokens = (json.loads(chart.proto.spec) for chart in page.get("vega_lite_chart"))
    assert "Where the time went" in json.dumps(latency["title"])
    assert "Seconds per answer" in json.dumps(latency)
    assert "Tokens (pieces of words) per answer" in json.dumps(tokens)
    titles = {name: lane_title(name) for name in view.backends}
    rows = latency["layer"][0]["data"]["values"]
    assert {row["lane"] for row in rows} == set(titles.values())
    assert {row["part"] for row in rows} == set(TIME_PARTS)
    assert "one answer each cannot tell which is quicker" in texts(page)
    for name in LANES:
        answer = view.lane(name)[0].answer
        assert answer is not None
        ends = [row["end"] for row in rows if row["lane"] == titles[name]]
        assert max(ends) == pytest.approx(answer.timing.total_ms / 1000, rel=0.02)


@pytest.mark.parametrize("repeats", [1, 3])
def test_citations_lead_to_their_passages_and_are_flagged(repeats: int) -> None:
    page = open_page(run=keep_cited_run(store(), new_run_id(), repeats))
    assert not page.exception
    rag, hybrid = lane(page, "rag"), lane(page, "hybrid")
    assert r"warranty :blue[\[2\]]\." in rag
    buttons = [button.proto.popover.label.replace("\\", "") for button in page.get("popover")]
    assert (buttons.count("[1] repair.md"), buttons.count("[2] warranty.md")) == (1, 2)
    assert ":blue-background[2]" in rag
    assert "2 of 2 numbers and names stand" in rag
    assert ":material/link" not in rag
    assert r"\[1\] is no passage" in lane(page, "prompt")
    assert r"\[7\] is no passage" in hybrid
    assert "do not say “3”, “Orla Tolven”" in hybrid.replace("\\", "")
    grounded = "0 of 3 numbers and names stand in the passages or the question; not: “HX-999”"
    assert grounded in hybrid.replace("\\", "")
    assert r"\!\[x\]\(https\:" in hybrid
    assert SAID["lora"] in lane(page, "lora")
    assert "passages" not in lane(page, "lora")


def test_blind_lanes_say_nothing_of_citations_and_a_presenter_only_what_is_wrong() -> None:
    page = open_page(run=keep_cited_run(store(), new_run_id()))
    page.toggle(key="presenter").set_value(True).run()
    said = texts(page)
    assert "#### :red[:material/link_off: \\[7\\] is no passage]" in said
    assert "do not say" in said
    assert "stand in the passages" not in said
    assert "[2] warranty.md" not in [
        button.proto.popover.label.replace("\\", "") for button in page.get("popover")
    ]
    page.toggle(key="presenter").set_value(False).run()
    page.toggle(key="blind").set_value(True).run()
    assert not page.exception
    said = texts(page).replace("\\", "")
    assert CITED_QUESTION in said
    assert SAID["hybrid"] in said
    assert not any(word in said for word in ("no passage", "not say", "stand in the passages"))
    assert not [button for button in page.get("popover") if "repair" in button.proto.popover.label]


def test_the_page_itself_imports_no_torch() -> None:
    code = (
        "import sys, ui.badge, ui.answer_charts, ui.controls, ui.lanes, ui.prompt_drawer, ui.state\n"
        "print({'torch', 'transformers', 'peft', 'chromadb', 'altair'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"
