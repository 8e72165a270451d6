"""The adapters page: a file checked and trained on, watched, put to work; adapters chosen and deleted."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from backends.adapters import delete, registered, use
from backends.scenario import load_scenario
from backends.training.jobs import TrainingJob, create_job, forget_job, is_running, jobs
from backends.training.progress import view
from backends.training.recipes import recipe_for
from compare.trainings import follow, stop_training
from tests.screens import app_process, app_settings, open_page, own_data_folder, texts

__all__ = ["app_process", "app_settings", "own_data_folder"]

NAME = "ticket-routing"
LINES = (Path(__file__).parent.parent / "scenarios" / NAME / "examples.jsonl").read_text().splitlines()


@pytest.fixture(autouse=True)
def as_it_ships() -> None:
    for job in jobs():
        if is_running(job):
            stop_training(job, keep=False)
            follow(job)
        forget_job(job)
    scenario = load_scenario(NAME)
    use(scenario, "lora", 0)
    for one in registered(scenario):
        if one.number:
            delete(scenario, one.number)


def opened(part: str = "Train") -> AppTest:
    page = open_page().switch_page("pages/adapters.py").run()
    page.session_state["adapters_scenario"] = NAME
    page.session_state["adapters_part"] = part
    page.run()
    assert not page.exception
    return page


def given(page: AppTest, data: str, name: str = "mine.jsonl") -> AppTest:
    """The page with a file of ours as its examples."""
    page.session_state[f"train_source_{NAME}"] = "file"
    page.run()
    (field,) = list(page.get("file_uploader"))
    field.upload(name, data.encode(), "application/octet-stream")
    page.run()
    assert not page.exception
    return page


def newest() -> TrainingJob:
    return jobs(NAME)[0]


def test_a_file_is_checked_trained_on_followed_and_its_adapter_answers() -> None:
    page = given(opened(), "\n".join(LINES[:60]))
    assert "60 examples" in texts(page)
    page.session_state[f"epochs_{NAME}_lora_quick"] = 1
    page.session_state[f"train_preset_{NAME}"] = "quick"
    page.run()
    page.text_input(key=f"train_note_{NAME}").set_value("a *first* try").run()
    page.button(key="train").click().run()
    assert not page.exception
    job = newest()
    assert (job.note, job.preset, job.recipe.epochs) == ("a *first* try", "quick", 1)
    assert follow(job).state == "done"
    page.run()
    assert not page.exception
    assert "Adapter 1 is trained" in texts(page)
    (one,) = [one for one in registered(load_scenario(NAME)) if one.number == 1]
    assert one.in_use
    assert one.card.examples["file"] == 60

    page = opened("Adapters")
    (table,) = page.dataframe
    assert table.value["adapter"].tolist() == ["Adapter 1"]
    assert table.value["answers now"].tolist() == [True]
    assert table.value["note"].tolist() == ["a *first* try"]


def test_too_few_examples_are_refused_until_somebody_insists() -> None:
    page = given(opened(), "\n".join(LINES[:20]))
    assert "20 different examples" in texts(page)
    assert page.button(key="train").disabled
    page.checkbox(key=f"train_force_{NAME}").check().run()
    assert not page.button(key="train").disabled


def test_rows_with_something_wrong_are_shown_and_left_out() -> None:
    secret = json.dumps(
        {
            "messages": [
                {"role": "user", "content": "My key is AKIAIOSFODNN7EXAMPLZ, what now?"},
                {"role": "assistant", "content": '{"queue": "account", "priority": "high"}'},
            ]
        }
    )
    page = given(opened(), "\n".join([*LINES[:100], *LINES[:3], secret, "{not json"]))
    assert "104 examples" in texts(page)
    expanders = [str(one.label) for one in page.expander]
    assert any("can't be used" in label for label in expanders)
    assert "AKIAIOSFODNN7EXAMPLZ" not in "".join(str(one.value.to_csv()) for one in page.dataframe[1:])
    (toggle,) = [one for one in page.toggle if "Leave out" in str(one.label)]
    assert toggle.value is True


@pytest.mark.parametrize("data", ["", "\x00\x01\x02", "question,other\n1,2\n"])
def test_a_file_that_cannot_be_read_gets_a_sentence(data: str) -> None:
    page = given(opened(), data)
    assert [one.value for one in page.error]
    assert not page.exception


def test_a_training_that_was_cut_short_is_offered_and_can_be_deleted() -> None:
    scenario = load_scenario(NAME)
    job = create_job(NAME, "lora", recipe_for(scenario, "lora", {}), "\n".join(LINES[:60]).encode())
    page = opened()
    assert "was cut short" in texts(page)
    page.button(key=f"forget_{job.id}").click().run()
    assert not page.exception
    assert "was cut short" not in texts(page)
    assert jobs(NAME) == ()


def test_a_training_is_paused_and_taken_up_from_the_page() -> None:
    scenario = load_scenario(NAME)
    recipe = recipe_for(scenario, "lora", {"epochs": 50, "max_steps": 400})
    create_job(NAME, "lora", recipe, "\n".join(LINES[:60]).encode())
    page = opened()
    job = newest()
    page.button(key=f"resume_{job.id}").click().run()
    assert is_running(job)
    while len(view(job).steps) < 2:
        assert is_running(job), view(job)
    page.run()
    page.button(key=f"pause_{job.id}").click().run()
    assert follow(job).state == "paused"
    page.run()
    assert "paused" in texts(page)


def test_without_an_adapter_the_page_says_what_to_do_next() -> None:
    page = opened("Adapters")
    assert "Train one under" in texts(page)
    assert not page.dataframe
