"""A scenario under two real bases: its adapters are trained again for the other one, and its cases asked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backends.adapters import EXAMPLES, registered, use
from backends.engine.local import LocalEngine
from backends.errors import BadInput
from backends.scenario import Scenario, load_scenario
from backends.settings import Settings, settings
from backends.training import Recipe
from backends.training.jobs import create_job, is_running, jobs
from backends.training.progress import view
from backends.types import Sampling
from compare.another_base import AnotherBase, another_base, recipe_changes
from compare.lane_difference import compare_lanes
from compare.rebasing import Rebasing
from compare.run_difference import compare_runs
from compare.scenario_run import make_plan, start_scenario_run
from compare.store import Store
from compare.trainings import follow, start_training, stop_training
from tests.tiny import build_adapter, build_model

WAIT_S = 120
TOML = """
system_prompt = "Answer in one sentence."
[training.lora]
epochs = 1
rank = 4
held_out = 0.2
"""
ANSWERS = {"lora": "nine years", "lora_short": "ten years"}


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bases")
    build_model(folder / "small")
    build_model(folder / "large", layers=3, seed=7)
    return folder


@pytest.fixture(autouse=True)
def lamps(bases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    """A scenario whose adapter that ships was trained for the small base, on examples of its own."""
    path = tmp_path / "scenarios" / "lamps"
    path.mkdir(parents=True)
    (path / "scenario.toml").write_text(TOML)
    rows = "".join(f"How long does lamp {n} last?,contains_all: nine\n" for n in range(3))
    (path / "cases.csv").write_text("query,checks\n" + rows)
    (path / EXAMPLES).write_bytes(examples("eight years"))
    made = build_adapter(path / "adapters" / "lora", bases / "small", seed=1)
    card = json.loads((made / "card.json").read_text())
    card |= {"adapter": "lora", "base_model": "small", "recipe": {"epochs": 2, "rank": 2, "held_out": 0.2}}
    (made / "card.json").write_text(json.dumps(card))
    (made / EXAMPLES).write_bytes(examples(ANSWERS["lora"]))
    monkeypatch.setenv("LEVER_SCENARIOS_DIR", str(path.parent))
    monkeypatch.setenv("LEVER_DEVICE", "cpu")
    monkeypatch.setenv("LEVER_THREADS", "1")
    settings.cache_clear()
    return load_scenario("lamps")


def examples(answer: str) -> bytes:
    rows = [
        {
            "messages": [
                {"role": "user", "content": f"Does lamp {n} last long?"},
                {"role": "assistant", "content": answer},
            ]
        }
        for n in range(10)
    ]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@contextmanager
def loaded(base: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalEngine]:
    """An engine on this base, which trainings take too."""
    monkeypatch.setenv("LEVER_MODEL", str(base))
    settings.cache_clear()
    engine = LocalEngine(Settings())  # type: ignore[call-arg]
    engine.start()
    assert engine.wait_ready(WAIT_S).state == "ready", engine.status().detail
    yield engine
    engine.stop()


def asked(scenario: Scenario, lanes: tuple[str, ...], kept: Store, engine: LocalEngine) -> str:
    plan = make_plan(scenario, lanes, repeats=2, seed=5, sampling=Sampling(max_tokens=4))
    run = start_scenario_run(plan, store=kept, engine=engine)
    assert run.wait(WAIT_S).state == "done", run.progress()
    return run.id


def carried_out(found: AnotherBase, kept: Store, engine: LocalEngine) -> Rebasing:
    going = Rebasing(found, store=kept, engine=engine, by="Ada")
    going.begin()
    progress = going.wait(WAIT_S)
    assert progress.state == "done", progress
    return going


def test_adapters_are_trained_again_for_the_loaded_base_and_the_cases_asked_as_before(
    bases: Path, lamps: Scenario, kept: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with loaded(bases / "small", monkeypatch) as small:
        first = asked(lamps, ("prompt", "lora", "lora+0"), kept, small)
        assert another_base(lamps, small.status(), kept).adapters_fit
        small_status = small.status()
    with loaded(bases / "large", monkeypatch) as large:
        found = another_base(lamps, large.status(), kept)
        assert found.trained_for == ("small",)
        assert [one.kind for one in found.to_train] == ["lora"]
        assert found.repeats == first
        done = carried_out(found, kept, large).progress()

        (trained,) = [one for one in registered(lamps) if one.number]
        assert trained.in_use
        assert trained.card.base_hash == large.status().base_hash
        assert ANSWERS["lora"] in (trained.folder / EXAMPLES).read_text()  # What the one before learnt from.
        assert (trained.card.recipe["epochs"], trained.card.recipe["rank"]) == (2, 2)
        assert trained.card.trained_by == "Ada"

        a, b = (kept.stored_run(str(id_)) for id_ in (first, done.run_id))
        assert b.plan.lanes == ("prompt", "lora")  # The numbered one is of the other base.
        assert (b.plan.cases, b.plan.repeats, b.plan.seed, b.plan.sampling) == (
            a.plan.cases, a.plan.repeats, a.plan.seed, a.plan.sampling
        )  # fmt: skip
        assert all(call.status == "done" for call in b.calls)
        assert compare_runs(a, b).bases == ("small", "large")
        pair = compare_lanes(b, "lora", a, "prompt")
        assert pair.gain is not None
        assert pair.gain.cases == 3
        assert pair.this.training_s == trained.card.seconds
        assert pair.against.training_s is None
        assert pair.this.total_ms is not None
        assert pair.no_times == ""

        again = another_base(lamps, large.status(), kept)
        assert again.adapters_fit
        assert again.asked_again == done.run_id
        nothing = carried_out(again, kept, large).progress()
        assert (nothing.trainings, nothing.run_id) == ((), done.run_id)
        assert len(jobs("lamps")) == 1

    back = another_base(lamps, small_status, kept)  # With the first base loaded once more.
    assert [one.number for one in back.to_use] == [0]
    assert back.to_train == ()
    assert back.repeats == done.run_id
    assert back.asked_again is None  # The first run had other lanes.


def test_a_training_that_was_stopped_is_taken_up_and_not_begun_anew(
    bases: Path, lamps: Scenario, kept: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with loaded(bases / "large", monkeypatch) as engine:
        found = another_base(lamps, engine.status(), kept)
        (one,) = found.to_train
        recipe = Recipe(epochs=15, batch_size=2, rank=2, held_out=0.2, patience=0)
        job = create_job("lamps", "lora", recipe, one.examples.read_bytes(), note=found.note)
        start_training(job)
        while not view(job).steps:
            assert is_running(job), view(job)
        stop_training(job, keep=False)
        assert follow(job).state == "paused"
        (begun,) = another_base(lamps, engine.status(), kept).to_train
        assert begun.begun == job
        done = carried_out(another_base(lamps, engine.status(), kept), kept, engine).progress()
        assert [seen.job.id for seen in done.trainings] == [job.id]
        assert len(jobs("lamps")) == 1
        assert (done.run_id, done.asked_before) == (None, None)  # Nothing was asked before.


def test_what_has_no_examples_is_named_and_its_lanes_are_left_out(
    bases: Path, lamps: Scenario, kept: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with loaded(bases / "small", monkeypatch) as engine:
        asked(lamps, ("prompt", "lora"), kept, engine)
    (lamps.path / EXAMPLES).unlink()
    (lamps.path / "adapters" / "lora" / EXAMPLES).unlink()
    with loaded(bases / "large", monkeypatch) as engine:
        found = another_base(lamps, engine.status(), kept)
    assert found.no_examples == ("lora",)
    assert found.plan is not None
    assert found.plan.lanes == ("prompt",)
    assert not found.adapters_fit


def test_four_bits_are_kept_only_where_the_device_can(lamps: Scenario) -> None:
    (one,) = registered(lamps)
    card = json.loads((one.folder / "card.json").read_text())
    (one.folder / "card.json").write_text(
        json.dumps(card | {"recipe": {"four_bit": True, "x": 1, "rank": 3}})
    )
    (one,) = registered(lamps)
    assert recipe_changes(one, "cpu") == {"four_bit": False, "rank": 3}
    assert recipe_changes(one, "cuda:0") == {"four_bit": True, "rank": 3}
    assert recipe_changes(None, "cpu") == {"four_bit": False}
    with pytest.raises(BadInput):
        use(lamps, "lora", 9)
