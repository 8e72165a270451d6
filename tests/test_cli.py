"""The command line as people call it: its own process, the shipped model, one document on stdout."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backends.settings import ROOT
from compare.command import watch
from compare.scenario_run import Progress
from compare.store import Store

TIMEOUT_S = 300
QUESTION = "What warranty does the Pro plan include?"
COMMAND = ("ask", QUESTION, "--scenario", "support-facts", "--repeats", "3", "--json", "--show-prompt")
PARTS = ("queued_ms", "adapter_switch_ms", "embed_ms", "retrieve_ms", "prefill_ms", "decode_ms")


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cli") / "data"


def lever(data_folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """``python -m compare`` with these arguments and its own data folder."""
    return subprocess.run(
        [sys.executable, "-m", "compare", *arguments],
        cwd=ROOT,
        env={**os.environ, "LEVER_DATA_DIR": str(data_folder), **environment},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )


def document(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The one JSON document of standard output."""
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def asked(data_folder: Path) -> dict[str, Any]:
    """The opening question of the demo, three times by four backends."""
    done = lever(data_folder, *COMMAND)
    assert done.returncode == 0, done.stderr
    assert "12 of 12 calls" in done.stderr
    return document(done)


def test_ask_gives_twelve_done_calls_in_the_specified_document(asked: dict[str, Any]) -> None:
    assert list(asked) == ["run_id", "model", "mode", "calls"]
    calls = asked["calls"]
    assert {(call["backend"], call["repeat"]) for call in calls} == {
        (backend, repeat) for backend in ("prompt", "rag", "lora", "hybrid") for repeat in range(3)
    }
    for call in calls:
        assert call["status"] == "done", call["failure"]
        assert call["text"].strip()
        assert call["failure"] is None
        assert call["usage"]["prompt_tokens"] > 0
        assert call["usage"]["completion_tokens"] > 0
        assert [check["name"] for check in call["checks"]] == ["contains_all"]
        assert set(call["checks"][0]) == {"name", "kind", "result", "reason"}


def test_latency_parts_sum_within_two_percent(asked: dict[str, Any]) -> None:
    for call in asked["calls"]:
        timing = call["timing"]
        assert set(timing) == {*PARTS, "ttft_ms", "total_ms"}
        assert sum(timing[part] for part in PARTS) == pytest.approx(timing["total_ms"], rel=0.02)
        assert 0 < timing["ttft_ms"] <= timing["total_ms"]


def test_only_retrieval_lanes_have_passages_and_they_stand_in_the_prompt(asked: dict[str, Any]) -> None:
    for call in asked["calls"]:
        assert QUESTION in call["prompt"]
        if call["backend"] in ("rag", "hybrid"):
            assert {passage["source"] for passage in call["passages"]} >= {"warranty.md"}
            assert all(-1 <= passage["cosine"] <= 1 for passage in call["passages"])
            assert all(" ".join(p["text"].split()) in call["prompt"] for p in call["passages"])
        else:
            assert call["passages"] == []


def test_seeds_are_shared_by_the_backends_and_differ_by_repeat(asked: dict[str, Any]) -> None:
    seeds = {(call["repeat"], call["seed"]) for call in asked["calls"]}
    assert len(seeds) == 3
    assert (0, 0) in seeds


def test_the_run_is_in_the_store_as_it_was_printed(asked: dict[str, Any], data_folder: Path) -> None:
    kept = Store(f"sqlite:///{data_folder / 'lever.db'}")
    view = kept.load_run(asked["run_id"])
    kept.close()
    assert view.status == "done"
    assert [call.text for call in view.calls.values()] == [call["text"] for call in asked["calls"]]
    assert view.provenance is not None
    assert view.provenance.proof == "passed"


def test_the_same_command_gives_the_same_texts_again(asked: dict[str, Any], data_folder: Path) -> None:
    again = document(lever(data_folder, *COMMAND))
    assert [call["text"] for call in again["calls"]] == [call["text"] for call in asked["calls"]]
    assert again["run_id"] != asked["run_id"]


def test_a_free_question_has_no_checks_and_people_get_plain_text(data_folder: Path) -> None:
    done = lever(data_folder, "ask", "Who are you?", "--scenario", "support-facts", "--backends", "prompt")
    assert done.returncode == 0, done.stderr
    assert "== prompt: done" in done.stdout
    assert "pass:" not in done.stdout
    assert "fail:" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("ask", "", "--scenario", "support-facts"), "The question is empty"),
        (("ask", "Hi", "--scenario", "support-fact"), "Did you mean support-facts?"),
        (("ask", "Hi", "--scenario", "support-facts", "--backends", "telepathy"), "no backend 'telepathy'"),
        (("ask", "Hi", "--scenario", "support-facts", "--repeats", "0"), "Repeats must lie between"),
        (("ask", "Hi", "--scenario", "support-facts", "--repeats", "few"), "--repeats"),
        (("ask", "Hi", "--scenario", "support-facts", "--mode", "race"), "demo or bench"),
        (("ask", "Hi", "--scenario", "support-facts", "--temperature", "nan"), "temperature"),
        (("ask", "Hi"), "--scenario"),
        (("ask", "word " * 20_000, "--scenario", "support-facts"), "tokens"),
        (("divine",), "divine"),
        ((), "COMMAND"),
    ],
)
def test_bad_input_is_one_sentence_on_standard_error_and_exit_code_2(
    arguments: tuple[str, ...], sentence: str, data_folder: Path
) -> None:
    done = lever(data_folder, *arguments)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    said = [line for line in done.stderr.splitlines() if line != "Loading the model ..."]
    assert len(said) == 1
    assert sentence in said[0]


def test_an_impossible_setting_is_one_sentence_that_names_it_and_exit_code_2(data_folder: Path) -> None:
    done = lever(data_folder, "ask", "Hi", "--scenario", "support-facts", LEVER_THREADS="many")
    assert (done.returncode, done.stdout) == (2, "")
    (said,) = done.stderr.splitlines()
    assert "LEVER_THREADS" in said


@pytest.mark.parametrize(
    ("command", "name", "value"),
    [
        (("ask", "Hi", "--scenario", "support-facts"), "LEVER_DEVICE", "abacus"),
        (("doctor",), "LEVER_DTYPE", "int3"),
    ],
)
def test_a_device_or_number_format_that_is_not_there_is_bad_input_too(
    command: tuple[str, ...], name: str, value: str, data_folder: Path
) -> None:
    done = lever(data_folder, *command, **{name: value})
    assert (done.returncode, done.stdout) == (2, "")
    (said,) = [line for line in done.stderr.splitlines() if line != "Loading the model ..."]
    assert f"{name} is {value}" in said


def test_no_done_call_is_exit_code_3_and_the_document_says_why(data_folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"this is no database" * 100)
    options = ("--scenario", "support-facts", "--backends", "prompt", "--json")
    done = lever(data_folder, "ask", "Hi", *options, LEVER_DATABASE_URL=f"sqlite:///{broken}")
    assert done.returncode == 3
    (call,) = document(done)["calls"]
    assert call["failure"]["stage"] == "store"
    assert call["text"]
    assert "LEVER_DATABASE_URL" in done.stderr


def test_a_missing_model_is_one_sentence_that_names_the_setting_and_exit_code_3(
    data_folder: Path, tmp_path: Path
) -> None:
    missing = str(tmp_path / "no-model")
    done = lever(data_folder, "ask", "Hi", "--scenario", "support-facts", "--json", LEVER_MODEL=missing)
    assert done.returncode == 3
    assert done.stdout == ""
    assert "LEVER_MODEL" in done.stderr.splitlines()[-1]


def test_doctor_finds_everything_in_order(data_folder: Path) -> None:
    done = lever(data_folder, "doctor", "--json")
    assert done.returncode == 0, done.stderr
    found = document(done)
    assert found["problems"] == []
    assert found["proof"] == "passed"
    assert {(adapter["scenario"], adapter["name"]) for adapter in found["adapters"]} >= {
        (scenario, name) for scenario in ("support-facts", "ticket-routing") for name in ("lora", "hybrid")
    }
    assert all(adapter["proof"] == "passed" for adapter in found["adapters"])
    assert all(index["healthy"] and index["chunks"] > 0 for index in found["index"])
    assert str(data_folder) in found["store"]
    assert found["embedding_model"] == "all-MiniLM-L6-v2"
    assert found["versions"]["torch"]


def test_doctor_names_what_is_broken_and_looks_at_the_rest(data_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    url = f"sqlite:///{tmp_path / 'file' / 'lever.db'}"
    done = lever(data_folder, "doctor", "--json", LEVER_MODEL=str(tmp_path / "no"), LEVER_DATABASE_URL=url)
    assert done.returncode == 3
    found = document(done)
    assert found["store"] is None
    assert any("LEVER_DATABASE_URL" in problem for problem in found["problems"])
    assert any("LEVER_MODEL" in problem for problem in found["problems"])


def test_training_an_unknown_scenario_is_bad_input(data_folder: Path) -> None:
    done = lever(data_folder, "train", "no-such-scenario", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no-such-scenario" in done.stderr


def test_training_from_too_few_examples_is_bad_input(data_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "examples.jsonl"
    file.write_text("", encoding="utf-8")
    done = lever(data_folder, "train", "ticket-routing", "--adapter", "lora", "--examples", str(file))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_line_is_said_when_it_is_new_and_ctrl_c_stops_what_is_watched(
    capsys: pytest.CaptureFixture[str],
) -> None:
    first = Progress(state="running", planned=2, done=0, failed=0, left_s=None)
    later = replace(first, done=1, left_s=9)
    seen = iter((first, first, None, first, later, replace(later, left_s=8), replace(later, state="stopped")))
    stopped: list[bool] = []

    def wait(timeout_s: float) -> Progress:
        if (now := next(seen)) is None:
            raise KeyboardInterrupt
        return now

    found = watch(
        wait, lambda: stopped.append(True), lambda now: f"{now.done}", lambda now: f" ({now.left_s})"
    )
    assert (found.state, stopped) == ("stopped", [True])
    assert capsys.readouterr().err.splitlines() == ["0 (None)", "Stopping ...", "1 (9)"]
