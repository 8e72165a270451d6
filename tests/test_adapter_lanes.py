"""Lanes that name adapters: side by side in one batch, in every file of a run, kept by a run to its end."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.adapters import Registered, delete, register, use
from backends.base import adapter_key
from backends.engine.local import LocalEngine
from backends.errors import BadInput
from backends.scenario import Scenario, load_scenario
from backends.settings import settings
from backends.types import Query, Sampling
from compare.closing import require_same_adapters
from compare.gates import read_gate
from compare.lane_names import lane_name, lane_title
from compare.lanes import adapter_of, backend_of, check_lanes, open_lanes, version_of
from compare.run_difference import compare_runs
from compare.run_export import FORMATS, export
from compare.run_measures import measure
from compare.runner import start
from compare.scenario_run import make_plan, resume_scenario_run, start_scenario_run
from compare.store import Store
from tests.calls import unload
from tests.test_scenario_run import LONG, SHORT, TOML, WAIT_S, finished, new_engine
from tests.tiny import build_adapter, build_model
from ui.words import lane_summary

ASKED = ("prompt", "lora", "lora+0", "lora+1", "lora@1+1", "lora+plugs/1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lanes")
    model = build_model(folder / "model", context=1024)
    for name in ("lamps", "plugs"):
        (folder / "scenarios" / name).mkdir(parents=True)
        (folder / "scenarios" / name / "scenario.toml").write_text(TOML)
    rows = "".join(f"How long does lamp {n} last?,contains_all: nine\n" for n in range(16))
    (folder / "scenarios" / "lamps" / "cases.csv").write_text("query,checks\n" + rows)
    build_adapter(folder / "scenarios" / "lamps" / "adapters" / "lora", model, seed=1)
    for seed in (2, 3, 4):
        made = build_adapter(folder / "made" / str(seed), model, seed=seed)
        card = json.loads((made / "card.json").read_text())
        (made / "card.json").write_text(json.dumps(card | {"adapter": "lora"}))
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


@pytest.fixture
def lamps() -> Scenario:
    return load_scenario("lamps")


@pytest.fixture
def own(folder: Path, lamps: Scenario) -> tuple[Registered, Registered, Registered]:
    """Two adapters of the lamps, of which neither is in use, and one of the plugs."""
    return (
        register(lamps, folder / "made" / "2", use=False),
        register(lamps, folder / "made" / "3", use=False),
        register(load_scenario("plugs"), folder / "made" / "4", use=False),
    )


@pytest.mark.parametrize(
    ("lane", "backend", "version", "adapter", "name"),
    [
        ("lora", "lora", None, None, "LoRA"),
        ("lora+3", "lora", None, (None, 3), "LoRA, adapter 3"),
        ("lora@2", "lora", 2, None, "LoRA, version 2"),
        ("lora@2+3", "lora", 2, (None, 3), "LoRA, version 2, adapter 3"),
        ("hybrid+0", "hybrid", None, (None, 0), "RAG + LoRA, adapter as shipped"),
        ("lora+a-b_c/3", "lora", None, ("a-b_c", 3), "LoRA, a-b_c's adapter 3"),
        ("lora@2+x/0", "lora", 2, ("x", 0), "LoRA, version 2, x's adapter as shipped"),
    ],
)
def test_a_lane_says_backend_version_and_adapter(
    lane: str, backend: str, version: int | None, adapter: tuple[str | None, int] | None, name: str
) -> None:
    assert (backend_of(lane), version_of(lane), adapter_of(lane)) == (backend, version, adapter)
    assert lane_name(lane) == name
    assert lane_title(lane)[2:] == name
    assert lane_summary(lane)
    check_lanes([lane])


@pytest.mark.parametrize(
    ("lane", "told"),
    [
        ("lora+", "names no adapter"),
        ("lora+x", "names no adapter"),
        ("lora+03", "names no adapter"),
        ("lora+-1", "names no adapter"),
        ("lora+1+2", "names no adapter"),
        ("lora+/1", "names no adapter"),
        ("lora+../1", "names no adapter"),
        ("lora+a/b/1", "names no adapter"),
        ("lora+1\n", "names no adapter"),
        ("lora+1@2", "names no adapter"),
        ("lora@+1", "names no version"),
        ("rag+1", "rag answers without an adapter.*lora, lora_short, hybrid"),
        ("+1", "no backend ''"),
        (f"lora+{'x' * 60}/1", "more than 64 characters"),
    ],
)
def test_a_lane_that_can_not_be_is_a_sentence(lane: str, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        check_lanes([lane])


def test_a_lane_of_an_adapter_that_is_not_there_is_a_sentence(
    lamps: Scenario, kept: Store, own: tuple[Registered, ...]
) -> None:
    for lane, told in (
        ("lora+7", "lamps has no adapter 7 for LoRA. There are: 0, 1, 2"),
        ("hybrid+1", "lamps has no adapter 1 for RAG"),
        ("hybrid+0", "lamps has no adapter that ships for RAG"),
        ("lora+plugs/2", "plugs has no adapter 2"),
        ("lora+nobody/1", "no scenario called 'nobody'"),
    ):
        with pytest.raises(BadInput, match=told.replace("+", r"\+")):
            open_lanes([lane], lamps, kept)


def test_adapters_stand_side_by_side_in_one_batch_and_in_every_file(
    engine: LocalEngine, kept: Store, lamps: Scenario, own: tuple[Registered, ...], tmp_path: Path
) -> None:
    query = Query(text="How long does lamp 3 last?", scenario="lamps", sampling=LONG)
    bare = start(query, backends=("prompt",), store=kept, engine=engine).wait(WAIT_S)
    use(lamps, "lora", 2)
    view = start(query, backends=ASKED, store=kept, engine=engine).wait(WAIT_S)
    calls = {lane: view.lane(lane)[0] for lane in ASKED}
    assert {lane: call.status for lane, call in calls.items()} == dict.fromkeys(ASKED, "done")
    keys = {lane: call.prompt.adapter for lane, call in calls.items()}
    assert keys == {
        "prompt": None,
        "lora": "lamps/lora+2",
        "lora+0": "lamps/lora",
        "lora+1": "lamps/lora+1",
        "lora@1+1": "lamps/lora+1",
        "lora+plugs/1": "plugs/lora+1",
    }
    said = {lane: call.answer.token_ids for lane, call in calls.items()}
    assert said["prompt"] == bare.lane("prompt")[0].answer.token_ids
    assert said["lora+1"] == said["lora@1+1"]
    assert len({said[lane] for lane in ASKED}) == len(ASKED) - 1
    stored = kept.load_run(view.id)
    assert {lane: stored.lane(lane)[0].text for lane in ASKED} == {lane: calls[lane].text for lane in ASKED}
    assert {one.key for one in stored.provenance.adapters} == set(keys.values()) - {None}
    (adapters,) = (entry for entry in kept.stored_run(view.id).ledger if entry.what == "adapter")
    assert adapters.values["lora+plugs/1"] == f"plugs/lora+1 {own[2].card.weights_sha256[:8]}"
    assert adapters.values["lora"] != adapters.values["lora+1"] != adapters.values["lora+0"]
    run = finished(start_scenario_run(plan_of(lamps, ASKED, first=2), store=kept, engine=engine))
    measured = measure(found := kept.stored_run(run.id), kept.vectors(found))
    assert set(measured.lanes) == set(ASKED)
    files = {form: b"".join(export(measured, kept, form)).decode("utf-8-sig") for form in FORMATS}
    for form, text in files.items():
        for lane in ASKED:
            assert (lane_name(lane).replace("'", "&#39;") if form == "html" else lane) in text
    for info in engine.status().adapters:
        if "+" in info.key:
            unload(engine, info.key)
    assert [info.key for info in engine.status().adapters] == ["lamps/lora"]


def plan_of(scenario: Scenario, lanes: tuple[str, ...], sampling: Sampling = SHORT, **more: int):  # type: ignore[no-untyped-def]
    return make_plan(scenario, lanes, sampling=sampling, **more)


def test_a_gate_may_name_such_a_lane() -> None:
    gate = read_gate("lora+plugs/1.pass_rate>=0.8", ("lora+plugs/1",), ("pass_rate",))
    assert (gate.lane, gate.failure({"lora+plugs/1": {"pass_rate": 0.9}})) == ("lora+plugs/1", None)
    assert read_gate("lora@1+2.pass_rate<1", ("lora@1+2",), ("pass_rate",)).lane == "lora@1+2"


def test_a_run_keeps_its_adapter_when_another_is_chosen_or_it_is_deleted(
    engine: LocalEngine, kept: Store, lamps: Scenario, own: tuple[Registered, ...]
) -> None:
    use(lamps, "lora", 1)
    (lane,) = open_lanes(["lora"], lamps, kept)
    query = Query(text="How long?", scenario="lamps", sampling=SHORT)
    assert lane.backend.prepare(query, lane.scenario, engine).adapter == "lamps/lora+1"
    use(lamps, "lora", 2)
    assert lane.backend.prepare(query, lane.scenario, engine).adapter == "lamps/lora+1"
    delete(lamps, 1)
    assert lane.backend.prepare(query, lane.scenario, engine).adapter == "lamps/lora+1"
    assert adapter_key(lamps, "lora", engine) == "lamps/lora+2"


def test_a_run_goes_on_only_with_the_adapter_that_it_was_begun_with(
    engine: LocalEngine, kept: Store, lamps: Scenario, own: tuple[Registered, ...]
) -> None:
    lanes = ("lora", "lora+1")
    run = start_scenario_run(plan_of(lamps, lanes, LONG, repeats=5), store=kept, engine=engine)
    while run.progress().done == 0:
        run.wait(0.01)
    run.cancel()
    assert run.wait(WAIT_S).state == "stopped"
    before = kept.provenance(run.id)
    use(lamps, "lora", 2)
    refused = resume_scenario_run(run.id, store=kept, engine=engine).wait(WAIT_S)
    assert refused.state == "stopped"
    assert refused.problem == (
        "LoRA began this run with the adapter lamps/lora; now lamps/lora+2 is in use. "
        "Use the first one again, or start a new run."
    )
    assert kept.provenance(run.id) == before
    use(lamps, "lora", 0)
    whole = finished(resume_scenario_run(run.id, store=kept, engine=engine))
    stored = kept.stored_run(whole.id)
    assert len(stored.calls) == 16 * 2 * 5


def test_lanes_that_were_asked_nothing_may_go_on_with_any_adapter() -> None:
    require_same_adapters({}, {"lora": "s/lora+3"})
    require_same_adapters({"prompt": None}, {"prompt": None, "lora": "s/lora+3"})
    with pytest.raises(BadInput, match=r"RAG \+ LoRA began this run with the adapter s/hybrid; now"):
        require_same_adapters({"hybrid": "s/hybrid"}, {"hybrid": "s/hybrid+1"})


def test_two_runs_differ_in_the_adapters_of_lanes_that_both_have(
    engine: LocalEngine, kept: Store, lamps: Scenario, own: tuple[Registered, ...]
) -> None:
    stored = []
    for lanes in (("prompt", "lora+1"), ("prompt", "lora+1", "lora"), ("prompt",), ("prompt", "lora")):
        use(lamps, "lora", 2 * (len(stored) == 3))
        run = finished(start_scenario_run(plan_of(lamps, lanes, first=1), store=kept, engine=engine))
        stored.append(kept.stored_run(run.id))
    for a, b, different in ((0, 1, []), (0, 2, []), (0, 3, []), (1, 3, ["adapters"])):
        assert [what for what, _, _ in compare_runs(stored[a], stored[b]).changes] == different
