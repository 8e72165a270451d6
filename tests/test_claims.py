"""What is claimed beside what was measured: real runs in figures, and what to run where there is none."""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from backends.adapter_places import WEIGHTS
from backends.adapters import register
from backends.ledger import LedgerEntry
from backends.registry import registry
from backends.scenario import Scenario, load_scenario
from backends.types import Answer, Failure, Message, Mode, Prompt, Sampling, Timing, Usage
from compare.cases import Case
from compare.claims import Cell, Known, matrix
from compare.claims_known import known_of
from compare.claims_published import ASPECTS, CLAIMS
from compare.drill_results import RUN_NAMES
from compare.drill_stored import newest_drill
from compare.guidance_levers import LANES
from compare.judged import JudgedCall
from compare.judging import CheckKind, CheckOutcome
from compare.live import LiveAnswer
from compare.measured import StoredRun
from compare.plan import Plan
from compare.run_measures import Measured, measure
from compare.store import Store

FACTS = "support-facts"
DEFAULT = ("prompt", "rag", "lora", "hybrid")
CASES = tuple(Case(id=f"c{n}", query="q", group=f"g{n}") for n in range(20))
Checks = tuple[tuple[CheckKind, CheckOutcome], ...]
BOTH: Checks = (("content", "pass"), ("format", "pass"))
FORM_ONLY: Checks = (("content", "fail"), ("format", "pass"))
WARRANTY = Case(id="w", query="What warranty?", expected="2-year warranty", source="warranty.md")


def timing(ttft_ms: float) -> Timing:
    return Timing(
        queued_ms=0, adapter_switch_ms=0, embed_ms=0, retrieve_ms=0, prefill_ms=ttft_ms, decode_ms=900,
        total_ms=ttft_ms + 900, ttft_ms=ttft_ms, first_token_ms=ttft_ms,
    )  # fmt: skip


def call(
    lane: str, case: Case, ttft_ms: float, checks: Checks, repeat: int = 0, text: str = "yes"
) -> JudgedCall:
    return JudgedCall(
        case_id=case.id, group=case.group, lane=lane, repeat=repeat, status="done", text=text,
        timing=timing(ttft_ms), usage=Usage(prompt_tokens=7, completion_tokens=10), checks=checks,
    )  # fmt: skip


def measured(
    checks: Mapping[str, Checks], repeats: int = 1, mode: Mode = "bench", temperature: float = 0.7
) -> Measured:
    """A run of 20 cases: lanes in the order given, each 100 ms later than the one before; with repeats each
    lane says something else the second time on half of the cases.
    """
    plan = Plan(
        scenario=FACTS, cases=CASES, lanes=tuple(checks), repeats=repeats, mode=mode,
        sampling=Sampling(temperature=temperature),
    )  # fmt: skip
    calls = [
        call(lane, case, 100 * (place + 1), found, repeat, "no" if repeat == 1 and case_no % 2 else "yes")
        for place, (lane, found) in enumerate(checks.items())
        for case_no, case in enumerate(CASES)
        for repeat in range(repeats)
    ]
    run = StoredRun(
        id="r1", name="", status="done", plan=plan, live=False, calls=tuple(calls), provenance=None,
        ledger=None, started_at="", finished_at="",
    )  # fmt: skip
    return measure(run, {})


def cells(lane: str, known: Known) -> dict[str, Cell]:
    return {row.aspect: row.cells[lane] for row in matrix((lane,), known)}


def test_without_anything_measured_every_cell_says_what_to_do() -> None:
    for row in matrix(tuple(registry()), Known()):
        assert set(row.cells) == {lane for lanes in LANES.values() for lane in lanes}
        for lane, cell in row.cells.items():
            nothing = row.aspect == "setup" and not {"passages", "adapter"} & set(registry()[lane].layers)
            assert cell.known == nothing
            assert cell.measured
            assert cell.measured.endswith(".") != cell.known
            assert not any(digit in cell.measured for digit in "0123456789")
            assert cell.run_id == ""


def test_every_claim_has_a_source() -> None:
    for aspect in ASPECTS:
        assert set(CLAIMS[aspect]) == set(LANES)
        for claim in CLAIMS[aspect].values():
            assert claim.text
            assert claim.source.title
            assert claim.source.address.startswith("https://")


def test_a_run_in_figures() -> None:
    known = Known(
        measured=measured({"prompt": FORM_ONLY, "rag": BOTH, "lora": BOTH}),
        index_s=2.5, training_s={"lora": 61.0}, cost={"rag": "$0.031"},
    )  # fmt: skip
    rag, lora, prompt = (cells(lane, known) for lane in ("rag", "lora", "prompt"))
    assert (rag["setup"].measured, rag["setup"].detail) == ("2.50 s", "index 2.50 s")
    assert (lora["setup"].measured, lora["setup"].run_id) == ("61.0 s", "")
    assert prompt["setup"].measured == "Nothing to build"
    assert rag["cost"].measured == "$0.031 per 1,000 answers"
    assert lora["cost"].measured == "Set the prices under “Cost”."
    assert prompt["latency"].measured == "0.10 s to the first word"
    assert (rag["latency"].measured, lora["latency"].measured) == ("+0.10 s", "+0.20 s")
    assert rag["latency"].detail == "0.20 s to the first word; 20 answers, one answer at a time"
    assert prompt["expertise"].measured == "0 % (0 to 16 %)"
    assert rag["expertise"].measured == prompt["style"].measured == "100 % (84 to 100 %)"
    assert rag["expertise"].detail == "of 20 cases, 95 % interval"
    assert {cell.run_id for name, cell in rag.items() if cell.known and name != "setup"} == {"r1"}


def test_what_was_not_measured_says_what_to_run() -> None:
    found = cells("rag", Known(measured=measured({"prompt": (), "rag": ()}, mode="demo")))
    assert {name: cell.measured for name, cell in found.items() if not cell.known} == {
        "setup": "Rebuild the index (Knowledge, “Documents”).",
        "cost": "Set the prices under “Cost”.",
        "freshness": "Run the drill (Knowledge, “When a fact changes”).",
        "consistency": "Ask each question 5 times.",
        "style": "Give the cases a format check, such as json_schema or voice.",
        "expertise": "Give the cases a content check, such as contains_all.",
    }
    assert "answers shared the machine" in found["latency"].detail
    other = cells("hybrid", Known(measured=measured({"rag": BOTH}), index_s=1.0))
    assert other["latency"].measured == other["style"].measured == "Climb to RAG + LoRA."
    assert other["setup"].measured == "Train the adapter here (Adapters, “Train”)."


def test_agreement_is_of_repeats_and_never_of_copies() -> None:
    known = Known(measured=measured({"rag": BOTH}, repeats=5))
    assert cells("rag", known)["consistency"].measured == "50 % alike"
    assert cells("rag", known)["consistency"].detail == "5 answers to each question, parsed"
    copies = cells("rag", Known(measured=measured({"rag": BOTH}, repeats=5, temperature=0.0)))
    assert copies["consistency"].known is False
    assert copies["consistency"].measured.startswith("Ask with a temperature above")


def test_without_prompting_the_time_stands_alone_and_untimed_answers_say_so() -> None:
    run = measured({"rag": BOTH}).run
    assert cells("rag", Known(measured=measure(run, {})))["latency"].measured == "0.10 s to the first word"
    untimed = replace(run, calls=tuple(replace(one, timing=None) for one in run.calls))
    assert not cells("rag", Known(measured=measure(untimed, {})))["latency"].known


def test_few_cases_stay_counts() -> None:
    run = measured({"rag": BOTH}).run
    few = replace(run, plan=replace(run.plan, cases=CASES[:3]), calls=run.calls[:3])
    cell = cells("rag", Known(measured=measure(few, {})))["expertise"]
    assert (cell.measured, cell.detail) == ("3 of 3 cases", "of 3 cases, too few to say more")


def keep_run(
    store: Store, id_: str, name: str, case: Case, said: Mapping[str, str], *, done: bool = True
) -> None:
    """A stored scenario run that asks one case three times; an empty answer is a failure."""
    plan = Plan(scenario=FACTS, cases=(case,), lanes=tuple(said), repeats=3)
    store.create_scenario_run(id_, plan)
    store.rename_run(id_, name)
    for lane, text in said.items():
        for repeat in range(3):
            store.save_calls(id_, [(case.id, _live(lane, repeat, text))])
    if done:
        store.finish_run(id_)


def _live(lane: str, repeat: int, text: str) -> LiveAnswer:
    prompt = Prompt(messages=(Message(role="user", content=f"{lane} {text}"),))
    if not text:
        failure = Failure(stage="prepare", message="No.", hint="")
        return LiveAnswer(
            backend=lane, repeat=repeat, seed=repeat, status="failed", prompt=prompt, failure=failure
        )
    answer = Answer(
        text=text, timing=timing(100), usage=Usage(prompt_tokens=7, completion_tokens=10), finish="end",
        rendered="", token_ids=(),
    )  # fmt: skip
    return LiveAnswer(
        backend=lane, repeat=repeat, seed=repeat, status="done", text=text, prompt=prompt, answer=answer
    )


OLD, NEW = "It has a 2-year warranty.", "It has a 3-year warranty."
RIGHT_NOW = replace(WARRANTY, expected="3-year warranty")


def drill(store: Store, number: str, after: Mapping[str, str], *, done: bool = True) -> None:
    keep_run(store, f"b{number}", RUN_NAMES["before"], WARRANTY, dict.fromkeys(after, OLD))
    keep_run(store, f"a{number}", RUN_NAMES["after"], RIGHT_NOW, after, done=done)


@pytest.fixture
def scenario() -> Scenario:
    return load_scenario(FACTS)


def test_the_newest_stored_drill_says_who_was_right_again(scenario: Scenario, kept: Store) -> None:
    assert newest_drill(scenario, kept) is None
    drill(kept, "1", {"rag": OLD, "lora": OLD})
    drill(kept, "2", {"rag": NEW, "lora": OLD, "prompt": "", "long_context": NEW})
    drill(kept, "3", {"rag": OLD, "lora": OLD}, done=False)
    found = newest_drill(scenario, kept)
    assert found is not None
    assert found.run_id == "a2"
    known = Known(drill=found)
    said = {lane: cells(lane, known)["freshness"] for lane in ("rag", "lora", "prompt", "long_context")}
    assert said["rag"].measured.startswith("Right again after at most ")
    assert said["long_context"].measured == "Right again after 1.00 s"
    assert said["lora"].measured == "Still says the old"
    assert said["lora"].detail == "0 of 3 right after the change, 3 say the old"
    assert said["prompt"].measured == "Wrong after the change"
    assert {cell.run_id for cell in said.values()} == {"a2"}
    assert not cells("hybrid", known)["freshness"].known


def test_the_time_of_a_stored_drill_counts_all_between_its_runs(scenario: Scenario, kept: Store) -> None:
    drill(kept, "1", {"rag": NEW})
    found = newest_drill(scenario, kept)
    assert found is not None
    (rag,) = found.lanes
    before, after = (kept.stored_run(run) for run in ("b1", "a1"))
    assert before.finished_at <= after.started_at
    assert rag.right_again_s is not None
    assert 1.0 <= rag.right_again_s < 60


def test_a_drill_of_other_lanes_or_another_scenario_is_no_partner(scenario: Scenario, kept: Store) -> None:
    keep_run(kept, "b", RUN_NAMES["before"], WARRANTY, {"rag": OLD, "lora": OLD})
    keep_run(kept, "a", RUN_NAMES["after"], RIGHT_NOW, {"rag": NEW})
    assert newest_drill(scenario, kept) is None
    drill(kept, "1", {"rag": NEW})
    assert newest_drill(load_scenario("ticket-routing"), kept) is None


def test_what_an_adapter_took_to_train_is_its_cards(scenario: Scenario, kept: Store, tmp_path) -> None:
    lanes = ("prompt", "lora", "lora+0", "hybrid")
    found = known_of(scenario, None, lanes, kept)
    assert set(found.training_s) == {"lora", "lora+0", "hybrid"}
    assert found.training_s["lora"] == found.training_s["lora+0"] > 1
    made = shutil.copytree(scenario.path / "adapters" / "lora", tmp_path / "made")
    register(scenario, made, use=True, facts={"seconds": 7.5})
    assert known_of(scenario, None, lanes, kept).training_s["lora"] == 7.5
    weights = scenario.path / "adapters" / "lora" / WEIGHTS
    by_run = known_of(scenario, answered_with(weights), ("lora", "hybrid"), kept).training_s
    assert by_run == {"lora": found.training_s["lora+0"], "hybrid": found.training_s["hybrid"]}
    another = answered_with(scenario.path / "scenario.toml")
    assert known_of(scenario, another, ("lora",), kept).training_s == {}, "It was trained again since."


def answered_with(weights: Path) -> Measured:
    """A run of LoRA by the shipped adapter's name, with these weights."""
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()[:12]
    used = LedgerEntry(what="adapter", lever="adapter", values={"lora": f"{FACTS}/lora {digest}"})
    return measure(replace(measured({"lora": BOTH}).run, ledger=(used,)), {})


def test_cost_is_what_others_tell_and_no_index_is_not_known(scenario: Scenario, kept: Store) -> None:
    found = known_of(scenario, measured({"rag": BOTH}), DEFAULT, kept, cost={"rag": "$1.00"})
    assert (found.index_s, dict(found.cost)) == (None, {"rag": "$1.00"})
    hybrid = cells("hybrid", replace(found, index_s=3.0))["setup"]
    assert hybrid.detail.startswith("index 3.00 s + training ")
