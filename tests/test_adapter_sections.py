"""The page parts on whether an adapter helped and how many examples are enough, over a tiny real model."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from backends.adapters import delete, register, registered
from backends.own_scenarios import create_scenario, delete_scenario
from backends.scenario import Scenario, load_scenario
from backends.settings import ROOT
from compare.before_after import before_after
from compare.before_after_words import of_forgetting, of_help
from compare.curve_figures import curve_figures
from compare.curve_state import curves, curves_folder
from compare.curves_going import learning_curves
from compare.scenario_runs import scenario_runs
from compare.store import store
from tests.screens import app_process, app_settings, own_data_folder, texts  # noqa: F401
from tests.tiny import build_adapter

WAIT_S = 300
FACTS, TICKETS = "support-facts", "ticket-routing"
PAGE = """
import streamlit as st
from backends.scenario import load_scenario
from ui.{module} import {part}

st.navigation([st.Page(lambda: {part}(load_scenario({name!r})), title="Here"), "pages/results.py"]).run()
"""


@pytest.fixture
def page_of(tmp_path: Path) -> Callable[[str, str], AppTest]:
    """One part alone on a page, beside the page of results that it links to."""
    (tmp_path / "pages").symlink_to(ROOT / "pages")

    def opened(part: str, name: str) -> AppTest:
        module = {"helped": "adapter_helped", "learning_curve": "adapter_curve"}[part]
        script = tmp_path / "page.py"
        script.write_text(PAGE.format(module=module, part=part, name=name))
        page = AppTest.from_file(str(script), default_timeout=120).run()
        assert not page.exception
        return page

    return opened


@pytest.fixture
def adapter(app_settings: dict[str, str], tmp_path: Path) -> Iterator[int]:  # noqa: F811
    """A registered adapter of support-facts beside the shipped one."""
    scenario = load_scenario(FACTS)
    made = build_adapter(tmp_path / "made", Path(app_settings["LEVER_MODEL"]), seed=9)
    card = json.loads((made / "card.json").read_text())
    (made / "card.json").write_text(json.dumps({**card, "adapter": "lora"}))
    number = register(scenario, made, use=False).number
    yield number
    delete(scenario, number)


@pytest.fixture
def own() -> Iterator[Scenario]:
    made = create_scenario("Bare")
    yield made
    delete_scenario(made)


def waited(until: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not until():
        assert time.monotonic() < end
        time.sleep(0.05)


def press(page: AppTest, key: str) -> AppTest:
    page.button(key=key).click().run()
    assert not page.exception
    return page


def ended(page: AppTest) -> AppTest:
    """The page after its run came to an end."""
    for run in scenario_runs().going():
        run.wait(WAIT_S)
    page.run()
    assert not page.exception
    return page


def frame(page: AppTest, column: str) -> list[dict[str, str]]:
    found = [one.value for one in page.dataframe if column in one.value.columns]
    return list(found[0].to_dict("records")) if found else []


def test_the_test_questions_are_asked_and_what_changed_is_shown(page_of, adapter: int) -> None:
    page = page_of("helped", FACTS)
    assert page.selectbox(key=f"helped_{FACTS}").value == f"lora+{adapter}"
    page.number_input(key="helped_repeats").set_value(1).run()
    press(page, "helped_ask")
    ended(page)
    (line,) = [run for run in store().measured_runs() if run.name == f"Did it help: LoRA, adapter {adapter}"]
    run = store().stored_run(line.id)
    assert run.plan.lanes == ("prompt", "lora+0", f"lora+{adapter}")
    assert {case.split for case in run.plan.cases} == {"test"}
    found = before_after(run, "prompt", f"lora+{adapter}")
    assert of_help(found) in texts(page).replace("\\", "").replace("\u2060", "")
    assert page.get("vega_lite_chart")
    first = frame(page, "What is checked")[0]
    assert first["What is checked"] == "All checks of a question"
    assert found.before_rate is not None
    assert first["● Prompt"].startswith(f"{round(100 * found.before_rate.value)} %")
    counts = [int(row["● Prompt"]) for row in frame(page, "Why it did not pass")]
    assert sum(counts) == sum(before for before, _ in found.classes.values()) > 0
    assert f"Questions: {len(found.worse)} worse, {len(found.better)} better" in page.expander[0].label
    assert "the base model is untouched" in texts(page)
    assert page.get("page_link")
    page.segmented_control(key="helped_against").set_value("lora+0").run()
    assert not page.exception
    assert "▲ LoRA, adapter as shipped" in frame(page, "What is checked")[0]

    # A new session finds the same run; what it forgot is asked of another scenario.
    again = page_of("helped", FACTS)
    again.number_input(key="helped_repeats").set_value(1).run()
    assert "helped_ask" not in {button.key for button in again.button}
    again.selectbox(key="forgot_scenario").set_value(TICKETS).run()
    ended(press(again, "forgot_ask"))
    plan = store().stored_run(store().measured_runs()[0].id).plan
    assert (plan.scenario, plan.lanes) == (TICKETS, ("prompt", f"lora+{FACTS}/{adapter}"))
    forgot = before_after(store().stored_run(store().measured_runs()[0].id), *plan.lanes)
    title = load_scenario(TICKETS).title
    assert of_forgetting(forgot, title) in texts(again).replace("\\", "").replace("\u2060", "")


def test_a_run_that_was_stopped_goes_on_here(page_of, adapter: int) -> None:
    page = page_of("helped", FACTS)
    page.number_input(key="helped_repeats").set_value(2).run()
    press(page, "helped_ask")
    (run,) = scenario_runs().going()
    run.cancel()
    ended(page)
    assert "can be resumed" in texts(page).replace("\\", "")
    ended(press(page, "helped_go_on"))
    assert frame(page, "What is checked")


def test_without_an_adapter_or_test_questions_the_next_step_is_said(page_of, own: Scenario) -> None:
    assert "Train one first" in texts(page_of("helped", own.name))
    assert "Add some first" in texts(page_of("learning_curve", own.name))


@pytest.fixture
def few_examples(app_settings: dict[str, str]) -> Iterator[Scenario]:  # noqa: F811
    """ticket-routing with thirty examples and a recipe of two steps."""
    folder = Path(app_settings["LEVER_SCENARIOS_DIR"]) / TICKETS
    before = {name: (folder / name).read_bytes() for name in ("examples.jsonl", "scenario.toml")}
    lines = before["examples.jsonl"].splitlines(keepends=True)
    (folder / "examples.jsonl").write_bytes(b"".join(lines[:30]))
    toml = before["scenario.toml"].decode().partition("[training")[0]
    recipe = "\n[training.lora]\nepochs = 1\nbatch_size = 15\nrank = 2\nmax_steps = 2\n"
    (folder / "scenario.toml").write_text(toml + recipe)
    yield load_scenario(TICKETS)
    for name, data in before.items():
        (folder / name).write_bytes(data)
    shutil.rmtree(curves_folder(), ignore_errors=True)


def test_a_curve_is_begun_followed_paused_and_taken_up(page_of, few_examples: Scenario) -> None:
    page = page_of("learning_curve", TICKETS)
    page.number_input(key="curve_seeds").set_value(1).run()
    assert "That is 2 trainings" in texts(page)
    press(page, "curve_begin")
    work = learning_curves().get(TICKETS)
    assert work is not None
    page.run()
    press(page, "pause_curve")
    assert not work.wait(WAIT_S).going
    page.run()
    assert "can go on" in texts(page).replace("\\", "")
    press(page, "curve_go_on")
    work = learning_curves().get(TICKETS)
    assert work is not None
    assert work.wait(WAIT_S).problem == ""
    page.run()
    assert not page.exception
    (curve,) = curves(TICKETS)
    assert (curve.sizes, curve.ended) == ((25, 30), "done")
    assert [row["Examples"] for row in frame(page, "Held-out loss")] == ["25", "30"]
    said = texts(page).replace("\\", "").replace("\u2060", "")
    assert curve_figures(curve).sentence in said
    assert page.get("vega_lite_chart")
    assert all(one.number == 0 for one in registered(few_examples))
    press(page, "curve_forget")
    assert curves(TICKETS) == ()
