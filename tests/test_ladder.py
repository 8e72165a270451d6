"""The ladder: its figures are the verdict's own, changes are over the rung below, controls are no rungs."""

from dataclasses import replace

import numpy as np
import pytest

from backends.types import Usage
from compare.comparing import paired_scores_of
from compare.cost import LaneCost
from compare.cost_setup import Setup
from compare.failure_classes import count_classes
from compare.judging import CheckKind, CheckOutcome
from compare.ladder import controls_of, ladder_of
from compare.measured import StoredRun
from compare.run_measures import Measured, measure
from compare.statistics import Estimate
from compare.verdict import Terms, Verdict, decide
from tests.test_summary import TIMING, call, failed, plan, stored

RIGHT_OF_60 = {"oracle": 58, "prompt": 13, "rag": 55, "zero_shot": 12, "lora": 14}
"""How many of 60 cases each lane has right; the run names them in no order of cost."""


def run_of(right: dict[str, int] = RIGHT_OF_60, n: int = 60, **changes: object) -> StoredRun:
    """The last cases are those that a lane has wrong; dearer lanes wait longer and read more."""
    calls = tuple(
        call(
            case,
            lane=lane,
            outcome="pass" if case < many else "fail",
            text=f"{lane} {case}",
            timing=replace(TIMING, ttft_ms=10.0 * (at + 1)),
            usage=Usage(prompt_tokens=100 * (at + 1), completion_tokens=20 - at),
        )
        for at, (lane, many) in enumerate(right.items())
        for case in range(n)
    )
    return stored({}, **{"calls": calls, "plan": plan(n, lanes=tuple(right)), **changes})


def verdict_of(found: Measured, terms: Terms | None = None) -> Verdict:
    return decide(paired_scores_of(found.judged), terms or Terms())


def cost_of(lane: str, value: float | None, setup: Setup) -> LaneCost:
    per_answer = value and Estimate(
        value=value, low=0, high=1, confidence=0.95, cases=60, groups=60, method="m"
    )
    return LaneCost(
        lane=lane, basis="alone", per_answer=per_answer or None, draws=np.empty(0), setup=setup,
        setup_cost=None, monthly=None,
    )  # fmt: skip


def test_rates_and_gains_are_the_verdicts_and_rungs_stand_in_its_order() -> None:
    found = measure(run_of(), {})
    verdict = verdict_of(found)
    rungs = ladder_of(found, verdict, {})
    assert tuple(rung.lane for rung in rungs) == verdict.order == ("zero_shot", "prompt", "rag", "lora")
    assert [rung.below for rung in rungs] == [None, "zero_shot", "prompt", "rag"]
    assert {rung.lane: rung.right for rung in rungs} == dict(verdict.rates)
    assert rungs[0].gain is None
    for rung in rungs[1:]:
        assert rung.gain is verdict.differences[rung.lane, str(rung.below)]
    assert rungs[2].gain is not None
    assert round(60 * rungs[2].gain.value) == 42
    assert controls_of(found) == ("oracle",)


def test_time_and_tokens_change_over_the_rung_below() -> None:
    found = measure(run_of(), {})
    zero, prompt, rag, lora = ladder_of(found, verdict_of(found), {})
    assert (zero.ttft_ms, zero.ttft_change_ms, zero.prompt_tokens_change) == (40, None, None)
    assert (prompt.ttft_ms, prompt.ttft_change_ms) == (20, -20)
    assert (rag.prompt_tokens, rag.prompt_tokens_change) == (300, 100)
    assert (lora.completion_tokens, lora.completion_tokens_change) == (16, -2)


def test_another_order_of_cost_is_climbed_in_that_order() -> None:
    found = measure(run_of(), {})
    terms = Terms(order=("lora", "prompt", "zero_shot", "rag"))
    rungs = ladder_of(found, verdict_of(found, terms), {})
    assert [rung.lane for rung in rungs] == ["lora", "prompt", "zero_shot", "rag"]
    assert rungs[1].gain is not None
    assert round(60 * rungs[1].gain.value) == -1


def test_failures_have_a_class_a_count_and_an_example_and_point_somewhere() -> None:
    wrong: tuple[tuple[CheckKind, CheckOutcome], ...] = (("content", "fail"),)
    untidy: tuple[tuple[CheckKind, CheckOutcome], ...] = (("content", "pass"), ("format", "fail"))
    run = run_of({"prompt": 60})
    calls = (
        *run.calls[:20],
        *(call(n, lane="prompt", checks=wrong, text=f"wrong {n}") for n in range(20, 30)),
        *(call(n, lane="prompt", checks=untidy, text=f"untidy {n}") for n in range(30, 33)),
        replace(failed(33), lane="prompt"),
    )
    found = measure(replace(run, calls=calls), {})
    (rung,) = ladder_of(found, verdict_of(found), {})
    assert [(one.kind, one.count, one.example.answer) for one in rung.failures] == [
        ("format", 3, "untidy 30"),
        ("behaviour", 10, "wrong 20"),
        ("failed", 1, ""),
    ]
    assert rung.failures[0].points_to == "worked examples, JSON mode or LoRA"
    assert dict(count_classes(run.plan.cases, calls, "prompt")) == {
        one.kind: one.count for one in rung.failures
    }
    assert rung.answers == 34


def test_costs_are_of_1000_answers_and_what_was_not_measured_stays_unknown() -> None:
    found = measure(run_of(), {})
    costs = {
        "zero_shot": cost_of("zero_shot", 0.002, Setup()),
        "prompt": cost_of("prompt", None, Setup()),
        "rag": cost_of("rag", 0.003, Setup(looks_up=True, index_s=4.5)),
        "lora": cost_of("lora", 0.001, Setup(learns=True, examples=200)),
    }
    zero, prompt, rag, lora = ladder_of(found, verdict_of(found), costs)
    assert zero.cost_per_1000 == pytest.approx(2)
    assert prompt.cost_per_1000 is None
    assert (zero.setup_s, rag.setup_s, lora.setup_s) == (0, 4.5, None)


def test_a_lane_that_nothing_judged_is_a_rung_without_figures_and_no_rung_below() -> None:
    run = run_of({"zero_shot": 10, "rag": 50}, plan=plan(60, lanes=("zero_shot", "prompt", "rag")))
    found = measure(run, {})
    rungs = ladder_of(found, verdict_of(found), {})
    assert [(rung.lane, rung.below) for rung in rungs] == [
        ("zero_shot", None), ("prompt", "zero_shot"), ("rag", "zero_shot"),
    ]  # fmt: skip
    silent = rungs[1]
    assert (silent.right, silent.gain, silent.ttft_ms, silent.prompt_tokens, silent.failures) == (
        None, None, None, None, (),
    )  # fmt: skip


def test_copies_of_one_greedy_answer_fail_once() -> None:
    once = measure(stored({0: "fail"}, plan=plan(20, repeats=3, temperature=0.0)), {})
    copies = tuple(call(0, repeat, outcome="fail") for repeat in range(3))
    thrice = measure(replace(once.run, calls=copies), {})
    (rung,) = ladder_of(thrice, verdict_of(thrice), {})
    assert [one.count for one in rung.failures] == [1]
    assert rung.answers == 1
