"""The ladder is climbed in one run that grows: every call once, whatever is asked next. Real engine, index
and SQLite.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from backends.engine.local import LocalEngine
from backends.errors import BadInput
from backends.scenario import load_scenario
from backends.settings import settings
from backends.types import Sampling
from compare.case_files import load_cases
from compare.climbing import Climb, Climbs, Enough, in_climbing_order, rungs_of
from compare.plan import Plan
from compare.scenario_run import make_plan, resume_scenario_run
from compare.store import Store
from compare.tables import CallRow
from compare.terms import Terms
from tests.test_scenario_run import TOML, WAIT_S, new_engine
from tests.tiny import build_adapter, build_model

RUNGS = ("zero_shot", "prompt", "rag", "lora", "oracle")
SHORT = Sampling(max_tokens=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ladder")
    model = build_model(folder / "model", context=1024)
    lamps = folder / "scenarios" / "lamps"
    (lamps / "knowledge").mkdir(parents=True)
    (lamps / "scenario.toml").write_text(TOML)
    (lamps / "knowledge" / "lamps.md").write_text("# Lamps\n\nA lamp lasts nine years.\n")
    rows = "".join(f"How long does lamp {n} last?,contains_all: nine,lamps.md,g{n},test\n" for n in range(6))
    (lamps / "cases.csv").write_text("query,checks,source,group,split\n" + rows)
    build_adapter(lamps / "adapters" / "lora", model, seed=1)
    return folder


@pytest.fixture(autouse=True)
def own_scenarios(folder: Path, own_data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVER_SCENARIOS_DIR", str(folder / "scenarios"))
    settings.cache_clear()


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[LocalEngine]:
    running = new_engine(folder)
    yield running
    running.stop()


def wanted(**changes: object) -> Plan:
    return make_plan(
        load_scenario("lamps"), RUNGS, which="test", **{"repeats": 1, "sampling": SHORT, **changes}  # type: ignore[arg-type]
    )  # fmt: skip


def climbed(plan: Plan, kept: Store, engine: LocalEngine, enough: Enough | None = None) -> Climb:
    base = engine.status().base_hash
    climb = Climbs().start(plan, base, enough=enough, store=kept, engine=engine)
    seen = climb.wait(WAIT_S)
    assert seen.progress.state == "done", seen.progress
    return climb


def calls_of(kept: Store, run_id: str) -> Counter[tuple[str, str, int]]:
    return Counter((call.case_id, call.lane, call.repeat) for call in kept.stored_run(run_id).calls)


def test_the_rungs_are_what_the_scenario_can_be_asked_with(engine: LocalEngine) -> None:
    scenario = load_scenario("lamps")
    cases = load_cases(scenario)
    found = rungs_of(scenario, cases, engine)
    assert found.lanes == ("zero_shot", "prompt", "long_context", "rag", "lora", "oracle")
    assert found.left_out["few_shot"] == "worked examples"
    assert set(found.left_out) == {"few_shot", "cot", "json_mode", "lora_short", "hybrid"}
    assert "oracle" not in rungs_of(scenario, [replace(case, source="") for case in cases], engine).lanes


def test_all_rungs_are_asked_once_in_one_run(engine: LocalEngine, kept: Store) -> None:
    seen = climbed(wanted(), kept, engine).seen()
    run = kept.stored_run(seen.run_id)
    assert (run.status, run.plan, run.name) == ("done", wanted(), "Ladder")
    assert calls_of(kept, run.id) == Counter({call.key: 1 for call in wanted().calls()})
    assert (seen.progress.done + seen.progress.failed, seen.enough_at) == (30, "")
    assert run.ledger is not None


def test_it_stops_where_it_is_enough_and_goes_on_later(engine: LocalEngine, kept: Store) -> None:
    asked: list[str] = []

    def at_rag(run: object, lane: str) -> bool:
        asked.append(lane)
        return lane == "rag"

    seen = climbed(wanted(), kept, engine, at_rag).seen()
    assert (seen.enough_at, asked) == ("rag", ["zero_shot", "prompt", "rag"])
    assert kept.lanes_of(seen.run_id) == ("zero_shot", "prompt", "rag", "oracle")
    before = {(c.case_id, c.lane): c.text for c in kept.stored_run(seen.run_id).calls}
    again = climbed(wanted(), kept, engine).seen()
    assert again.run_id == seen.run_id
    after = {(c.case_id, c.lane): c.text for c in kept.stored_run(seen.run_id).calls}
    assert before.items() <= after.items()
    assert calls_of(kept, seen.run_id) == Counter({call.key: 1 for call in wanted().calls()})


def test_more_repeats_and_cases_are_asked_in_the_same_run(engine: LocalEngine, kept: Store) -> None:
    few = wanted(first=3)
    first = climbed(few, kept, engine).seen().run_id
    more = wanted(repeats=2)
    assert climbed(more, kept, engine).seen().run_id == first
    assert calls_of(kept, first) == Counter({call.key: 1 for call in more.calls()})
    other = climbed(replace(more, seed=5), kept, engine).seen().run_id
    assert other != first


def test_a_stopped_climb_goes_on_where_it_was(engine: LocalEngine, kept: Store) -> None:
    def stop(run: object, lane: str) -> bool:
        if lane == "prompt":
            climb.cancel()
        return False

    climb = Climb(wanted(), None, enough=stop, store=kept, engine=engine)
    climb.begin()
    seen = climb.wait(WAIT_S)
    assert (seen.progress.state, seen.lane) == ("stopped", "rag")
    assert "Stopped" in seen.progress.problem
    assert kept.run_state(seen.run_id)[0] == "interrupted"
    assert climbed(wanted(), kept, engine).seen().run_id == seen.run_id
    assert calls_of(kept, seen.run_id) == Counter({call.key: 1 for call in wanted().calls()})


def test_a_run_grows_only_into_what_holds_it(engine: LocalEngine, kept: Store) -> None:
    run_id = climbed(wanted(first=2), kept, engine).seen().run_id
    whole = wanted()
    narrower = replace(whole, lanes=("prompt",))
    changed = replace(whole, cases=(replace(whole.cases[0], query="Another?"), *whole.cases[1:]))
    for other in (narrower, changed, replace(whole, seed=1), replace(whole, mode="bench")):
        with pytest.raises(BadInput, match="asks something else"):
            kept.grow_run(run_id, other)
    assert kept.run_state(run_id)[0] == "done"
    kept.grow_run(run_id, whole)
    resume_scenario_run(run_id, store=kept, engine=engine).wait(WAIT_S)
    assert calls_of(kept, run_id) == Counter({call.key: 1 for call in whole.calls()})


def test_one_climb_a_scenario_at_a_time(engine: LocalEngine, kept: Store) -> None:
    known = Climbs()
    base = engine.status().base_hash
    refused: list[str] = []

    def again(run: object, lane: str) -> bool:
        with pytest.raises(BadInput, match="climbed already") as error:
            known.start(wanted(), base, enough=None, store=kept, engine=engine)
        refused.append(str(error.value))
        return True

    climb = known.start(wanted(), base, enough=again, store=kept, engine=engine)
    assert climb.wait(WAIT_S).progress.state == "done"
    assert len(refused) == 1
    assert known.get("lamps") is climb


def test_what_the_machine_lost_is_asked_again(engine: LocalEngine, kept: Store) -> None:
    run_id = climbed(wanted(), kept, engine).seen().run_id
    before = {call.case_id: call.text for call in kept.stored_run(run_id).calls if call.lane == "prompt"}
    with kept._write() as session:
        rows = session.scalars(select(CallRow).where(CallRow.backend == "prompt"))
        for place, row in enumerate(rows):
            row.status, row.text, row.failure_message = "failed", "", "Gone."
            row.failure_stage = "engine" if place else "prefill"  # The first one failed by itself.
    assert kept.lost_calls(run_id) == len(before) - 1
    assert climbed(wanted(), kept, engine).seen().run_id == run_id
    after = [call for call in kept.stored_run(run_id).calls if call.lane == "prompt"]
    assert Counter(call.status for call in after) == {"done": len(before) - 1, "failed": 1}
    assert all(call.text == before[call.case_id] for call in after if call.status == "done")
    assert kept.lost_calls(run_id) == 0


def test_an_own_order_of_cost_is_climbed_and_takes_new_approaches_last() -> None:
    lanes, terms = in_climbing_order(("oracle", "prompt", "few_shot", "rag"), Terms(order=("rag", "prompt")))
    assert lanes == ("rag", "prompt", "few_shot", "oracle")
    assert terms.order[:3] == ("rag", "prompt", "few_shot")
    assert in_climbing_order(("oracle", "rag", "prompt"), Terms())[0] == ("prompt", "rag", "oracle")
