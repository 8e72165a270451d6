"""The screens of two bases: adapters for another one, two runs side by side, answers that are kept."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from backends.adapters import delete, register, registered
from backends.scenario import load_scenario
from compare.rebasing import rebasings
from compare.training_set import collected, collected_path
from tests.screens import app_process, app_settings, open_page, own_data_folder, texts  # noqa: F401
from tests.test_distillation import kept_run, plan
from tests.test_page_results import fresh, kept, look, open_results  # noqa: F401
from tests.tiny import build_adapter, build_model

pytestmark = pytest.mark.usefixtures("app_process", "fresh")
WAIT_S = 120


def test_adapters_of_another_base_are_named_and_one_button_brings_them_back(tmp_path: Path) -> None:
    scenario = load_scenario("support-facts")
    other = build_model(tmp_path / "other", seed=9)
    made = build_adapter(tmp_path / "made", other, seed=1)
    card = json.loads((made / "card.json").read_text())
    (made / "card.json").write_text(json.dumps(card | {"adapter": "lora", "base_model": "other-llama"}))
    page = open_page().switch_page("pages/adapters.py").run()
    page.selectbox(key="adapters_scenario").set_value("support-facts").run()
    assert "rebase" not in {button.key for button in page.button}
    one = register(scenario, made, use=True)
    try:
        page.run()
        assert not page.exception
        said = texts(page).replace("\\", "")
        assert "These adapters were trained for other-llama; now tiny-llama is loaded." in said
        assert "There for this model already: LoRA." in said
        assert "so no cases are asked" in said
        page.button(key="rebase").click().run()
        going = rebasings().get("support-facts")
        assert going is not None
        assert going.wait(WAIT_S).state == "done", going.progress()
        assert {(a.kind, a.number) for a in registered(scenario) if a.in_use} == {("lora", 0), ("hybrid", 0)}
        page.run()
        assert not page.exception
        assert "The adapters are for tiny-llama now" in texts(page).replace("\\", "")
        assert "rebase" not in {button.key for button in page.button}
    finally:
        delete(scenario, one.number)


def test_any_approach_of_one_run_stands_against_any_of_another() -> None:
    before, after = kept(check="fail"), kept(check="pass")
    page = look(open_results(run=after, against=before), "change")
    here, there = (
        next(box for box in page.selectbox if str(box.key).startswith(k)) for k in ("lane_here", "lane_there")
    )
    here.set_value("rag").run()
    said = texts(page).replace("\\", "")
    assert not page.exception
    assert "RAG on an unknown model is right 100 points more often than Prompt on an unknown model" in said
    assert "Times are left out: it is not known of both runs" in said
    assert "Base model there: an unknown model." in said
    there = next(box for box in page.selectbox if str(box.key).startswith("lane_there"))
    assert there.value == "prompt"


def test_right_answers_of_a_run_are_kept_when_somebody_asks_for_it() -> None:
    page = open_results(run=kept_run(replace(plan(), scenario="support-facts")).id)
    assert not [box for box in page.selectbox if str(box.key).startswith("distil_")]
    page.session_state["keep_right_answers"] = True
    page.run()
    assert not page.exception
    assert "**1 example**" in texts(page)
    assert "2 cases of the test split" in texts(page)
    page.button(key="distil").click().run()
    assert not page.exception
    assert "1 new example" in texts(page)
    assert {one.how for one in collected("support-facts")} == {"distilled"}
    collected_path("support-facts").unlink()
