"""Each chart's sentence: right where the data say something, and "cannot be told" where they do not."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from backends.types import Sampling, Timing, Usage
from compare import comparing, takeaways, time_takeaways
from compare.judged import JudgedCall
from compare.judging import CheckOutcome
from compare.latency import percentiles, prompt_slope
from compare.matrix import by_place, cell
from compare.plan import Plan
from compare.statistics import ONE_CASE, CaseScores, difference, rate
from compare.summary import without_copies

NAMES = {"prompt": "Prompt", "rag": "RAG", "lora": "LoRA"}
TIMING = Timing(
    queued_ms=0, adapter_switch_ms=0, embed_ms=0, retrieve_ms=0, prefill_ms=10, decode_ms=90, total_ms=100,
    ttft_ms=12, first_token_ms=10,
)  # fmt: skip


def scored(passes: Sequence[float], repeats: int = 1) -> list[CaseScores]:
    return [
        CaseScores(case=f"c{n}", group=f"g{n}", scores=tuple([float(value)] * repeats))
        for n, value in enumerate(passes)
    ]


def first(n: int, of: int) -> list[CaseScores]:
    return scored([1.0] * n + [0.0] * (of - n))


def said_of_rates(scores: comparing.LaneScores, once: bool = True) -> str:
    return takeaways.of_pass_rates(comparing.rates_of(scores), comparing.lead_of(scores), NAMES, once=once)


def said_of_gains(scores: comparing.LaneScores, once: bool = True) -> str:
    return takeaways.of_differences(comparing.gains_over("prompt", scores), "prompt", NAMES, once=once)


def test_a_clear_gain_is_said_in_cases() -> None:
    said = said_of_gains({"prompt": first(12, 60), "rag": first(50, 60)})
    assert said.startswith("RAG is right on 38 more of 60 cases than Prompt (95 % interval ")
    low, high = said.split("interval ")[1].rstrip(").").split(" to ")
    found = difference(first(50, 60), first(12, 60))
    assert found is not None
    assert (int(low), int(high)) == (round(60 * found.low), round(60 * found.high))
    assert int(low) <= 38 <= int(high)


def test_a_clear_loss_is_said_as_one() -> None:
    said = said_of_gains({"prompt": first(50, 60), "rag": first(12, 60)})
    assert "RAG is right on 38 fewer of 60 cases than Prompt" in said


def test_with_repeats_gains_are_said_in_points() -> None:
    scores = {"prompt": scored([0.0] * 40, 5), "rag": scored([1.0] * 40, 5)}
    assert "RAG is right 100 points more often than Prompt" in said_of_gains(scores, once=False)


def test_equal_lanes_cannot_be_told_apart() -> None:
    scores = {"prompt": first(30, 60), "rag": first(30, 60)}
    assert "cannot tell whether anything beats Prompt" in said_of_gains(scores)
    assert "whether it is the best" in said_of_rates(scores)


def test_few_cases_are_counts_and_no_intervals() -> None:
    scores = {"prompt": first(0, 5), "rag": first(5, 5)}
    for said in (said_of_rates(scores), said_of_gains(scores)):
        assert "too few to say more than counts" in said
        assert "%" not in said
    assert "RAG on 5 of 5 cases" in said_of_rates(scores)


def test_nothing_judged_is_said_and_is_no_zero() -> None:
    scores = {"prompt": scored([]), "rag": [CaseScores(case="c", group="c", scores=())]}
    assert "No answer was judged" in said_of_rates(scores)
    assert "No case was judged both" in said_of_gains(scores)


def test_one_query_asked_often_speaks_of_that_query_only() -> None:
    scores = {"rag": [CaseScores(case="", group="", scores=(1.0,) * 7 + (0.0,) * 3)]}
    said = said_of_rates(scores, once=False)
    assert "70 % of its answers to this question" in said
    assert "(95 % interval 40 to 89 %)" in said  # Wilson of 7 in 10, by hand
    assert "Of other questions this says nothing" in said


def test_the_best_of_three_equals_is_not_called_the_best() -> None:
    """Picking the largest of three from chance alone; the intervals hold together."""
    scores = {lane: first(30 + gain, 60) for lane, gain in (("prompt", 0), ("rag", 3), ("lora", 5))}
    assert "is right most often" not in said_of_rates(scores)


def test_copies_and_single_answers_show_no_steadiness() -> None:
    none: dict[str, None] = {"rag": None}
    once = takeaways.of_agreement(none, None, NAMES, repeats=1, copies=False)
    copies = takeaways.of_agreement(none, None, NAMES, repeats=5, copies=True)
    assert "asked once" in once
    assert "copies of one answer" in copies


def call(lane: str, case: int, repeat: int, text: str, **changes: object) -> JudgedCall:
    plain = JudgedCall(
        case_id=f"c{case}",
        group=f"g{case}",
        lane=lane,
        repeat=repeat,
        status="done",
        text=text,
        timing=TIMING,
        usage=Usage(prompt_tokens=7, completion_tokens=10),
        checks=(("content", "pass"),),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_the_steadier_lane_is_named() -> None:
    calls = [
        call(lane, case, repeat, "yes" if lane == "rag" else f"answer {repeat}")
        for lane in ("prompt", "rag")
        for case in range(20)
        for repeat in range(4)
    ]
    scores = comparing.agreement_of(comparing.calls_of(calls, ("prompt", "rag")))
    shares = comparing.rates_of(scores)
    lead = comparing.lead_of(scores)
    said = takeaways.of_agreement(shares, lead, NAMES, repeats=4, copies=False)
    assert said == (
        "RAG is the steadiest: 100 % of its answers to a question say the same, of Prompt's 25 %."
    )


@pytest.mark.parametrize(("slow", "told"), [(200.0, True), (101.0, False)])
def test_quicker_is_said_only_when_the_medians_intervals_are_apart(slow: float, told: bool) -> None:
    times = {
        "prompt": percentiles([[100.0 + n] for n in range(30)]),
        "rag": percentiles([[slow + n] for n in range(30)]),
    }
    said = time_takeaways.of_latency(times, NAMES, "bench")
    assert ("cannot be told" not in said) is told
    assert "shared the machine" in time_takeaways.of_latency(times, NAMES, "demo")
    assert "no times" in time_takeaways.of_latency({"rag": None}, NAMES, "bench")


def test_what_a_longer_prompt_costs_is_scipys_line() -> None:
    points = [(float(50 + 10 * n), 20.0 + 0.3 * (50 + 10 * n) + (-1) ** n) for n in range(40)]
    slope = prompt_slope(points, 40)
    assert slope is not None
    line = stats.linregress([x for x, _ in points], [y for _, y in points])
    reach = stats.t.ppf(0.975, 38) * line.stderr
    assert (slope.ms_per_token, slope.at_zero_ms) == pytest.approx((line.slope, line.intercept), abs=1e-12)
    assert (slope.low, slope.high) == pytest.approx((line.slope - reach, line.slope + reach), abs=1e-12)
    assert "1,000 more tokens to read go with 0.30 s more" in time_takeaways.of_prompt_length(slope, "bench")
    assert "one at a time" in time_takeaways.of_prompt_length(slope, "demo")
    assert prompt_slope(points, 14) is None
    assert prompt_slope([(100.0, y) for _, y in points], 40) is None
    quicker = prompt_slope([(x, 500.0 - y) for x, y in points], 40)
    assert "did not take longer" in time_takeaways.of_prompt_length(quicker, "bench")


def test_no_drift_is_expected_and_a_real_one_is_found() -> None:
    steady = [CaseScores(case=f"c{n}", group=f"g{n}", scores=(1, 0, 1) * 3) for n in range(30)]
    worse = [CaseScores(case=f"c{n}", group=f"g{n}", scores=(1, 1, 1, 1, 0, 0, 0, 0, 0)) for n in range(30)]
    calm = takeaways.of_drift(comparing.drifts_of({"rag": steady}), NAMES)
    assert calm.startswith("No drift is seen")
    found = takeaways.of_drift(comparing.drifts_of({"rag": steady, "lora": worse}), NAMES)
    assert found.startswith("LoRA's later answers are right less often, by 100 points")
    assert "from three answers" in takeaways.of_drift({"rag": None}, NAMES)


def test_where_results_vary() -> None:
    by_case = [CaseScores(case=f"c{n}", group=f"g{n}", scores=(float(n % 2),) * 4) for n in range(20)]
    by_chance = [CaseScores(case=f"c{n}", group=f"g{n}", scores=(0.0, 1.0, 0.0, 1.0)) for n in range(20)]
    said = takeaways.of_variance(comparing.splits_of({"rag": by_case}), NAMES)
    assert "100 % comes from the question" in said
    assert "more cases tell more" in said
    assert "more repeats help" in takeaways.of_variance(comparing.splits_of({"rag": by_chance}), NAMES)
    assert "asked once" in takeaways.of_variance(comparing.splits_of({"rag": first(5, 9)}), NAMES)
    same = [CaseScores(case=f"c{n}", group=f"g{n}", scores=(1.0, 1.0)) for n in range(9)]
    assert "Nothing varies" in takeaways.of_variance(comparing.splits_of({"rag": same}), NAMES)


OUTCOMES = st.sampled_from(["pass", "fail", "unscored"])
CALLS = st.lists(
    st.tuples(
        st.sampled_from(["prompt", "rag"]), st.integers(0, 20), st.integers(0, 3), OUTCOMES,
        st.sampled_from(["", "yes", "no"]), st.sampled_from(["done", "failed", "cancelled"]),
    ),
    max_size=60,
    unique_by=lambda drawn: drawn[:3],
)  # fmt: skip


@given(CALLS)
def test_any_run_gets_a_sentence_for_every_chart(
    drawn: list[tuple[str, int, int, CheckOutcome, str, str]],
) -> None:
    calls = [
        call(lane, case, repeat, text, status=status, checks=(("content", outcome), ("format", outcome)))
        for lane, case, repeat, outcome, text, status in drawn
    ]
    lanes = comparing.calls_of(calls, ("prompt", "rag"))
    for kind in (None, "format"):
        scores = comparing.scores_of(lanes, kind)  # type: ignore[arg-type]
        assert said_of_rates(scores, once=False)
        assert said_of_gains(scores, once=False)
        assert takeaways.of_variance(comparing.splits_of(scores), NAMES)
        assert takeaways.of_drift(comparing.drifts_of(scores), NAMES)
        comparing.by_repeat(scores)
    alike = comparing.agreement_of(lanes)
    assert takeaways.of_agreement(
        comparing.rates_of(alike), comparing.lead_of(alike), NAMES, repeats=4, copies=False
    )
    comparing.likeness_of(lanes)
    points = [point[2:] for point in comparing.prompt_points(lanes)]
    assert time_takeaways.of_prompt_length(prompt_slope(points, 21), "bench")
    places = by_place(calls)
    for case in range(21):
        found = cell(places, f"c{case}", "rag")
        mine = [one for one in calls if (one.case_id, one.lane) == (f"c{case}", "rag")]
        assert found.calls == len(mine)
        assert (found.look == "missing") is (not mine)
        assert (found.look == "failed") is bool(mine and all(one.status != "done" for one in mine))
        assert found.passes <= found.judged <= found.done <= found.calls


def test_by_repeat_folds_a_thousand_repeats_into_twenty_points() -> None:
    case = CaseScores(case="c", group="c", scores=tuple(float(n % 2) for n in range(1000)))
    points = comparing.by_repeat({"rag": [case]})["rag"]
    assert len(points) == 20
    assert [value for _, value, _ in points] == [0.5] * 20
    assert sum(n for *_, n in points) == 1000
    assert points[0][0] == 25.5


def test_a_lane_with_few_judged_cases_takes_no_headline() -> None:
    scores = {"prompt": first(55, 60), "rag": first(1, 1)}
    said = said_of_rates(scores)
    assert said.startswith("Prompt is right on 55 of 60 cases")
    assert "this question" not in said
    few = said_of_rates({"prompt": first(60, 60), "rag": first(0, 6)})
    assert "most often" not in few


def test_the_best_must_be_ahead_of_all_the_others() -> None:
    """B is clearly worse than A in each case that A loses; C only overlaps."""
    a, b = first(54, 60), first(45, 60)
    c = scored([1.0] * 34 + [0.0] * 16 + [1.0] * 10)
    lead = comparing.lead_of({"prompt": a, "rag": b, "lora": c})
    assert lead is not None
    gains = [difference(a, other, comparing.together(3)) for other in (b, c)]
    assert lead.gain.low == min(gain.low for gain in gains if gain is not None)


def test_greedy_copies_count_once() -> None:
    calls = [call("rag", case, repeat, "yes") for case in range(3) for repeat in range(20)]
    plan = Plan(scenario="s", cases=(), lanes=("rag",), repeats=20)
    greedy = replace(plan, sampling=Sampling(temperature=0))
    kept = without_copies(calls, greedy)
    assert [one.case_id for one in kept] == ["c0", "c1", "c2"]
    lost = [call("rag", 0, 0, "", status="failed"), call("rag", 0, 1, "x")]
    assert without_copies(lost, greedy)[0].text == "x"
    assert (without_copies(calls, plan), without_copies(lost, plan)) == (calls, lost)
    assert [one.once for one in (greedy, plan, replace(plan, repeats=1))] == [True, False, True]


def test_an_answer_that_cannot_be_judged_is_no_pass_in_a_comparison() -> None:
    unscored = (("content", "unscored"),)
    calls = [call("prompt", case, 0, "{}", checks=(("content", "pass"),)) for case in range(20)]
    calls += [call("rag", case, 0, "garbage", checks=unscored) for case in range(20)]
    calls += [call(lane, 99, 0, "x", checks=unscored) for lane in ("prompt", "rag")]
    paired = comparing.paired_scores_of(comparing.calls_of(calls, ("prompt", "rag")))
    assert [case.scores for case in paired["rag"]] == [(0.0,)] * 20 + [()]
    assert [case.scores for case in paired["prompt"]] == [(1.0,)] * 20 + [()]


def test_one_wrong_answer_of_many_does_not_make_a_rate_surer_than_none() -> None:
    right = scored([1.0] * 60, 5)
    one_wrong = [*right[:-1], CaseScores(case="c59", group="g59", scores=(1, 1, 1, 1, 0))]
    all_right, nearly = rate(right), rate(one_wrong)
    assert all_right is not None
    assert nearly is not None
    assert nearly.low <= all_right.low + 0.01


def test_the_agreement_of_one_question_has_no_interval_of_its_own() -> None:
    one = rate([CaseScores(case="", group="", scores=(0.6,))])
    assert one is not None
    assert one.method != ONE_CASE
    assert not one.enough
