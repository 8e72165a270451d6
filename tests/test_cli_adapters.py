"""``adapters`` on the command line: list, choose, delete, give away, take in."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from backends.adapters import register
from backends.scenario import Scenario, load_scenario
from compare.__main__ import main
from compare.command import BAD_INPUT, FINE
from tests.test_cli import document, lever


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    """With one adapter of its own, which is not in use."""
    found = load_scenario("support-facts")
    register(found, found.path / "adapters" / "lora", use=False, facts={"note": "with more examples"})
    return found


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, document and standard error."""
    code = main(["adapters", *arguments, "--json"])
    said = capsys.readouterr()
    return code, json.loads(said.out) if said.out else {}, said.err


def numbers(found: dict[str, Any]) -> list[tuple[str, int, bool]]:
    return [(one["kind"], one["number"], one["in_use"]) for one in found["adapters"]]


def test_adapters_are_listed_chosen_and_deleted(
    scenario: Scenario, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found, _ = told(capsys, scenario.name)
    shipped = [("lora_short", 0, True), ("hybrid", 0, True)]
    assert (code, numbers(found)) == (FINE, [("lora", 0, True), *shipped, ("lora", 1, False)])
    own = found["adapters"][3]
    assert own["key"] == "support-facts/lora+1"
    assert (own["note"], own["origin"], own["problem"]) == ("with more examples", "trained", None)
    assert own["held_out_loss"] > 0
    assert own["examples"] > 100
    assert own["size_bytes"] > 100_000
    assert numbers(told(capsys, scenario.name, "--use", "lora", "1")[1])[3] == ("lora", 1, True)
    assert numbers(told(capsys, scenario.name, "--use", "lora", "0")[1])[0] == ("lora", 0, True)
    told(capsys, scenario.name, "--use", "lora", "1")
    assert main(["adapters", scenario.name]) == FINE
    listed = capsys.readouterr().out.splitlines()
    assert listed[0].startswith("lora as shipped, held-out loss ")
    assert listed[3].startswith("lora 1 (in use), held-out loss ")
    assert listed[3].endswith(", with more examples")
    assert main(["adapters", scenario.name, "--delete", "1"]) == FINE
    assert capsys.readouterr().out.startswith(
        "Adapter 1 was deleted; LoRA answers with the one that ships.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--use", "lora", "7"], "no adapter 7"),
        (["--use", "lora", "-1"], "Write it like --use lora 2."),
        (["--use", "rag", "1"], "Write it like --use lora 2."),
        (["--delete", "0"], "What ships is not deleted"),
        (["--delete", "9"], "has no adapter 9"),
        (["--export", "1"], "Add --out FILE.zip"),
        (["--export", "0", "--out", "x.zip"], "no adapter 0 of its own"),
        (["--export", "1", "--out", "."], "can't be written"),
        (["--import", "nowhere.zip"], "nowhere.zip can't be read"),
    ],
)
def test_what_can_not_be_done_is_one_sentence(
    arguments: list[str], words: str, scenario: Scenario, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found, said = told(capsys, scenario.name, *arguments)
    assert (code, found) == (BAD_INPUT, {})
    assert words in said
    assert len(said.strip().splitlines()) == 1
    assert len(told(capsys, scenario.name)[1]["adapters"]) == 4


def test_an_adapter_goes_out_and_into_another_scenario_and_answers_there(
    scenario: Scenario, tmp_path: Path, own_data_folder: Path
) -> None:
    file = str(tmp_path / "mine.zip")
    assert (
        lever(own_data_folder, "adapters", scenario.name, "--export", "1", "--out", file).returncode == FINE
    )
    taken = lever(own_data_folder, "adapters", "ticket-routing", "--import", file, "--json")
    assert taken.returncode == FINE, taken.stderr
    one = document(taken)["adapters"][-1]
    assert (one["key"], one["origin"], one["in_use"]) == ("ticket-routing/lora+1", "imported", False)
    lanes = "lora+0,lora+1,lora+ticket-routing/1"
    options = ("--scenario", scenario.name, "--backends", lanes, "--temperature", "0", "--json")
    asked = lever(own_data_folder, "ask", "What warranty does the Pro plan include?", *options)
    assert asked.returncode == FINE, asked.stderr
    calls = document(asked)["calls"]
    assert [call["backend"] for call in calls] == lanes.split(",")
    assert len({call["text"] for call in calls}) == 1  # All three are the one that ships.
    shutil.rmtree(own_data_folder / "adapters" / scenario.name / "1")
    gone = lever(own_data_folder, "ask", "Hi", *options)
    assert gone.returncode == BAD_INPUT
    assert "has no adapter 1 for LoRA. There are: 0." in gone.stderr


def test_doctor_lists_what_is_in_use_and_names_what_is_damaged(
    scenario: Scenario, own_data_folder: Path
) -> None:
    assert lever(own_data_folder, "adapters", scenario.name, "--use", "lora", "1").returncode == FINE
    found = document(lever(own_data_folder, "doctor", "--json"))
    used = {(one["scenario"], one["name"]): one["in_use"] for one in found["adapters"]}
    assert used[scenario.name, "lora+1"] is True
    assert used[scenario.name, "lora"] is False
    assert used["ticket-routing", "lora"] is True
    assert found["problems"] == []
    weights = own_data_folder / "adapters" / scenario.name / "1" / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    found = document(lever(own_data_folder, "doctor", "--json"))
    assert "support-facts/lora+1 has other weights than when it was registered" in found["problems"][0]
