"""Consistency, latency and variance: the worked examples, and what must hold for any answers."""

from dataclasses import replace
from itertools import combinations
from math import comb, log
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from backends.types import Answer, Timing, Usage
from compare import consistency, latency, variance
from compare.consistency import fold
from compare.statistics import CaseScores

TEXTS = st.lists(st.sampled_from(["yes", "Yes.", "no", '{"a": 1}', '{ "a":1 }', ""]), max_size=12)


def answer(total_ms: float, tokens: int = 5) -> Answer:
    timing = Timing(
        queued_ms=1.0, adapter_switch_ms=0.0, embed_ms=2.0, retrieve_ms=3.0, prefill_ms=4.0,
        decode_ms=total_ms - 10.0, total_ms=total_ms, ttft_ms=12.0, first_token_ms=10.0,
    )  # fmt: skip
    usage = Usage(prompt_tokens=9, completion_tokens=tokens)
    return Answer(text="x", timing=timing, usage=usage, finish="stop", rendered="", token_ids=())


def test_pass_at_k_and_pass_all_k_give_the_worked_example() -> None:
    assert consistency.pass_at_k(10, 4, 3) == pytest.approx(0.8333333333)
    assert consistency.pass_all_k(10, 4, 3) == pytest.approx(0.0333333333)
    assert consistency.pass_at_k(2, 1, 3) is None


@given(st.integers(1, 12), st.data())
def test_pass_at_k_counts_every_choice_of_k(n: int, data: st.DataObject) -> None:
    passes, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    chosen = list(combinations([True] * passes + [False] * (n - passes), k))
    assert len(chosen) == comb(n, k)
    assert consistency.pass_at_k(n, passes, k) == pytest.approx(fmean(any(c) for c in chosen), abs=1e-9)
    assert consistency.pass_all_k(n, passes, k) == pytest.approx(fmean(all(c) for c in chosen), abs=1e-9)


def test_entropy_gives_the_worked_example() -> None:
    assert consistency.normalised_entropy([5, 3, 2]) == pytest.approx(1.02965 / log(10), abs=1e-5)
    assert consistency.normalised_entropy([5, 3, 2]) == pytest.approx(0.44717, abs=1e-5)
    assert consistency.modal_share([*["a"] * 5, *["b"] * 3, *["c"] * 2]) == 0.5
    assert consistency.normalised_entropy([1]) is None


@given(TEXTS)
def test_entropy_is_scipys_and_within_its_bounds(texts: list[str]) -> None:
    sizes = [group.size for group in fold(texts)]
    found = consistency.normalised_entropy(sizes)
    if len(texts) < 2:
        assert found is None
    else:
        assert found == pytest.approx(float(stats.entropy(sizes)) / log(len(texts)), abs=1e-9)
        assert -1e-12 <= found <= 1 + 1e-12


def test_total_agreement_tells_raw_from_parsed() -> None:
    cases = [["Yes.", "yes"], ["no", "no"], ["a", "b"], ["alone"], []]
    assert consistency.total_agreement(cases) == pytest.approx(2 / 3)
    assert consistency.total_agreement(cases, raw=True) == pytest.approx(1 / 3)
    assert consistency.total_agreement([["alone"]]) is None


@given(TEXTS)
def test_lexical_agreement_is_one_for_copies_and_the_longest_common_subsequence_else(
    texts: list[str],
) -> None:
    found = consistency.lexical_agreement(texts)
    if len(texts) < 2:
        assert found is None
        return
    pairs = [
        1 - (len(a) + len(b) - 2 * common(a, b)) / ((len(a) + len(b)) or 1) for a, b in combinations(texts, 2)
    ]
    assert found == pytest.approx(fmean(pairs), abs=1e-9)


def common(a: str, b: str) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(b) + 1)
    for x in a:
        row = next_row(row, x, b)
    return row[-1]


def next_row(row: list[int], x: str, b: str) -> list[int]:
    new = [0]
    for j, y in enumerate(b):
        new.append(row[j] + 1 if x == y else max(row[j + 1], new[-1]))
    return new


def test_semantic_agreement_and_groups_follow_the_cosines() -> None:
    angles = np.radians([0, 20, 40, 120])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    between = [20, 40, 120, 20, 100, 80]
    assert consistency.semantic_agreement(vectors) == pytest.approx(
        fmean(np.cos(np.radians(between))), abs=1e-6
    )
    assert consistency.embedding_groups(vectors) == (3, 1)  # 0 and 40 degrees are joined by 20
    assert consistency.embedding_groups(vectors[:0]) == ()
    assert consistency.semantic_agreement(vectors[:1]) is None


def test_length_spread_is_the_coefficient_of_variation() -> None:
    assert consistency.length_spread([8, 12]) == pytest.approx(float(stats.variation([8, 12], ddof=1)))
    assert consistency.length_spread([0, 0]) is None
    assert consistency.length_spread([5]) is None


def test_drift_is_the_last_third_minus_the_first() -> None:
    falling = [CaseScores(case=f"{i}", group=f"{i}", scores=(1, 1, 0, 1, 0, 0)) for i in range(20)]
    found = consistency.drift(falling)
    assert found is not None
    assert found.value == -1
    assert consistency.drift([replace(case, scores=(1.0, 0.0)) for case in falling]) is None


@given(st.lists(st.lists(st.floats(1, 1e5), min_size=1, max_size=4), min_size=1, max_size=30))
def test_percentiles_are_numpys_and_the_interval_holds_the_median_of_medians(
    times: list[list[float]],
) -> None:
    found = latency.percentiles(times)
    assert found is not None
    values = [value for case in times for value in case]
    assert found.p50 == pytest.approx(float(np.median(values)))
    assert (found.p95 is None) == (len(values) < 20)
    if found.low is not None:
        assert found.high is not None
        assert found.low <= float(np.median([np.median(case) for case in times])) <= found.high


def test_few_cases_have_a_median_without_an_interval() -> None:
    found = latency.percentiles([[3.0], [1.0], [2.0]])
    assert found is not None
    assert (found.n, found.p50, found.low, found.high, found.p95) == (3, 2.0, None, None, None)
    assert latency.percentiles([]) is None


def test_parts_sum_to_the_total_and_speed_leaves_out_the_first_token() -> None:
    one, short = answer(50.0), answer(50.0, tokens=1)
    assert sum(latency.mean_parts([one, answer(70.0)]).values()) == pytest.approx(60.0)
    assert latency.mean_parts([]) == {}
    assert latency.tpot_ms(one) == pytest.approx(10.0)
    assert latency.tokens_per_second(one.timing, one.usage) == pytest.approx(100.0)
    assert latency.tpot_ms(short) is latency.tokens_per_second(short.timing, short.usage) is None


@given(st.lists(st.lists(st.sampled_from([0.0, 1.0]), min_size=2, max_size=5), min_size=2, max_size=12))
def test_variance_agrees_with_scipys_one_way_analysis(rows: list[list[float]]) -> None:
    found = variance.split(rows)
    assert found is not None
    assert found.repeat is not None
    whole, sizes = sum(map(len, rows)), [len(row) for row in rows]
    within = sum(np.var(row) * len(row) for row in rows) / (whole - len(rows))
    assert found.repeat == pytest.approx(float(within), abs=1e-9)
    if within > 0:
        f = float(stats.f_oneway(*rows).statistic)
        n0 = (whole - sum(n * n for n in sizes) / whole) / (len(rows) - 1)
        assert found.case == pytest.approx(max(0.0, (f - 1) * within / n0), abs=1e-9)


def test_one_repeat_can_not_tell_repeats_from_cases() -> None:
    found = variance.split([[1.0], [0.0], [1.0], [1.0]])
    assert found is not None
    assert (found.repeat, found.repeat_share) == (None, None)
    assert found.case == pytest.approx(0.25)
    assert variance.split([[1.0, 0.0]]) is None
    same = variance.split([[1.0, 1.0], [1.0, 1.0]])
    assert same is not None
    assert same.repeat_share is None
