"""Intervals hold what they promise, are never without width, and agree with scipy and statsmodels."""

from random import Random
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from compare.statistics import CaseScores, cases_needed, difference, holm, rate, wilson


def cases(*scores: float | tuple[float, ...], group: int = 1) -> list[CaseScores]:
    """One case a score; ``group`` cases in a row share a group."""
    return [
        CaseScores(case=f"c{i}", group=f"g{i // group}", scores=s if isinstance(s, tuple) else (float(s),))
        for i, s in enumerate(scores)
    ]


@pytest.mark.parametrize(
    ("passes", "n", "low", "high"), [(40, 50, 0.6696, 0.8876), (0, 10, 0.0, 0.2775), (0, 0, 0.0, 1.0)]
)
def test_wilson_gives_the_worked_examples(passes: int, n: int, low: float, high: float) -> None:
    assert wilson(passes, n) == pytest.approx((low, high), abs=5e-5)


@given(n=st.integers(1, 400), share=st.floats(0, 1))
def test_wilson_agrees_with_scipy(n: int, share: float) -> None:
    passes = round(share * n)
    interval = stats.binomtest(passes, n).proportion_ci(method="wilson")
    assert wilson(passes, n) == pytest.approx((interval.low, interval.high), abs=1e-9)


def test_one_repeat_of_a_check_gets_wilson_and_several_a_bootstrap() -> None:
    once = rate(cases(*[1] * 40, *[0] * 10))
    assert once is not None
    assert (once.method, once.cases, once.groups) == ("Wilson", 50, 50)
    assert (once.low, once.high) == pytest.approx((0.6696, 0.8876), abs=5e-5)
    often = rate(cases(*[(1.0, 0.0)] * 20, *[(1.0, 1.0)] * 20))
    assert often is not None
    assert often.method == "bootstrap over groups with two pseudo-cases"
    assert often.value == pytest.approx(0.75)


def test_the_bootstrap_agrees_with_resampling_by_hand() -> None:
    drawn = Random(4)
    scores = [tuple(float(drawn.random() < 0.6) for _ in range(3)) for _ in range(45)]
    found = rate(cases(*scores, group=3))
    assert found is not None
    assert found.groups == 15
    means = np.array([fmean(s) for s in scores]).reshape(15, 3)
    rng = np.random.default_rng(1)
    resampled = [means[rng.integers(0, 15, 15)].mean() for _ in range(20_000)]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(resampled, (0.025, 0.975))), abs=0.02)


@pytest.mark.parametrize("score", [0.0, 1.0])
@pytest.mark.parametrize(("n", "repeats"), [(15, 1), (60, 1), (15, 5)])
def test_all_right_and_all_wrong_keep_an_interval_with_width(score: float, n: int, repeats: int) -> None:
    found = rate(cases(*[(score,) * repeats] * n))
    assert found is not None
    assert found.high - found.low > 0.01
    assert 0 <= found.low <= found.value <= found.high <= 1


@pytest.mark.parametrize("score", [0.0, 0.4, 1.0])
def test_two_identical_backends_differ_by_nothing_within_an_interval_with_width(score: float) -> None:
    same = cases(*[(score,)] * 20)
    found = difference(same, same)
    assert found is not None
    assert found.value == 0
    assert found.low < 0 < found.high


@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 1.0])), min_size=2, max_size=40))
def test_a_difference_turned_round_is_the_same_the_other_way(pairs: list[tuple[float, float]]) -> None:
    a, b = cases(*[x for x, _ in pairs]), cases(*[y for _, y in pairs])
    one, other = difference(a, b), difference(b, a)
    assert one is not None
    assert other is not None
    assert one.value == pytest.approx(-other.value)
    assert one.low < one.high
    assert one.p_value == pytest.approx(other.p_value)
    better, worse = sum(x > y for x, y in pairs), sum(x < y for x, y in pairs)
    assert one.p_value == pytest.approx(
        stats.binomtest(better, better + worse).pvalue if better + worse else 1.0, abs=1e-9
    )


def test_only_cases_that_both_have_are_compared() -> None:
    found = difference(cases(1, 1, 1), cases(0, 1))
    assert found is not None
    assert (found.cases, found.value) == (2, 0.5)
    assert difference(cases(1), []) is None
    assert difference([CaseScores(case="c0", group="g", scores=())], cases(1)) is None
    assert rate([]) is None


def test_fewer_than_15_groups_are_too_few_to_infer_anything() -> None:
    few, many = rate(cases(*[1, 0] * 20, group=3)), rate(cases(*[1, 0] * 20, group=2))
    assert few is not None
    assert many is not None
    assert (few.groups, few.enough) == (14, False)
    assert (many.groups, many.enough) == (20, True)


def test_holm_gives_a_worked_example() -> None:
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06})
    assert holm({}) == {}


def test_cases_needed_splits_the_variance_between_cases_and_repeats() -> None:
    drawn = np.random.default_rng(0)
    truth = drawn.normal(0, np.sqrt(1 / 9), 4000)
    noise = drawn.normal(0, np.sqrt(1 / 3), (4000, 5))
    rows = [tuple(float(x) for x in row) for row in truth[:, None] + noise]
    nothing = cases(*[(0.0,) * 5] * 4000)
    found = cases_needed(cases(*rows), nothing, gain=0.118)
    assert found is not None
    assert found.cases == pytest.approx(100, rel=0.08)  # the order of size that the design names
    assert found.floor == pytest.approx(7.849 * (1 / 9) / 0.118**2, rel=0.08)
    assert cases_needed(cases(1), cases(0), gain=0.1) is None


def test_the_interval_of_a_difference_covers_a_known_truth() -> None:
    """1,000 pairs of backends with rates 0.55 and 0.75, 60 cases of shared difficulty, 2 repeats."""
    drawn = np.random.default_rng(12)
    hits = 0
    for _ in range(1000):
        hard = drawn.normal(0, 0.15, 60)
        a = drawn.random((60, 2)) < np.clip(0.75 + hard, 0, 1)[:, None]
        b = drawn.random((60, 2)) < np.clip(0.55 + hard, 0, 1)[:, None]
        found = difference(*(cases(*[tuple(float(x) for x in row) for row in scores]) for scores in (a, b)))
        assert found is not None
        hits += found.low <= TRUTH <= found.high
    assert 0.93 <= hits / 1000 <= 0.97


def _truth() -> float:
    hard = np.random.default_rng(0).normal(0, 0.15, 2_000_000)
    return float(np.clip(0.75 + hard, 0, 1).mean() - np.clip(0.55 + hard, 0, 1).mean())


TRUTH = _truth()
"""Of the simulated backends: clipping moves it a little below 0.2."""
