"""The screens over a server: what it does not say is a gap or a sentence, never a zero."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from backends.engine.factory import engine
from backends.engine.remote import UNPROVEN
from backends.scenario import load_scenario
from backends.settings import ROOT
from backends.types import Sampling
from compare.charts.bars import ANSWERING
from compare.run_export import run_jsonl
from compare.scenario_run import make_plan, resume_scenario_run, start_scenario_run
from compare.store import store
from compare.time_takeaways import UNCOUNTED, UNSPLIT
from tests.openai_server import SCENARIO, Running, openai_server
from tests.screens import app_process, ask, followed, open_page, own_data_folder, texts  # noqa: F401
from ui.prompt_drawer import AS_SENT


@pytest.fixture(scope="module")
def scenarios(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page-remote") / "scenarios"
    shutil.copytree(ROOT / "scenarios" / SCENARIO, folder / SCENARIO)
    return folder


@pytest.fixture(scope="module")
def server(scenarios: Path) -> Iterator[Running]:
    with openai_server(scenarios) as running:
        yield running


@pytest.fixture(scope="module")
def app_settings(server: Running, scenarios: Path) -> dict[str, str]:
    return {"LEVER_ENGINE_URL": server.url, "LEVER_SCENARIOS_DIR": str(scenarios)}


def plain(page: AppTest) -> str:
    return texts(page).replace("\\", "")


def parts(page: AppTest) -> set[str]:
    """The parts of the time that charts show."""
    specs = [json.loads(chart.proto.spec) for chart in page.get("vega_lite_chart")]
    rows = [row for spec in specs for layer in spec["layer"] for row in layer["data"].get("values", ())]
    return {row["part"] for row in rows if "part" in row}


def test_a_question_is_answered_and_its_gaps_are_shown(server: Running) -> None:
    server.behave(fault="no usage")
    page = open_page()
    assert ":green-badge" in texts(page)
    assert "a server" in texts(page)
    page.session_state["max_tokens"] = 12
    view = followed(ask(page))
    assert [call.status for call in view.calls.values()] == ["done"] * 4, view.calls
    said = plain(page)
    assert "**–** tokens read" in said
    assert UNCOUNTED in said
    assert parts(page) == {"looking up", ANSWERING}
    page.session_state["prompt_shown"] = "rag"
    page.run()
    assert not page.exception
    assert AS_SENT in plain(page)


def test_a_run_is_measured_from_what_is_known(server: Running) -> None:
    server.behave(fault="no usage")
    scenario = load_scenario(SCENARIO)
    plan = make_plan(
        scenario, ("prompt", "rag", "lora"), first=3, mode="bench", sampling=Sampling(max_tokens=8)
    )
    run = start_scenario_run(plan, store=store(), engine=engine())
    assert run.wait(120).problem == ""
    stored = store().stored_run(run.id)
    assert stored.provenance is not None
    assert (stored.provenance.proof, stored.provenance.base_hash) == ("not run", "")
    page = open_page().switch_page("pages/results.py")
    page.query_params["run"] = run.id
    page.run()
    assert not page.exception
    assert f"not run, as {UNPROVEN}" in plain(page)
    assert set(page.dataframe[0].value["Tokens read"]) == {"–"}
    page.session_state["view"] = "speed"
    page.run()
    assert not page.exception
    assert UNSPLIT in plain(page)
    assert UNCOUNTED in plain(page)
    assert parts(page) == {"looking up", ANSWERING}
    lines = [json.loads(line) for line in run_jsonl(stored, store())]
    assert len(lines) == 9
    assert all(line["usage"] == {"prompt_tokens": None, "completion_tokens": None} for line in lines)
    assert all(line["timing"]["prefill_ms"] is None for line in lines)


def test_a_server_that_goes_away_is_said_on_the_page_and_found_again_by_a_click(server: Running) -> None:
    server.go_away()
    page = open_page()
    followed(ask(page))
    page.run()
    assert "can't be reached" in plain(page)
    server.come_back()
    (again,) = [button for button in page.button if button.label == "Try to load it again"]
    again.click().run()
    assert engine().wait_ready(60).state == "ready"
    assert {call.status for call in followed(ask(open_page())).calls.values()} == {"done"}


def test_a_run_that_loses_its_server_blames_no_lane_and_is_taken_up_again(server: Running) -> None:
    sampling = Sampling(max_tokens=24)
    plan = make_plan(load_scenario(SCENARIO), ("prompt", "lora"), first=16, repeats=3, sampling=sampling)
    run = start_scenario_run(plan, store=store(), engine=engine())
    while run.progress().done == 0:
        run.wait(0.05)
    server.go_away()
    lost = run.wait(60)
    server.come_back()
    assert lost.state == "stopped"
    assert "can't be reached" in lost.problem
    assert 0 < lost.done < lost.planned
    assert lost.failed == 0
    engine().start()
    ended = resume_scenario_run(run.id, store=store(), engine=engine()).wait(120)
    failures = [call.failure for case in plan.cases for call in store().case_calls(run.id, case.id)]
    assert not any(failures), failures
    assert (ended.state, ended.done) == ("done", ended.planned)
