"""People's adapters of a scenario: numbered, chosen, deleted; whole or not there, whoever writes at once."""

import json
import multiprocessing
import shutil
from pathlib import Path

import pytest

from backends.adapter_places import registry_folder
from backends.adapters import DRILL_NOTE, Registered, delete, find, register, registered, use
from backends.errors import BadInput
from backends.own_scenarios import create_scenario, delete_scenario
from backends.scenario import Scenario, changed_folder, load_scenario
from backends.settings import ROOT, settings


@pytest.fixture
def scenario() -> Scenario:
    return load_scenario("support-facts")


@pytest.fixture
def made(scenario: Scenario, tmp_path: Path) -> Path:
    """An adapter as training leaves one, with what it learnt from."""
    folder = shutil.copytree(scenario.path / "adapters" / "lora", tmp_path / "made")
    (folder / "examples.jsonl").write_text('{"messages": []}\n')
    return folder


def of_kind(made: Path, kind: str) -> Path:
    card = json.loads((made / "card.json").read_text())
    (made / "card.json").write_text(json.dumps(card | {"adapter": kind}))
    return made


def numbers(scenario: Scenario) -> list[tuple[str, int, bool]]:
    return [(one.kind, one.number, one.in_use) for one in registered(scenario)]


def test_what_ships_is_number_0_of_its_kind_and_in_use(scenario: Scenario) -> None:
    assert numbers(scenario) == [("lora", 0, True), ("lora_short", 0, True), ("hybrid", 0, True)]
    lora = registered(scenario)[0]
    assert (lora.key, lora.folder) == ("support-facts/lora", scenario.path / "adapters" / "lora")
    assert (lora.card.origin, lora.problem) == ("shipped", "")
    assert lora.card.size_bytes == (lora.folder / "adapter_model.safetensors").stat().st_size
    assert lora.card.epochs[0].training is None
    assert lora.card.held_out_loss == min(epoch.held_out for epoch in lora.card.epochs)
    assert lora.card.examples["file"] > lora.card.examples["training"]


def test_numbers_count_over_all_kinds_and_are_never_given_twice(scenario: Scenario, made: Path) -> None:
    one = register(scenario, made, use=False)
    two = register(scenario, of_kind(made, "hybrid"), use=True, facts={"note": "mine"})
    assert (one.kind, one.number, one.key) == ("lora", 1, "support-facts/lora+1")
    assert (two.kind, two.number, two.in_use, two.card.note) == ("hybrid", 2, True, "mine")
    assert two.card.origin == "trained"
    assert len(two.card.weights_sha256) == 64
    assert sorted(path.name for path in two.folder.iterdir()) == [
        "adapter_config.json", "adapter_model.safetensors", "card.json", "examples.jsonl"
    ]  # fmt: skip
    delete(scenario, 2)
    assert register(scenario, made, use=False).number == 3
    assert numbers(scenario)[3:] == [("lora", 1, False), ("hybrid", 3, False)]


def test_the_one_in_use_answers_and_putting_it_aside_leaves_what_ships(
    scenario: Scenario, made: Path
) -> None:
    shipped = scenario.adapter("lora")
    one = register(scenario, made, use=True)
    assert scenario.adapter("lora") == one.folder
    assert [number for number in numbers(scenario) if number[0] == "lora"] == [
        ("lora", 0, False), ("lora", 1, True)
    ]  # fmt: skip
    use(scenario, "lora", 0)
    assert scenario.adapter("lora") == shipped
    use(scenario, "lora", 1)
    assert scenario.adapter_place("lora").key == "support-facts/lora+1"
    assert scenario.adapter_place("hybrid").key == "support-facts/hybrid"
    shutil.rmtree(one.folder)  # By hand.
    assert scenario.adapter("lora") == shipped
    assert scenario.with_adapter(one).adapter("lora") == one.folder


def test_deleting_says_what_answers_from_now_on(scenario: Scenario, made: Path) -> None:
    own = create_scenario("No adapters of its own")
    register(scenario, made, use=True)
    register(scenario, made, use=False)
    register(own, made, use=True)
    assert delete(scenario, 2) == "Adapter 2 was deleted."
    assert delete(scenario, 1) == "Adapter 1 was deleted; LoRA answers with the one that ships."
    assert delete(own, 1) == "Adapter 1 was deleted; LoRA has no adapter now."
    for number, words in ((0, "What ships is not deleted"), (1, "has no adapter 1")):
        with pytest.raises(BadInput, match=words):
            delete(scenario, number)
    assert list(registry_folder(scenario.name).glob(".*")) == []


def test_what_is_not_there_or_of_another_kind_is_a_sentence(scenario: Scenario, made: Path) -> None:
    register(scenario, made, use=False)
    for kind, number in (("lora", 2), ("hybrid", 1)):
        with pytest.raises(BadInput, match=rf"no adapter {number} for .*There are: 0"):
            use(scenario, kind, number)
    assert find(scenario, "lora", 1).number == 1
    with pytest.raises(BadInput, match="no adapter that ships for LoRA"):
        find(create_scenario("Bare"), "lora", 0)
    with pytest.raises(BadInput, match="names no kind"):
        register(scenario, of_kind(made, "lora_long"), use=False)
    (of_kind(made, "lora") / "adapter_model.safetensors").write_bytes(b"no weights")
    with pytest.raises(BadInput, match="can't be read"):
        register(scenario, made, use=True)
    assert numbers(scenario)[3:] == [("lora", 1, False)]


def test_a_card_that_says_nonsense_is_read_as_far_as_it_goes(scenario: Scenario, made: Path) -> None:
    one = register(scenario, made, use=False)
    nonsense = {"adapter": "lora", "epochs": [1, {"epoch": "x"}], "recipe": [], "held_out_loss": float("nan")}
    (one.folder / "card.json").write_text(json.dumps(nonsense))
    again = find(scenario, "lora", 1)
    assert (again.card.epochs, again.card.held_out_loss, again.card.recipe) == ((), None, {})
    (one.folder / "card.json").write_text("[" * 100_000)
    assert [found.problem for found in registered(scenario)][3:] == ["has no readable card.json"]
    (registry_folder(scenario.name) / "in_use.json").write_text('{"lora": "1", "hybrid": -1, "x": [1]}')
    assert scenario.adapter_place("lora").number == 0


def take(folder: str, data: str, made: str) -> None:
    """In a process of its own."""
    settings.cache_clear()
    settings().data_dir = Path(data)
    for _ in range(4):
        register(load_scenario(folder), Path(made), use=True)


def test_two_processes_at_once_get_different_numbers(scenario: Scenario, made: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    arguments = (scenario.name, str(settings().data_dir), str(made))
    both = [spawn.Process(target=take, args=arguments) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(120)
        assert process.exitcode == 0
    own = registered(scenario)[3:]
    assert [one.number for one in own] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [one.number for one in own if one.in_use] == [8]
    assert {one.problem for one in own} == {""}


@pytest.mark.parametrize("step", ["_fill", "_next_number", "_choose", "_sweep"])
def test_a_process_that_dies_between_two_steps_leaves_nothing_half(
    step: str, scenario: Scenario, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import backends.adapters

    first = register(scenario, made, use=True)
    real = getattr(backends.adapters, step)
    dying: list[int] = []

    def die(*arguments: object) -> None:
        real(*arguments)
        if step != "_sweep" or dying:  # Each writing begins by sweeping: deleting sweeps again at its end.
            raise KeyboardInterrupt
        dying.append(1)

    monkeypatch.setattr(backends.adapters, step, die)
    with pytest.raises(KeyboardInterrupt):
        delete(scenario, 1) if step == "_sweep" else register(scenario, made, use=True)
    monkeypatch.undo()
    there = [one for one in registered(scenario) if one.number]
    assert {one.problem for one in there} <= {""}
    assert len(there) == {"_fill": 1, "_next_number": 1, "_choose": 2, "_sweep": 0}[step]
    if step in ("_fill", "_next_number"):
        assert scenario.adapter("lora") == first.folder
    again = register(scenario, made, use=True)
    assert again.number == {"_fill": 2}.get(step, 3 if step != "_sweep" else 2)
    assert list(registry_folder(scenario.name).glob(".part-*")) == []


def test_what_an_earlier_drill_left_in_use_is_carried_over(scenario: Scenario, made: Path) -> None:
    left = changed_folder(scenario.name) / "adapters"
    shutil.copytree(made, left / "lora")
    (left / ".training-x").mkdir()
    found = load_scenario(scenario.name).adapter_place("lora")
    assert (found.number, found.key) == (1, "support-facts/lora+1")
    assert not left.exists()
    assert [(one.problem, one.card.note) for one in registered(scenario)][3:] == [("", DRILL_NOTE)]


def test_a_deleted_scenario_takes_its_adapters_along(made: Path) -> None:
    own = create_scenario("Short life")
    register(own, made, use=True)
    delete_scenario(own)
    again = create_scenario("Short life")
    assert again.name == own.name
    assert registered(again) == ()
    assert isinstance(register(again, made, use=False), Registered)


def test_nothing_that_ships_is_touched(scenario: Scenario, made: Path) -> None:
    def all_of_it() -> dict[Path, bytes]:
        folders = (ROOT / "scenarios").glob("*/adapters")
        return {path: path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}

    before = all_of_it()
    register(scenario, made, use=True)
    use(scenario, "lora", 0)
    delete(scenario, 1)
    assert all_of_it() == before
