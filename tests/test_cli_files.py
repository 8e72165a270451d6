"""Files of cases on the command line: checked, run, exported, and refused with a sentence."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from compare.__main__ import main
from compare.command import BAD_INPUT, FINE, GATE_FAILED
from compare.csv_import import import_cases
from compare.csv_rows import preview
from tests.bad_files import BAD_FILES, BadFile
from tests.test_cli import document, lever

GOOD = (
    "id,query,expected,checks,tags,colour\n"
    "pro,What warranty does the Pro plan include?,2-year,,warranty,red\n"
    'solo,"How long does the ""Solo"" warranty last, please?",,contains_any: 9-month | nine,warranty,=1+1\n'
    "open,Is the hub recycled?,,,,\n"
)


def written(folder: Path, data: bytes | str, name: str = "cases.csv") -> str:
    """A file in the folder; gives its path."""
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return str(path)


def checked(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, document and standard error of ``check --json``."""
    code = main(["check", *arguments, "--json"])
    told = capsys.readouterr()
    return code, json.loads(told.out) if told.out else {}, told.err


def test_a_good_file_is_fine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found, _ = checked(capsys, written(tmp_path, GOOD))
    assert code == FINE
    assert list(found) == ["rows", "usable", "encoding", "delimiter", "mapping", "problems"]
    assert (found["rows"], found["usable"], found["encoding"], found["delimiter"]) == (3, 3, "utf-8", ",")
    assert found["mapping"]["query"] == "query"
    assert found["problems"] == []


def test_bad_rows_are_listed_and_fail_the_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found, _ = checked(capsys, written(tmp_path, GOOD + ",,,,,\n,,x,,,\n"))
    assert code == GATE_FAILED
    assert found["usable"] == 3
    (problem,) = found["problems"]
    assert problem == {
        "line": 6,
        "column": "query",
        "reason": "the query is empty",
        "fix": "Write a question, or delete the row.",
    }
    assert main(["check", written(tmp_path, "query\n\n,x\n")]) == BAD_INPUT


@pytest.mark.parametrize("bad", BAD_FILES, ids=lambda bad: bad.name)
def test_whatever_the_file_is_check_says_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], bad: BadFile
) -> None:
    code, found, err = checked(capsys, written(tmp_path, bad.data()))
    assert "Traceback" not in err
    if bad.usable is None:
        assert (code, found) == (BAD_INPUT, {})
        assert bad.told in err
        return
    assert found["usable"] == bad.usable
    reasons = "\n".join(problem["reason"] for problem in found["problems"])
    fine = not found["problems"]
    assert fine or bad.told in reasons
    assert code == (FINE if fine else GATE_FAILED if bad.usable else BAD_INPUT)


def test_a_file_without_a_query_column_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = checked(capsys, written(tmp_path, b"a,b\n1,2\n"))
    assert code == BAD_INPUT
    assert "No column is the query" in err


def test_a_file_that_is_not_there_gets_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (tmp_path / "nothing.csv", tmp_path):
        code, _, err = checked(capsys, str(path))
        assert code == BAD_INPUT
        assert "can't be read" in err


def test_columns_can_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, "Frage,Lösung\nWie lange?,2 Jahre\n")
    assert checked(capsys, file)[1]["mapping"] == {"query": "Frage"}
    _, found, _ = checked(capsys, file, "--column", "expected=Lösung")
    assert found["mapping"] == {"query": "Frage", "expected": "Lösung"}
    assert checked(capsys, file, "--column", "colour=Frage")[0] == BAD_INPUT
    assert checked(capsys, file, "--column", "expected=nothing")[0] == BAD_INPUT


def test_a_run_takes_no_guessed_column_and_no_bad_row_by_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", written(tmp_path, "Frage\nWie lange?\n")]) == BAD_INPUT
    assert "--column query='Frage'" in capsys.readouterr().err
    assert main(["run", written(tmp_path, "query,expected\nq,a\n,b\n")]) == BAD_INPUT
    assert "line 3, query: the query is empty" in capsys.readouterr().err


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The data folder and the document of a run of the good file with two lanes."""
    folder = tmp_path_factory.mktemp("files")
    asked = (
        "--scenario",
        "support-facts",
        "--backends",
        "prompt,rag",
        "--repeats",
        "2",
        "--max-tokens",
        "24",
    )
    done = lever(folder / "data", "run", written(folder, GOOD), *asked, "--json")
    assert done.returncode == 0, done.stderr
    return folder, document(done)


def exported(folder: Path, run_id: str, form: str, out: Path) -> subprocess.CompletedProcess[str]:
    return lever(folder / "data", "export", run_id, "--format", form, "--out", str(out), "--json")


def test_a_files_cases_are_run_with_a_scenarios_documents(ran: tuple[Path, dict[str, Any]]) -> None:
    _, found = ran
    assert found["scenario"] == "support-facts"
    assert found["controlled"] is True
    assert found["backends"]["rag"]["n_calls"] == 6
    assert found["backends"]["rag"]["n_unscored"] == 2
    assert found["backends"]["rag"]["prompt_tokens_mean"] > found["backends"]["prompt"]["prompt_tokens_mean"]


def test_an_exported_run_reads_back_as_its_cases(ran: tuple[Path, dict[str, Any]]) -> None:
    folder, found = ran
    out = folder / "run.csv"
    done = exported(folder, found["run_id"], "csv", out)
    assert done.returncode == 0, done.stderr
    assert document(done)["calls"] == 12
    seen = preview(out.read_bytes())
    cases = import_cases(seen, seen.mapping).cases
    first = preview(GOOD.encode())
    before = import_cases(first, first.mapping).cases
    assert [(case.id, case.query, case.expected, case.checks, case.tags) for case in cases] == [
        (case.id, case.query, case.expected, case.checks, case.tags) for case in before
    ]
    assert cases[1].metadata["colour"] == "=1+1"
    assert set(cases[0].metadata) >= {"colour", "rag: answer", "rag: right", "prompt: failed"}
    assert b"=1+1" in out.read_bytes()
    assert b",=1+1" not in out.read_bytes()


def test_every_call_stands_in_the_jsonl(ran: tuple[Path, dict[str, Any]]) -> None:
    folder, found = ran
    out = folder / "run.jsonl"
    assert exported(folder, found["run_id"], "jsonl", out).returncode == 0
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    keys = {(line["case"]["id"], line["backend"], line["repeat"]) for line in lines}
    assert len(lines) == len(keys) == 12
    assert all(line["prompt"] and line["timing"]["total_ms"] > 0 for line in lines)


def test_an_export_that_cannot_be_written_gets_a_sentence(ran: tuple[Path, dict[str, Any]]) -> None:
    folder, found = ran
    done = exported(folder, found["run_id"], "csv", folder / "no" / "x.csv")
    assert done.returncode == BAD_INPUT
    assert "can't be written" in done.stderr
    assert exported(folder, "nothing", "csv", folder / "x.csv").returncode == BAD_INPUT


def test_without_a_scenario_what_is_missing_is_said(ran: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = ran
    asked = ["--backends", "prompt,rag,lora", "--max-tokens", "8", "--json"]
    done = lever(folder / "data", "run", str(folder / "cases.csv"), *asked)
    assert done.returncode == 0, done.stderr
    found = document(done)["backends"]
    assert (found["prompt"]["n_failed"], found["rag"]["n_failed"], found["lora"]["n_failed"]) == (0, 3, 3)
    assert found["rag"]["pass_rate"] is None
