"""Right answers of stored runs as training examples: one a case, none of the test split."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backends.errors import BadInput
from backends.scenario import load_scenario
from backends.settings import settings
from backends.types import Answer, Message, Prompt, Usage
from compare import command_distil
from compare.__main__ import parser
from compare.cases import Case
from compare.checks import CheckResult
from compare.distillation import distil, distil_run
from compare.judging import CheckOutcome
from compare.live import LiveAnswer
from compare.measured import StoredRun
from compare.plan import Plan
from compare.store import new_run_id, store
from compare.training_files import read_examples
from compare.training_plan import stored_examples
from compare.training_set import Collected, collect, collected, collected_path, kept_out_of_test
from tests.test_summary import TIMING

SAID: dict[str, list[tuple[str, CheckOutcome]]] = {
    "often": [("Nine years.", "pass"), ("9 years", "pass"), ("nine years", "pass"), ("Ten.", "fail")],
    "wrong": [("Ten.", "fail")] * 4,
    "open": [("Who knows?", "unscored")] * 4,
    "fact": [("Nine years.", "pass")] * 4,
    "test": [("Nine years.", "pass")] * 4,
    "silent": [],
}
"""What the lane answers to each case, repeat by repeat; "fact" asks for what "test" does."""


@pytest.fixture(autouse=True)
def lamps(tmp_path: Path, own_data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "scenarios" / "lamps"
    path.mkdir(parents=True)
    (path / "scenario.toml").write_text('system_prompt = "Be brief."\n')
    (path / "cases.csv").write_text("query,expected,split,group\nAsked in the test,nine,test,warmth\n")
    monkeypatch.setenv("LEVER_SCENARIOS_DIR", str(path.parent))
    settings.cache_clear()
    store.cache_clear()
    yield path
    store().close()
    store.cache_clear()


def plan(*more: Case) -> Plan:
    cases = [Case(id=id_, query=f"About {id_}?", group=id_, split="dev", source="lamps.md") for id_ in SAID]
    by_id = {case.id: case for case in cases}
    by_id["test"] = replace(by_id["test"], split="test", group="years")
    by_id["fact"] = replace(by_id["fact"], group="years")
    return Plan(scenario="lamps", cases=(*by_id.values(), *more), lanes=("prompt", "cot"), repeats=4)


def kept_run(asked: Plan, lane: str = "prompt") -> StoredRun:
    """A run as it stands in the store."""
    id_ = new_run_id()
    store().create_scenario_run(id_, asked)
    for case in asked.cases:
        for repeat, (text, result) in enumerate(SAID.get(case.id, [("Nine.", "pass")])):
            answer = Answer(
                text=text, timing=TIMING, usage=Usage(prompt_tokens=1, completion_tokens=1), finish="end",
                rendered="", token_ids=(),
            )  # fmt: skip
            check = CheckResult(name="exact", kind="content", result=result, reason="")
            call = LiveAnswer(
                backend=lane, repeat=repeat, seed=repeat, status="done", text=text, answer=answer,
                prompt=Prompt(messages=(Message(role="user", content=case.query),)), checks=(check,),
            )  # fmt: skip
            store().save_calls(id_, [(case.id, call)])
    store().finish_run(id_)
    return store().stored_run(id_)


def distilled(*arguments: str) -> dict[str, object]:
    options = parser().parse_args(["distil", *arguments])
    return dict(command_distil.run(options).document)


def test_one_answer_a_case_the_one_given_most_often_of_the_right_ones() -> None:
    run = kept_run(plan())
    found = distil(run, "prompt", ())
    (one,) = found.examples
    assert (one.case, one.query, one.answer, one.source) == (
        "often",
        "About often?",
        "Nine years.",
        "lamps.md",
    )
    assert (one.how, one.lane, one.run_id, one.group) == ("distilled", "prompt", run.id, "often")
    assert found.left_out == {
        "test": ("fact", "test"),
        "wrong": ("wrong",),
        "not judged": ("open",),
        "not answered": ("silent",),
    }
    assert found.left_out_said == (
        "Left out: 2 cases of the test split, 1 case never answered right, 1 case without a check that could "
        "judge its answers, 1 case without an answer."
    )
    with pytest.raises(BadInput, match="no lane 'rag'"):
        distil(run, "rag", ())


def test_what_the_scenario_tests_with_now_is_left_out_of_a_file_s_run_too() -> None:
    asked = Case(id="1", query="asked in the TEST", group="1", split="dev")
    same_fact = Case(id="2", query="In other words", group="warmth", split="dev")
    number = Case(id="3", query="Something else", group="3", split="dev")
    run = kept_run(replace(plan(), cases=(asked, same_fact, number)))
    found = distil_run(run, "prompt")
    assert [one.case for one in found.examples] == ["3"]
    assert found.left_out["test"] == ("1", "2")
    numbered = Case(id="3", query="Another file's third", group="3", split="test")
    assert [one.case for one in distil(run, "prompt", [numbered]).examples] == ["1", "2", "3"]


def test_what_was_reasoned_before_an_answer_is_no_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SAID, "often", [("It is warm.\nAnswer: Nine years.", "pass")])
    (one,) = distil(kept_run(plan(), "cot"), "cot", ()).examples
    assert one.answer == "Nine years."


def test_the_command_keeps_them_beside_rated_ones_and_training_reads_them() -> None:
    rated = Collected(query="Rated?", answer="Yes.", source="", case="r", group="r", run_id="x", how="rated")
    assert collect("lamps", [rated]) == 1
    run = kept_run(plan())
    said = distilled(run.id, "--lane", "prompt")
    assert (said["examples"], said["new"], said["file"]) == (1, 1, None)
    assert said["left_out"] == {
        "test": ["fact", "test"], "wrong": ["wrong"], "not_judged": ["open"], "not_answered": ["silent"]
    }  # fmt: skip
    assert distilled(run.id, "--lane", "prompt")["new"] == 0
    first, second = collected("lamps")
    assert (first, second.how, second.lane) == (rated, "distilled", "prompt")
    assert '"model"' not in collected_path("lamps").read_text().splitlines()[0]
    examples = stored_examples(load_scenario("lamps"), "ratings")
    assert [one.answer for one in examples.examples] == ["Yes.", "Nine years."]
    assert [case.split for case in kept_out_of_test("lamps", plan().cases) if case.id == "test"] == ["test"]
    with pytest.raises(BadInput, match=r"nothing to learn from\. Left out: 2 cases of the test split"):
        distilled(run.id, "--lane", "cot")


def test_a_file_of_them_is_plain_chat_that_can_be_read_back(tmp_path: Path) -> None:
    run = kept_run(plan())
    file = tmp_path / "examples.jsonl"
    assert distilled(run.id, "--lane", "prompt", "--out", str(file))["new"] is None
    assert collected("lamps") == ()
    (line,) = file.read_text().splitlines()
    assert json.loads(line)["messages"] == [
        {"role": "user", "content": "About often?"},
        {"role": "assistant", "content": "Nine years."},
    ]
    (one,) = read_examples(file.read_bytes(), file.name).examples
    assert (one.query, one.answer, one.source) == ("About often?", "Nine years.", "lamps.md")
    with pytest.raises(BadInput, match="can't be written"):
        distilled(run.id, "--lane", "prompt", "--out", str(tmp_path))
