"""``helped`` with the shipped model and its adapters, ``curve`` with a tiny one, as people call them."""

import json
from pathlib import Path

import pytest

from tests.test_cli import document, lever
from tests.tiny import build_model

TICKETS = "ticket-routing"


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cli-adapters") / "data"


def test_the_shipped_adapter_helps_and_what_was_asked_is_not_asked_again(data_folder: Path) -> None:
    asked = lever(data_folder, "helped", TICKETS, "0", "--adapter", "lora", "--json")
    assert asked.returncode == 0, asked.stderr
    found = document(asked)
    assert (found["after"], found["proof"]) == ("lora+0", "passed")
    (bare,) = found["before"].values()
    assert bare["sentence"].startswith("The adapter raised right answers on the test questions from ")
    low, high = bare["difference"]["interval"]
    assert 0 < low < bare["difference"]["mean"] < high
    assert bare["difference"]["mean"] == pytest.approx(bare["after"]["mean"] - bare["before"]["mean"])
    assert bare["p_value"] < 0.05
    assert [one["name"] for one in bare["checks"]] == ["json_schema", "json_fields"]
    many = round(72 * (1 - bare["before"]["mean"]))
    assert sum(before for before, _ in bare["failure_classes"].values()) == many
    assert len(bare["better"]) + len(bare["worse"]) + bare["same"] == 72

    again = lever(data_folder, "helped", TICKETS, "0", "--adapter", "lora")
    assert again.returncode == 0, again.stderr
    assert "Loading the model" not in again.stderr
    assert bare["sentence"] in again.stdout
    assert found["run_id"] in again.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((TICKETS, "0"), "Several adapters have the number 0. Add --adapter"),
        ((TICKETS, "7"), "no such adapter 7"),
        ((TICKETS, "0", "--adapter", "lora", "--against", "9"), "no adapter 9 for LoRA"),
        ((TICKETS, "0", "--adapter", "lora", "--on", TICKETS), "Choose another one."),
        (("nothing", "1"), "There is no scenario called 'nothing'"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(
    data_folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = lever(data_folder, "helped", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_curve_is_trained_asked_and_shown(data_folder: Path, tmp_path: Path) -> None:
    build_model(tmp_path / "model")
    plans = tmp_path / "scenarios" / "plans"
    plans.mkdir(parents=True)
    (plans / "scenario.toml").write_text("[training.lora]\nepochs = 1\nrank = 2\n")
    (plans / "cases.csv").write_text("query,checks,split\nHow long?,contains_any: a | e,test\n")
    turns = (("user", "What is {}?"), ("assistant", "It is {}."))
    rows = [
        {"messages": [{"role": role, "content": text.format(n)} for role, text in turns]} for n in range(9)
    ]
    (plans / "examples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = {
        "LEVER_MODEL": str(tmp_path / "model"),
        "LEVER_SCENARIOS_DIR": str(plans.parent),
        "LEVER_DEVICE": "cpu",
        "LEVER_THREADS": "1",
    }
    few = lever(data_folder, "curve", "plans", **told)
    assert (few.returncode, few.stdout) == (2, "")
    assert "9 examples are too few for a learning curve from 25 on" in few.stderr
    done = lever(data_folder, "curve", "plans", "--sizes", "4,50", "--seeds", "1", "--json", **told)
    assert done.returncode == 0, done.stderr
    found = document(done)
    assert (found["state"], found["seeds"], len(found["runs"])) == ("done", 1, 1)
    assert [one["examples"] for one in found["sizes"]] == [4, 9]
    assert all(one["held_out_loss"] > 0 and len(one["by_seed"]) == 1 for one in found["sizes"])
    assert "Training on 4 examples, seed 1" in done.stderr
    shown = lever(data_folder, "curve", "plans", "--show", "--json", **told)
    assert document(shown) == found
    resumed = lever(data_folder, "curve", "--resume", found["id"], **told)
    assert found["sentence"] in resumed.stdout
