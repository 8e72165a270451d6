"""Did an adapter help: tables worked by hand, their sentences, and what is asked to find out."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from backends.errors import BadInput
from backends.scenario import load_scenario
from backends.types import Sampling
from compare.before_after import BeforeAfter, before_after, plan_before_after, plan_regression
from compare.before_after_words import interval, of_forgetting, of_help, of_leaked
from compare.cases import Case
from compare.judged import JudgedCall
from compare.judging import CheckKind, CheckOutcome
from compare.leakage import Leak
from compare.live import CallStatus
from compare.measured import StoredRun
from compare.plan import Plan
from compare.run_leakage import RunLeakage, TrainedOn
from compare.statistics import CaseScores, difference

Checks = tuple[tuple[CheckKind, CheckOutcome], ...]
OK: Checks = (("content", "pass"),)
NO: Checks = (("content", "fail"),)


def call(case: str, lane: str, checks: Checks, *, repeat: int = 0, status: CallStatus = "done") -> JudgedCall:
    return JudgedCall(
        case_id=case, group=case, lane=lane, repeat=repeat, status=status, text="", timing=None, usage=None,
        checks=checks, failure_stage="prepare" if status == "failed" else None,
    )  # fmt: skip


def stored(
    cases: Sequence[Case], calls: Sequence[JudgedCall], lanes: tuple[str, ...], *, greedy: bool = False
) -> StoredRun:
    plan = Plan(
        scenario="lamps",
        cases=tuple(cases),
        lanes=lanes,
        repeats=1 + max((call.repeat for call in calls), default=0),
        sampling=Sampling(temperature=0.0) if greedy else Sampling(),
    )
    return StoredRun(
        id="r", name="", status="done", plan=plan, live=False, calls=tuple(calls), provenance=None,
        ledger=None, started_at="", finished_at="",
    )  # fmt: skip


def moved(right_before: Sequence[int], right_after: Sequence[int], before: str = "prompt") -> BeforeAfter:
    """One answer a case, right (1) or wrong (0)."""
    cases = [Case(id=f"c{n}", query="?", checks="contains_all: x") for n in range(len(right_before))]
    calls = [
        call(case.id, lane, OK if right else NO)
        for lane, found in ((before, right_before), ("lora+3", right_after))
        for case, right in zip(cases, found, strict=True)
    ]
    return before_after(stored(cases, calls, (before, "lora+3")), before, "lora+3")


def test_rates_difference_and_mcnemar_are_those_of_the_table() -> None:
    # 12 both right, 2 only before, 10 only after, 6 both wrong.
    found = moved([1] * 14 + [0] * 16, [1] * 12 + [0] * 2 + [1] * 10 + [0] * 6)
    assert found.before_rate is not None
    assert found.after_rate is not None
    assert found.gain is not None
    assert (found.before_rate.value, found.after_rate.value) == (14 / 30, 22 / 30)
    assert found.gain.value == pytest.approx(8 / 30)
    # Exact McNemar of 2 against 10: 2 (C(12,0) + C(12,1) + C(12,2)) / 2^12.
    assert found.gain.p_value == pytest.approx(2 * (1 + 12 + 66) / 4096)
    assert (len(found.better), len(found.worse), len(found.same)) == (10, 2, 18)
    assert found.classes == {"behaviour": (16, 8)}
    assert found.once
    low, high = (round(100 * bound) for bound in (found.gain.low, found.gain.high))
    assert of_help(found) == (
        "The adapter raised right answers on the test questions from 47 % to 73 % "
        f"(+27 points, 95 %: +{low} to +{high})."
    )


@pytest.mark.parametrize(
    ("before", "after", "helped", "forgot"),
    [
        ([0] * 40, [1] * 40, "The adapter raised right answers", "There is little to forget: without the"),
        ([1, 0] * 40, [1] * 80, "The adapter raised right answers", "It even got better."),
        ([1] * 40, [0] * 40, "The adapter made it worse: right answers", "It forgot: right answers on"),
        ([1] * 20 + [0] * 20, [1] * 19 + [0] * 21, "Can't tell yet", "Can't tell yet"),
        ([1, 0] * 200, [1, 0] * 200, "changed nothing that matters", "It forgot nothing that matters"),
        ([1, 0], [1, 1], "Right were 1 of 2 cases before and 2 of 2 cases after", "On Lamps right were"),
    ],
)  # fmt: skip
def test_the_sentence_follows_from_the_interval(
    before: list[int], after: list[int], helped: str, forgot: str
) -> None:
    found = moved(before, after)
    assert helped in of_help(found)
    assert forgot in of_forgetting(found, "Lamps")


def test_a_comparison_with_another_adapter_names_it() -> None:
    assert of_help(moved([0] * 30, [1] * 30, before="lora+0")).startswith(
        "Compared with LoRA, adapter as shipped, the adapter raised"
    )


def test_each_check_is_compared_alone_and_what_cannot_be_judged_did_not_pass() -> None:
    cases = [
        Case(id="a", query="?", checks="json_schema: @schema; json_fields: queue", expected='{"queue": 1}'),
        Case(id="b", query="?", checks="json_fields: queue; contains_all: x", expected='{"queue": 1}'),
    ]
    calls = [
        call("a", "prompt", (("format", "fail"), ("content", "unscored"))),
        call("b", "prompt", (("content", "fail"), ("content", "pass"))),
        call("a", "lora+3", (("format", "pass"), ("content", "pass"))),
        call("b", "lora+3", (("content", "pass"), ("content", "pass"))),
    ]
    found = before_after(stored(cases, calls, ("prompt", "lora+3")), "prompt", "lora+3")
    shares = {one.name: (one.kind, one.before and one.before.value, one.after and one.after.value)
              for one in found.checks}  # fmt: skip
    assert shares == {
        "json_schema": ("format", 0.0, 1.0),
        "json_fields": ("content", 0.0, 1.0),
        "contains_all": ("content", 1.0, 1.0),
    }
    assert found.classes == {"format": (1, 0), "behaviour": (1, 0)}
    # With three comparisons beside each other each stands at 1 - 0.05 / 3.
    assert {one.gain.confidence for one in found.checks if one.gain} == {1 - 0.05 / 3}


def test_two_checks_of_one_name_hold_together() -> None:
    cases = [Case(id="a", query="?", checks="contains_all: x; contains_all: y")]
    calls = [
        call("a", "prompt", (("content", "pass"), ("content", "fail"))),
        call("a", "lora+3", (("content", "pass"), ("content", "pass"))),
    ]
    (found,) = before_after(stored(cases, calls, ("prompt", "lora+3")), "prompt", "lora+3").checks
    assert (found.before and found.before.value, found.after and found.after.value) == (0.0, 1.0)


def test_failures_of_a_lane_count_against_it_and_greedy_copies_count_once() -> None:
    cases = [Case(id=name, query="?", checks="contains_all: x") for name in "ab"]
    calls = [
        call("a", "prompt", OK),
        call("b", "prompt", OK),
        call("a", "lora+3", OK),
        call("b", "lora+3", (), status="failed"),
    ]
    found = before_after(stored(cases, calls, ("prompt", "lora+3")), "prompt", "lora+3")
    assert found.after_rate is not None
    assert found.after_rate.value == 0.5
    assert found.worse == ("b",)
    assert found.classes == {"failed": (0, 1)}
    twice = [call("a", lane, NO, repeat=n) for lane in ("prompt", "lora+3") for n in range(4)]
    copied = before_after(stored(cases[:1], twice, ("prompt", "lora+3"), greedy=True), "prompt", "lora+3")
    assert copied.classes == {"behaviour": (1, 1)}
    assert copied.once


def test_cases_can_be_left_out_and_a_lane_that_was_not_asked_is_named() -> None:
    cases = [Case(id=name, query="?", checks="contains_all: x") for name in "ab"]
    calls = [call(case, lane, OK if case == "a" else NO) for case in "ab" for lane in ("prompt", "lora+3")]
    run = stored(cases, calls, ("prompt", "lora+3"))
    found = before_after(run, "prompt", "lora+3", leave_out={"b"})
    assert (found.same, found.classes) == (("a",), {})
    with pytest.raises(BadInput, match=r"did not ask lora\+4"):
        before_after(run, "prompt", "lora+4")


def test_a_gain_on_questions_that_were_learnt_is_told_without_them() -> None:
    cases = [Case(id=f"c{n}", query="?", checks="contains_all: x") for n in range(40)]
    calls = [call(case.id, "prompt", NO) for case in cases]
    calls += [call(case.id, "lora+3", OK if n < 20 else NO) for n, case in enumerate(cases)]
    run = stored(cases, calls, ("prompt", "lora+3"))
    assert of_help(before_after(run, "prompt", "lora+3")).startswith("The adapter raised right answers")
    assert not of_leaked(run, "prompt", "lora+3")
    learnt = [
        Leak(case=f"c{n}", text="?", line=n + 1, kind="exact", where="training", likeness=1.0)
        for n in range(20)
    ]
    file = TrainedOn(adapters=("lamps/lora+3",), examples=99, leaks=tuple(learnt))
    told = of_leaked(replace(run, leakage=RunLeakage(trained_on=(file,))), "prompt", "lora+3")
    assert told.startswith("20 of 40 test questions stand among the training examples. Without them: ")
    assert "from 0 % to 0 %" in told
    all_learnt = replace(file, leaks=tuple(replace(learnt[0], case=case.id) for case in cases))
    told = of_leaked(replace(run, leakage=RunLeakage(trained_on=(all_learnt,))), "prompt", "lora+3")
    assert (
        told == "40 of 40 test questions stand among the training examples. Add some that it has not learnt."
    )


def test_an_interval_is_written_with_its_signs() -> None:
    def gain(many: int):
        a = [CaseScores(case=str(n), group=str(n), scores=(1.0,)) for n in range(many)]
        b = [CaseScores(case=str(n), group=str(n), scores=(float(n % 2),)) for n in range(many)]
        found = difference(b, a)
        assert found is not None
        return found

    assert interval(gain(4)) == "−50 points, too few cases"
    found = gain(40)
    low, high = (f"−{abs(round(100 * bound))}" for bound in (found.low, found.high))
    assert interval(found) == f"−50 points ({low} to {high})"


def test_lanes_are_the_same_prompt_the_adapter_before_and_this_one() -> None:
    scenario = load_scenario("ticket-routing")
    plan = plan_before_after(scenario, "lora", 0)
    assert plan.lanes == ("prompt", "lora+0")
    assert {case.split for case in plan.cases} == {"test"}
    assert plan_before_after(scenario, "lora_short", 0, repeats=3, seed=5).lanes == (
        "zero_shot", "prompt", "lora_short+0",
    )  # fmt: skip
    assert plan_before_after(scenario, "hybrid", 0).lanes == ("rag", "hybrid+0")
    with pytest.raises(BadInput, match="no adapter 9"):
        plan_before_after(scenario, "lora", 9)
    with pytest.raises(BadInput, match="no adapter 9"):
        plan_before_after(scenario, "lora", 0, before=9)


def test_a_regression_is_watched_on_another_scenario() -> None:
    other = load_scenario("support-facts")
    plan = plan_regression(other, "ticket-routing", "lora", 3)
    assert (plan.scenario, plan.lanes) == ("support-facts", ("prompt", "lora+ticket-routing/3"))
    assert {case.split for case in plan.cases} == {"test"}
    assert plan_regression(other, "ticket-routing", "hybrid", 3).lanes[0] == "rag"
    with pytest.raises(BadInput, match="another scenario"):
        plan_regression(other, "support-facts", "lora", 3)
