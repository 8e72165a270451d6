"""What helps on a stage: recent comparisons, replay, blind lanes, a fresh screen."""

import pytest
from streamlit.testing.v1 import AppTest

from compare.live import live_runs
from compare.store import store
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
from ui import lanes, state

LANES = ("prompt", "rag", "lora", "hybrid")


@pytest.fixture
def page() -> AppTest:
    page = open_page()
    page.session_state["max_tokens"] = 12
    return page


def answered(page: AppTest, question: str = QUESTION) -> str:
    """The id of a run that was asked and is over."""
    return followed(ask(page, question)).id


def keys(page: AppTest, start: str) -> list[str]:
    return [button.key for button in page.button if (button.key or "").startswith(start)]


def test_what_was_asked_before_can_be_opened_again(page: AppTest) -> None:
    first, second = answered(page), answered(page, "Who founded Tessel?")
    assert f"open_{first}" in keys(page, "open_")
    assert f"open_{second}" not in keys(page, "open_")
    page.button(key=f"open_{first}").click().run()
    assert linked_run(page) == first
    assert "What warranty does the Pro plan include" in texts(page)
    assert f"open_{second}" in keys(page, "open_")


def test_a_name_stays_with_the_run(page: AppTest) -> None:
    run_id = answered(page)
    page.text_input(key=f"name_{run_id}").set_value("  For Monday ").run()
    assert store().load_run(run_id).name == "For Monday"
    answered(page, "Who founded Tessel?")
    assert "For Monday" in [button.label for button in page.button]


def test_a_name_is_there_when_the_run_is_opened_again(page: AppTest) -> None:
    run_id = answered(page)
    page.text_input(key=f"name_{run_id}").set_value("Keep me").run()
    answered(page, "Who founded Tessel?")
    page.button(key=f"open_{run_id}").click().run()
    assert page.text_input(key=f"name_{run_id}").value == "Keep me"
    assert open_page(run=run_id).text_input(key=f"name_{run_id}").value == "Keep me"


def test_deleting_begins_anew_with_another_run(page: AppTest) -> None:
    first = answered(page)
    answered(page, "Who founded Tessel?")
    page.button(key="delete").click().run()
    page.button(key=f"open_{first}").click().run()
    assert not keys(page, "delete_now")


def test_a_blind_lane_does_not_say_why_it_failed(page: AppTest) -> None:
    page.session_state["scenario"] = "ticket-routing"  # The tests' copy has no adapters.
    page.session_state["blind"] = True
    answered(page.run(), "My bike has a flat tyre.")
    assert page.error
    assert {error.value.replace("\\", "") for error in page.error} == {"This answer failed."}
    assert not list(page.get("download_button"))


def test_deleting_asks_first_and_then_forgets_the_run_everywhere(page: AppTest) -> None:
    run_id = answered(page)
    page.button(key="delete").click().run()
    assert run_id in [run.id for run in store().recent_runs()]
    page.button(key="keep").click().run()
    assert not keys(page, "delete_now")
    page.button(key="delete").click().run()
    page.button(key="delete_now").click().run()
    assert not page.exception
    assert run_id not in [run.id for run in store().recent_runs()]
    assert live_runs().get(run_id) is None
    assert "not stored here" in open_page(run=run_id).warning[0].value


def test_a_replay_shows_the_recorded_run_at_its_own_speed_with_a_badge(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = answered(page)
    clock = [1000.0]
    monkeypatch.setattr(state.time, "monotonic", lambda: clock[0])
    page.button(key="play").click().run()
    assert "Replay" in texts(page)
    assert "Next in line" in texts(page)
    assert not page.get("vega_lite_chart")
    clock[0] += 3600
    page.run()
    assert "Replay" in texts(page)
    view = store().load_run(run_id)
    assert all(call.text.strip() in texts(page) for call in view.calls.values())
    assert page.get("vega_lite_chart")
    answered(page)
    assert ":material/replay: Replay" not in texts(page)


def test_stopping_a_replay_jumps_to_its_end(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    answered(page)
    monkeypatch.setattr(state.time, "monotonic", lambda: 1000.0)
    page.button(key="play").click().run()
    page.button(key="stop").click().run()
    assert page.get("vega_lite_chart")


def test_a_replay_needs_no_model(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    answered(page)

    class Broken:
        def status(self) -> None:
            raise AssertionError("asked for the model")

    page.button(key="play").click().run()
    run_id = linked_run(page)
    monkeypatch.setattr(lanes, "get_engine", Broken)
    monkeypatch.setattr(lanes, "is_played", lambda shown: shown == run_id)
    assert lanes._can_answer(run_id)


def test_blind_lanes_say_nothing_of_who_wrote_them(page: AppTest) -> None:
    run_id = answered(page)
    page.toggle(key="blind").set_value(True).run()
    view = store().load_run(run_id)
    kinds = ("markdown", "caption", "text")
    boxes = [page.container(key=f"lane_{letter}") for letter in "ABCD"]
    shown = "\n".join(element.value for box in boxes for kind in kinds for element in box.get(kind))
    assert all(f"Answer {letter}" in shown for letter in "ABCD")
    assert all(call.text.strip() in shown for call in view.calls.values())
    for clue in ("RAG", "LoRA", "Follows the written", "tokens read", "Similarity", "warranty.md"):
        assert clue not in shown.replace("\\", ""), clue
    assert not keys(page, "saw_")
    assert not page.get("vega_lite_chart")
    order = lanes.blind_order(view)
    assert sorted(order) == sorted(LANES)
    letters = dict(zip(order, "ABCD", strict=True))
    for name in LANES:
        box = page.container(key=f"lane_{letters[name]}")
        assert view.lane(name)[0].text.strip() in "\n".join(text.value for text in box.get("text"))
    page.toggle(key="blind").set_value(False).run()
    assert "Answer A" not in texts(page)


def test_starting_over_gives_a_fresh_screen_and_keeps_what_was_asked(page: AppTest) -> None:
    run_id = answered(page)
    page.text_area(key="system_support-facts").set_value("Answer in verse.").run()
    page.number_input(key="repeats").set_value(3).run()
    page.button(key="start_over").click().run()
    assert not page.exception
    assert "run" not in page.query_params
    assert page.text_area(key="question").value == ""
    assert page.number_input(key="repeats").value == 1
    assert page.text_area(key="system_support-facts").value != "Answer in verse."
    assert run_id in [run.id for run in store().recent_runs()]
