"""A run in figures: what is missing is missing, and never 0 or 100 %."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.engine.base import WENT_FIRST
from backends.errors import BadInput
from backends.scenario import PromptTexts
from backends.types import Sampling, Timing, Usage
from compare.cases import Case
from compare.command_results import MEASURES
from compare.gates import read_gate
from compare.judged import JudgedCall
from compare.judging import CheckOutcome
from compare.live import CallStatus
from compare.measured import StoredRun
from compare.plan import Plan
from compare.run_difference import compare_runs
from compare.summary import case_scores, summarise, summary_document

TIMING = Timing(
    queued_ms=0, adapter_switch_ms=0, embed_ms=0, retrieve_ms=0, prefill_ms=10, decode_ms=90, total_ms=100,
    ttft_ms=12, first_token_ms=10,
)  # fmt: skip


def call(case: int, repeat: int = 0, outcome: CheckOutcome | None = "pass", **changes: object) -> JudgedCall:
    plain = JudgedCall(
        case_id=f"c{case}",
        group=f"g{case}",
        lane="rag",
        repeat=repeat,
        status="done",
        text="yes",
        timing=TIMING,
        usage=Usage(prompt_tokens=7, completion_tokens=10),
        checks=() if outcome is None else (("content", outcome),),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def failed(case: int, repeat: int = 0, status: CallStatus = "failed") -> JudgedCall:
    return call(case, repeat, None, status=status, text="", timing=None, usage=None)


def plan(cases: int, repeats: int = 1, temperature: float = 0.7, lanes: tuple[str, ...] = ("rag",)) -> Plan:
    return Plan(
        scenario="s",
        cases=tuple(Case(id=f"c{n}", query="q", group=f"g{n}") for n in range(cases)),
        lanes=lanes,
        repeats=repeats,
        sampling=Sampling(temperature=temperature),
    )


def test_40_of_50_right_gives_the_worked_interval() -> None:
    calls = [call(n, outcome="pass" if n < 40 else "fail") for n in range(50)]
    found = summary_document(summarise(calls, plan(50)))["rag"]
    assert found["pass_rate"] == pytest.approx(0.8)
    assert found["pass_rate_interval"] == pytest.approx([0.6696, 0.8876], abs=5e-5)
    assert found["ttft_ms_p50"] == 12
    assert found["tokens_per_second_p50"] == pytest.approx(100)
    assert (found["prompt_tokens_mean"], found["completion_tokens_mean"]) == (7, 10)


def test_a_lane_whose_calls_all_failed_has_no_rate_and_no_times() -> None:
    found = summary_document(summarise([failed(n) for n in range(20)], plan(20)))["rag"]
    assert (found["n_calls"], found["n_failed"], found["n_cases"]) == (20, 20, 20)
    assert {found[name] for name in MEASURES if not name.startswith("n_")} == {None}


def test_a_lane_without_calls_is_there_with_nothing_in_it() -> None:
    found = summary_document(summarise([call(0)], plan(1, lanes=("rag", "prompt"))))
    assert list(found) == ["rag", "prompt"]
    assert found["prompt"]["n_calls"] == 0
    assert found["prompt"]["pass_rate"] is None


def test_unscored_and_failed_calls_count_neither_way() -> None:
    calls = [call(0), call(1, outcome="unscored"), failed(2), call(3, outcome="fail"), call(4, outcome=None)]
    found = summarise(calls, plan(5))["rag"]
    assert found.passes is not None
    assert (found.passes.value, found.passes.cases) == (0.5, 2)
    assert (found.n_failed, found.n_unscored) == (1, 2)


def test_agreement_is_measured_over_repeats_and_never_over_greedy_copies() -> None:
    calls = [call(0, 0), call(0, 1, text="Yes."), call(0, 2, text="no"), call(1, 0), call(1, 1), call(1, 2)]
    found = summarise(calls, plan(2, repeats=3))["rag"]
    assert found.modal_share == pytest.approx((2 / 3 + 1) / 2)
    assert (found.tar_raw, found.tar_parsed) == (0.5, 0.5)
    assert found.pass_k == 1
    copies = summarise(calls, plan(2, repeats=3, temperature=0.0))["rag"]
    assert copies.modal_share is copies.tar_raw is copies.lexical_agreement is None


def test_format_is_judged_apart_from_content() -> None:
    checks = (("content", "fail"), ("format", "pass"))
    found = summarise([call(n, checks=checks) for n in range(20)], plan(20))["rag"]
    assert found.passes is not None
    assert found.format_valid is not None
    assert (found.passes.value, found.format_valid.value) == (0, 1)


def test_a_paused_answer_enters_no_time() -> None:
    slow = replace(TIMING, total_ms=9000.0)
    calls = [call(0), call(1, timing=slow, marks=(WENT_FIRST,))]
    found = summarise(calls, plan(2))["rag"]
    assert found.total_ms is not None
    assert (found.total_ms.n, found.total_ms.p50) == (1, 100)


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 3), st.sampled_from(["pass", "fail", "unscored", None])),
        unique_by=lambda row: row[:2],
        max_size=24,
    )
)
def test_any_calls_have_figures_and_the_same_ones_in_any_order(
    rows: list[tuple[int, int, CheckOutcome | None]],
) -> None:
    calls = [
        call(case, repeat, outcome) if outcome else failed(case, repeat) for case, repeat, outcome in rows
    ]
    whole = plan(6, repeats=4)
    assert summarise(calls, whole)["rag"].passes == summarise(calls[::-1], whole)["rag"].passes or calls
    assert sum(len(case.scores) for case in case_scores(calls)) == sum(
        o in ("pass", "fail") for *_, o in rows
    )
    for name, value in summary_document(summarise(calls, whole))["rag"].items():
        assert value is None or isinstance(value, int | float | list), name


def stored(scores: dict[int, CheckOutcome], **changes: object) -> StoredRun:
    calls = tuple(call(case, outcome=outcome) for case, outcome in scores.items())
    run = StoredRun(
        id="r",
        name="",
        status="done",
        plan=plan(40),
        calls=calls,
        live=False,
        provenance=None,
        ledger=None,
        started_at="",
        finished_at="",
    )
    return replace(run, **changes)  # type: ignore[arg-type]


def test_two_runs_are_compared_on_the_cases_that_both_judged() -> None:
    before = stored(dict.fromkeys(range(20), "fail") | {20: "pass", 21: "pass", 22: "unscored"})
    after = stored(dict.fromkeys(range(19), "pass") | {19: "fail", 20: "fail", 22: "pass"})
    found = compare_runs(before, after)
    assert len(found.better) == 19
    assert found.worse == (("rag", "c20"),)
    assert found.same == (("rag", "c19"),)
    assert (found.only_a, found.only_b) == ((("rag", "c21"),), (("rag", "c22"),))
    gain = found.by_lane["rag"]
    assert gain is not None
    assert gain.value == pytest.approx(18 / 21)
    assert gain.low > 0.5
    with pytest.raises(BadInput, match="different scenarios"):
        compare_runs(before, stored({}, plan=replace(plan(1), scenario="other")))


def test_cases_of_one_id_that_ask_otherwise_are_not_compared() -> None:
    before = stored(dict.fromkeys(range(20), "fail"))
    asked = tuple(replace(case, query="else") if n < 15 else case for n, case in enumerate(plan(40).cases))
    after = stored(dict.fromkeys(range(20), "pass"), plan=replace(plan(40), cases=asked))
    assert len(compare_runs(before, after).better) == 5
    others = tuple(replace(case, query="else") for case in plan(40).cases)
    with pytest.raises(BadInput, match="different questions"):
        compare_runs(before, stored({}, plan=replace(plan(40), cases=others)))


def test_cases_that_expect_something_else_are_left_out_and_counted() -> None:
    before = stored(dict.fromkeys(range(20), "fail"))
    cases = tuple(replace(case, expected="new") if n < 5 else case for n, case in enumerate(plan(40).cases))
    found = compare_runs(
        before, stored(dict.fromkeys(range(20), "pass"), plan=replace(plan(40), cases=cases))
    )
    assert len(found.better) == 15
    assert found.changes == (("cases judged by other checks", "", "5, left out"),)


def test_what_was_set_differently_is_named() -> None:
    before = stored({0: "pass"})
    assert compare_runs(before, before).changes == ()
    texts = PromptTexts(system="Be brief.")
    cold = replace(plan(40), sampling=Sampling(temperature=0), texts=texts, mode="bench")
    changes = compare_runs(before, stored({0: "pass"}, plan=cold)).changes
    assert changes == (
        ("temperature", "0.7", "0"),
        ("timing", "shared machine", "one at a time"),
        ("instructions", "as they were", "edited"),
    )


def test_a_gate_holds_or_says_why_not() -> None:
    document = summary_document(summarise([call(n) for n in range(4)], plan(4)))
    assert read_gate("rag.pass_rate>=0.8", ("rag",), MEASURES).failure(document) is None
    assert read_gate(" rag.total_ms_p50 < 50 ", ("rag",), MEASURES).failure(document) == (
        "The gate rag.total_ms_p50 < 50 fails: it is 100."
    )
    said = read_gate("rag.modal_share>0.5", ("rag",), MEASURES).failure(document)
    assert said is not None
    assert "no such figure" in said


@pytest.mark.parametrize(
    "text", ["", "rag", "rag.pass_rate=0.8", "rag.speed>1", "lora.pass_rate>0", "rag.pass_rate>x"]
)
def test_what_is_no_gate_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        read_gate(text, ("rag",), MEASURES)
