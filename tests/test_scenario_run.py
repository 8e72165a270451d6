"""Scenario runs: every planned call once, whatever happens meanwhile. Real engine, index and SQLite."""

import json
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from backends.engine.local import LocalEngine
from backends.errors import BadInput
from backends.knowledge.editing import add_documents, reset_documents
from backends.scenario import load_scenario
from backends.settings import ROOT, Settings, settings
from backends.types import Query, Sampling
from compare.plan import Plan
from compare.runner import start
from compare.scenario_run import ROWS, ScenarioRun, make_plan, resume_scenario_run, start_scenario_run
from compare.store import Store
from tests.tiny import build_adapter, build_model

WAIT_S = 120
TOML = """
title = "Lamps"
system_prompt = "Answer in one sentence."
[retrieval]
k = 1
min_cosine = -1
"""
LANES = ("prompt", "rag", "lora")
SHORT, LONG = Sampling(max_tokens=6), Sampling(temperature=0, max_tokens=200)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    model = build_model(folder / "model", context=1024)
    lamps = folder / "scenarios" / "lamps"
    (lamps / "knowledge").mkdir(parents=True)
    (lamps / "scenario.toml").write_text(TOML)
    (lamps / "knowledge" / "lamps.md").write_text("# Lamps\n\nA lamp lasts nine years.\n")
    rows = "".join(f"How long does lamp {n} last?,contains_all: nine,lamps.md,g{n // 2}\n" for n in range(16))
    (lamps / "cases.csv").write_text("query,checks,source,group\n" + rows)
    build_adapter(lamps / "adapters" / "lora", model, seed=1)
    (folder / "scenarios" / "empty").mkdir()
    (folder / "scenarios" / "empty" / "scenario.toml").write_text(TOML)
    return folder


@pytest.fixture(autouse=True)
def own_scenarios(folder: Path, own_data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVER_SCENARIOS_DIR", str(folder / "scenarios"))
    settings.cache_clear()


def new_engine(folder: Path) -> LocalEngine:
    told = Settings(
        model=str(folder / "model"),
        device="cpu",
        dtype="float32",
        threads=1,
        scenarios_dir=folder / "scenarios",
    )
    running = LocalEngine(told)
    running.start()
    assert running.wait_ready(WAIT_S).state == "ready"
    return running


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[LocalEngine]:
    running = new_engine(folder)
    yield running
    running.stop()


def plan(**changes: object) -> Plan:
    return make_plan(load_scenario("lamps"), LANES, **{"repeats": 2, "sampling": SHORT, **changes})  # type: ignore[arg-type]


def finished(run: ScenarioRun) -> ScenarioRun:
    progress = run.wait(WAIT_S)
    assert progress.state == "done", progress
    return run


def texts(kept: Store, run: ScenarioRun) -> dict[tuple[str, str, int], str]:
    calls = kept.stored_run(run.id).calls
    assert max(Counter((call.case_id, call.lane, call.repeat) for call in calls).values()) == 1
    return {(call.case_id, call.lane, call.repeat): call.text for call in calls}


@pytest.mark.parametrize("mode", ["demo", "bench"])
def test_every_planned_call_is_stored_once_with_its_checks(
    engine: LocalEngine, kept: Store, mode: str
) -> None:
    run = finished(start_scenario_run(plan(mode=mode, first=5), store=kept, engine=engine))
    stored = kept.stored_run(run.id)
    assert stored.status == "done"
    assert set(texts(kept, run)) == {call.key for call in run.plan.calls()}
    assert len(stored.calls) == 5 * 3 * 2 == run.progress().done == run.progress().planned
    assert all(call.status == "done" and call.timing and call.checks for call in stored.calls)
    assert stored.plan == run.plan
    assert stored.provenance is not None
    assert [adapter.key for adapter in stored.provenance.adapters] == ["lamps/lora"]


def test_a_case_gets_the_answer_that_the_live_screen_gives_it(engine: LocalEngine, kept: Store) -> None:
    run = finished(start_scenario_run(plan(first=3), store=kept, engine=engine))
    case = run.plan.cases[2]
    query = Query(text=case.query, scenario="lamps", case_id=case.id, sampling=SHORT, repeats=2)
    live = start(query, backends=LANES, store=kept, engine=engine).wait(WAIT_S)
    told = texts(kept, run)
    for (lane, repeat), call in live.calls.items():
        assert told[case.id, lane, repeat] == call.text


def test_bench_shuffles_cases_and_lanes_anew_for_each_repeat() -> None:
    asked = [call.key for call in plan(mode="bench").calls()]
    assert sorted(asked) == sorted(call.key for call in plan().calls())
    first, second = asked[: len(asked) // 2], asked[len(asked) // 2 :]
    assert {repeat for _, _, repeat in first} == {0}
    assert [key[:2] for key in first] != [key[:2] for key in second]
    assert asked == [call.key for call in plan(mode="bench").calls()]


def test_a_cancelled_run_goes_on_where_it_stopped_and_asks_nothing_twice(
    engine: LocalEngine, kept: Store
) -> None:
    whole = texts(
        kept, finished(start_scenario_run(plan(sampling=LONG, repeats=5), store=kept, engine=engine))
    )
    run = start_scenario_run(plan(sampling=LONG, repeats=5), store=kept, engine=engine)
    while run.progress().done == 0:
        time.sleep(0.01)
    run.cancel()
    assert run.wait(WAIT_S).state == "stopped"
    part = kept.stored_run(run.id)
    assert part.status == "interrupted"
    assert 0 < len(part.calls) < len(whole)
    assert {call.status for call in part.calls} == {"done"}
    assert texts(kept, finished(resume_scenario_run(run.id, store=kept, engine=engine))) == whole
    with pytest.raises(BadInput, match="is done"):
        resume_scenario_run(run.id, store=kept, engine=engine)


def test_a_paused_run_asks_nothing_until_it_goes_on(engine: LocalEngine, kept: Store) -> None:
    run = start_scenario_run(plan(sampling=LONG, repeats=5), store=kept, engine=engine)
    while run.progress().done == 0:
        time.sleep(0.01)
    run.pause()
    assert run.progress().state == "paused"
    before = -1
    while before != (before := run.progress().done) or engine.status().queue_length:
        time.sleep(0.5)
    assert before < run.progress().planned
    assert before % ROWS == 0
    run.go_on()
    finished(run)


def test_a_live_question_is_answered_while_a_run_goes_on(engine: LocalEngine, kept: Store) -> None:
    run = start_scenario_run(plan(sampling=LONG, repeats=5), store=kept, engine=engine)
    while run.progress().done == 0:
        time.sleep(0.01)
    query = Query(text="How long?", scenario="lamps", sampling=SHORT)
    live = start(query, backends=("prompt", "lora"), store=kept, engine=engine).wait(WAIT_S)
    assert {call.status for call in live.calls.values()} == {"done"}
    assert not run.progress().ended
    finished(run)
    marks = [call.marks for call in kept.stored_run(run.id).calls]
    assert any("a live question went first" in of_call for of_call in marks)


def test_an_engine_that_is_gone_stops_the_run_and_blames_no_backend(folder: Path, kept: Store) -> None:
    gone = new_engine(folder)
    run = start_scenario_run(plan(sampling=LONG, repeats=5), store=kept, engine=gone)
    while run.progress().done == 0:
        time.sleep(0.01)
    gone.stop()
    progress = run.wait(WAIT_S)
    assert progress.state == "stopped"
    assert progress.problem
    stored = kept.stored_run(run.id)
    assert stored.status == "interrupted"
    assert {call.status for call in stored.calls} == {"done"}
    again = new_engine(folder)
    finished(resume_scenario_run(run.id, store=kept, engine=again))
    again.stop()
    assert len(kept.stored_run(run.id).calls) == run.plan.repeats * len(LANES) * len(run.plan.cases)


def test_a_lane_that_can_not_answer_fails_its_calls_and_the_others_go_on(
    engine: LocalEngine, kept: Store
) -> None:
    asked = replace(plan(first=3), lanes=("prompt", "json_mode"))
    run = finished(start_scenario_run(asked, store=kept, engine=engine))
    statuses = Counter((call.lane, call.status) for call in kept.stored_run(run.id).calls)
    assert statuses == {("prompt", "done"): 6, ("json_mode", "failed"): 6}
    assert run.progress().failed == 6


def test_what_can_not_be_planned_is_one_sentence() -> None:
    with pytest.raises(BadInput, match="has no cases"):
        make_plan(load_scenario("empty"), LANES)
    with pytest.raises(BadInput, match="no backend"):
        make_plan(load_scenario("lamps"), ("prompt", "nothing"))
    with pytest.raises(BadInput, match="at least 1"):
        plan(first=0)
    with pytest.raises(BadInput, match="Repeats"):
        plan(repeats=1001)


def test_runs_and_live_questions_are_not_taken_for_each_other(engine: LocalEngine, kept: Store) -> None:
    run = finished(start_scenario_run(plan(first=1), store=kept, engine=engine))
    live = start(
        Query(text="Hi", scenario="lamps", sampling=SHORT), backends=("prompt",), store=kept, engine=engine
    )
    live.wait(WAIT_S)
    assert [line.id for line in kept.recent_runs()] == [live.id]
    with pytest.raises(BadInput, match="is a scenario run"):
        kept.load_run(run.id)
    assert kept.stored_run(live.id).live
    assert not kept.stored_run(run.id).live
    assert {line.id: line.cases for line in kept.measured_runs()} == {run.id: 1, live.id: 1}
    with pytest.raises(BadInput, match="only scenario runs"):
        resume_scenario_run(live.id, store=kept, engine=engine)


def killed_after(calls: int, command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run the command, kill it without warning once so many calls have ended; gives the run's id."""
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    run_id = ""
    for line in process.stderr:
        if line.startswith("Run "):
            run_id = line.split()[1]
        said = re.match(r"(\d+) of 256 calls", line)
        if said is not None and int(said[1]) >= calls:
            break
    process.kill()
    process.wait()
    process.stderr.close()
    return run_id


def test_a_process_killed_three_times_loses_only_calls_in_flight(folder: Path, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "LEVER_MODEL": str(folder / "model"),
        "LEVER_SCENARIOS_DIR": str(folder / "scenarios"),
        "LEVER_DATA_DIR": str(tmp_path / "data"),
        "LEVER_THREADS": "1",
    }
    command = [sys.executable, "-m", "compare", "run"]
    asked = [*command, "lamps", "--backends", "prompt,rag", "--repeats", "8", "--max-tokens", "200"]
    run_id, ended = "", 0
    for _ in range(3):
        again = [*command, "--resume", run_id] if run_id else [*asked, "--temperature", "0"]
        run_id = killed_after(ended + random.randint(1, 40), again, environment)
        kept = Store(f"sqlite:///{tmp_path / 'data' / 'lever.db'}")
        there = len(kept.stored_run(run_id).calls)
        kept.close()
        assert ended < there < 256
        ended = there
    resumed = subprocess.run(
        [*command, "--resume", run_id, "--json", "--calls", "--gate", "rag.pass_rate>=2"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert resumed.returncode == 1, resumed.stderr
    assert "The gate rag.pass_rate>=2 fails" in resumed.stderr
    document = json.loads(resumed.stdout)
    keys = Counter((call["case_id"], call["lane"], call["repeat"]) for call in document["calls"])
    assert len(keys) == 256
    assert set(keys.values()) == {1}
    shown = subprocess.run(
        [sys.executable, "-m", "compare", "results", run_id, "--json", "--calls"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(shown.stdout) == document


def test_a_run_goes_on_only_with_the_documents_that_it_was_begun_with(
    engine: LocalEngine, kept: Store
) -> None:
    runs = {}
    for lanes in (("prompt", "rag"), ("prompt",)):
        runs[lanes] = start_scenario_run(
            make_plan(load_scenario("lamps"), lanes, repeats=20, sampling=LONG), store=kept, engine=engine
        )
        runs[lanes].cancel()
        assert runs[lanes].wait(WAIT_S).state == "stopped"
    noted = kept.provenance(runs["prompt", "rag"].id)
    assert noted is not None
    assert noted.knowledge.startswith("1 passage of 120 tokens, similarity from -1, documents ")
    add_documents(load_scenario("lamps"), [("new.md", b"A lamp lasts ten years.")])
    refused = resume_scenario_run(runs["prompt", "rag"].id, store=kept, engine=engine).wait(WAIT_S)
    assert refused.state == "stopped"
    assert "The documents or how passages are found changed" in refused.problem
    going = resume_scenario_run(runs["prompt",].id, store=kept, engine=engine)
    going.cancel()
    assert "documents" not in going.wait(WAIT_S).problem
    reset_documents(load_scenario("lamps"))
    again = resume_scenario_run(runs["prompt", "rag"].id, store=kept, engine=engine)
    again.cancel()
    assert "documents" not in again.wait(WAIT_S).problem
