"""The verdict's rules: worked examples of each kind and edge, and properties that hold for any answers."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from scipy.stats import skellam

from backends.errors import BadInput
from compare.simultaneous import _lowest, differences_together, rates_together
from compare.statistics import RESAMPLES, CaseScores, difference, rate
from compare.terms import Terms
from compare.verdict import Kind, decide, in_order
from tests.verdict_runs import Right

Scores = Mapping[str, Sequence[CaseScores]]
LANES = ("prompt", "rag", "lora", "hybrid")


def scored(right: Mapping[str, Right], group: int = 1) -> dict[str, list[CaseScores]]:
    return {
        lane: [
            CaseScores(
                case=f"c{n}",
                group=f"g{n // group}",
                scores=tuple(map(float, one if isinstance(one, tuple) else (one,))),
            )
            for n, one in enumerate(of)
        ]
        for lane, of in right.items()
    }


def first(right: int, of: int) -> list[int]:
    """The first ``right`` cases right, so that a better lever is right wherever a worse one is."""
    return [1] * right + [0] * (of - right)


@pytest.mark.parametrize(
    ("right", "kind", "why", "levers", "meets"),
    [
        ({"prompt": first(10, 60), "rag": first(30, 60)}, "none_works", "below the bar", (), False),
        ({"prompt": first(196, 200), "rag": first(197, 200)}, "tie", "all alike", ("prompt",), True),
        ({"prompt": first(150, 200), "rag": first(150, 200)}, "tie", "all alike", ("prompt",), False),
        ({"prompt": first(13, 60), "rag": first(58, 60)}, "choose", "meets the bar", ("rag",), True),
        ({"prompt": first(58, 60), "rag": first(13, 60)}, "choose", "meets the bar", ("prompt",), True),
        # The dearest meets the bar; a cheaper one, not beaten by it, may as well.
        (
            {"prompt": first(54, 60), "rag": first(59, 60)},
            "cannot_tell", "still open", ("prompt", "rag"), False,
        ),
        # Another cheaper one is beaten by it: out, and the rest is the shortlist.
        (
            {"prompt": first(54, 60), "rag": first(9, 60), "lora": first(59, 60)},
            "narrowed", "still open", ("prompt", "lora"), False,
        ),
        # Not shown to meet the bar, but it beats what is cheaper, and what is dearer adds little.
        (
            {"prompt": first(40, 200), "rag": first(150, 200), "lora": first(150, 200)},
            "choose", "best so far", ("rag",), False,
        ),
        ({"prompt": first(50, 60)}, "cannot_tell", "one lever", ("prompt",), False),
        ({"prompt": first(58, 60)}, "choose", "meets the bar", ("prompt",), True),
        ({"prompt": first(9, 60)}, "none_works", "below the bar", (), False),
        (
            {"prompt": first(9, 14), "rag": first(14, 14)},
            "cannot_tell", "too few groups", ("prompt", "rag"), False,
        ),
        ({"prompt": [], "rag": []}, "cannot_tell", "nothing judged", (), False),
    ],
)  # fmt: skip
def test_each_rule_in_its_turn(
    right: Mapping[str, Right], kind: Kind, why: str, levers: tuple[str, ...], meets: bool
) -> None:
    found = decide(scored(right), Terms())
    assert (found.kind, found.why, found.levers, found.meets_bar) == (kind, why, levers, meets)


def test_a_lever_shown_to_meet_the_bar_is_not_out_because_a_dearer_one_beats_it() -> None:
    # Of prompt little is known; rag meets the bar, lora beats it and is not needed.
    right = {"prompt": [1] * 18 + [0] * 2, "rag": first(268, 300), "lora": first(298, 300)}
    found = decide(scored(right), Terms())
    assert found.differences["lora", "rag"].low > 0
    assert (found.kind, found.levers, found.meeting) == ("narrowed", ("prompt", "rag"), ("rag", "lora"))
    # With as many cases, prompt is beaten by lora but not by rag: it is out, and nothing but rag is left.
    found = decide(scored({**right, "prompt": first(252, 300)[::-1]}), Terms())
    assert not found.differences["rag", "prompt"].low > 0
    assert (found.kind, found.levers, found.meets_bar) == ("narrowed", ("rag",), True)


def test_bounds_are_those_that_hold_together_over_three_looks() -> None:
    right = {lane: first(40 + 5 * n, 60) for n, lane in enumerate(LANES)}
    found = decide(scored(right), Terms(confidence=0.9))
    assert {one.confidence for one in found.rates.values()} == {1 - 0.1 / 3 / 4}
    assert {one.confidence for one in found.differences.values()} == {1 - 0.1 / 3 / 6}
    assert list(found.differences) == [(dear, cheap) for cheap, dear in combinations(LANES, 2)]


@pytest.mark.parametrize("group", [1, 3])
@pytest.mark.parametrize("repeats", [1, 4])
def test_bounds_drawn_together_agree_with_those_drawn_one_by_one(group: int, repeats: int) -> None:
    drawn = Random(3)
    right = {
        lane: [tuple(int(drawn.random() < 0.6) for _ in range(repeats)) for _ in range(90)] for lane in LANES
    }
    scores = scored(right, group)
    scores["rag"] = scores["rag"][:60]  # Pairs of which one lane lacks cases rest on those that both have.
    rates, gains = rates_together(scores, 0.95), differences_together(scores, LANES, 0.95)
    for lane in LANES:
        one, alone = rates[lane], rate(scores[lane], whole_groups=True)
        assert one is not None
        assert alone is not None
        assert (one.value, one.groups, one.method) == (alone.value, alone.groups, alone.method)
        assert (one.low, one.high) == pytest.approx((alone.low, alone.high), abs=0.015)
    for (dear, cheap), gain in gains.items():
        pair = difference(scores[dear], scores[cheap], whole_groups=True)
        assert pair is not None
        assert (gain.value, gain.cases, gain.groups) == (pytest.approx(pair.value), pair.cases, pair.groups)
        assert (gain.low, gain.high) == pytest.approx((pair.low, pair.high), abs=0.02)


def test_bounds_far_out_are_drawn_often_enough_or_refused() -> None:
    # Only the two pseudo-cases vary: how often one is drawn more than the other is (nearly) Skellam's.
    scores = scored({"prompt": [1] * 98, "rag": [1] * 98})
    of_ten = 1 - 0.01 / 3 / 45
    gain = differences_together(scores, ("prompt", "rag"), of_ten)["rag", "prompt"]
    far = float(skellam(1, 1).ppf((1 + of_ten) / 2)) / 100
    assert (gain.low, gain.high) == (-far, far)
    with pytest.raises(BadInput, match="too far out"):
        decide(scores, Terms(confidence=0.99999))


@hypothesis(max_examples=60)
@given(
    st.integers(2, RESAMPLES) | st.integers(RESAMPLES, 4 * RESAMPLES),
    st.sampled_from([1, 2, 5, 300, 10**9]),
    st.floats(1e-4, 0.4),
    st.integers(0, 2**32 - 1),
)
def test_the_lowest_are_those_of_a_quantile_over_everything(
    long: int, different: int, tail: float, seed: int
) -> None:
    drawn = np.random.default_rng(seed).integers(different, size=long).astype(np.float32) / different - 0.5
    # In order, the part of a row that is looked at first says nothing of the rest.
    rows = np.stack([drawn, np.sort(drawn), np.sort(drawn)[::-1]])
    expected = np.quantile(rows.astype(float), tail, axis=1)
    assert _lowest(rows, tail) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_controls_never_win_and_are_no_comparison() -> None:
    right = {
        "prompt": first(10, 60),
        "oracle": first(60, 60),
        "shuffled": first(60, 60),
        "rag": first(58, 60),
    }
    found = decide(scored(right), Terms())
    assert (found.levers, found.order) == (("rag",), ("prompt", "rag"))
    without = decide(scored({lane: right[lane] for lane in ("prompt", "rag")}), Terms())
    assert found == without
    assert decide(scored({"oracle": first(60, 60)}), Terms()).why == "nothing judged"


def test_too_many_lost_calls_and_too_few_groups_are_told_before_anything_else() -> None:
    right = scored({"prompt": first(10, 60), "rag": first(58, 60)})
    assert decide(right, Terms(), lost_share=0.02).kind == "choose"
    lost = decide(right, Terms(), lost_share=0.021)
    assert (lost.kind, lost.why, lost.levers, lost.refused) == (
        "cannot_tell", "calls lost", ("prompt", "rag"), True,
    )  # fmt: skip
    few = decide(scored({"prompt": first(10, 42), "rag": first(40, 42)}, group=3), Terms())
    assert (few.why, few.next.cases, few.next.repeats) == ("too few groups", 3, None)
    assert not decide(scored({"prompt": first(10, 45), "rag": first(40, 45)}, group=3), Terms()).refused


def test_terms_that_cannot_be_are_refused_in_plain_words() -> None:
    for wrong, said in (
        ({"bar": 1.0}, "bar must lie between"),
        ({"bar": float("nan")}, "bar must lie between"),
        ({"gain": 0.0}, "gain must lie between"),
        ({"confidence": 1.0}, "confidence must be"),
        ({"order": ("rag", "rag")}, "names an approach twice"),
    ):
        with pytest.raises(BadInput, match=said):
            Terms(**wrong)
    with pytest.raises(BadInput, match="leaves out rag"):
        decide(scored({"prompt": [1], "rag": [1]}), Terms(order=("prompt",)))
    with pytest.raises(BadInput, match="3 times at most"):
        decide(scored({"prompt": [1]}), Terms(), look=4)


def test_the_usual_order_is_the_registry_s_and_another_one_may_name_more() -> None:
    lanes = ("hybrid", "lora+2", "oracle", "rag", "prompt@2", "lora", "prompt")
    assert in_order(lanes, Terms()) == ("prompt@2", "prompt", "rag", "lora+2", "lora", "hybrid")
    other = ("lora", "few_shot", "rag", "prompt")
    assert in_order(("prompt", "rag", "lora"), Terms(order=other)) == ("lora", "rag", "prompt")


def test_what_would_settle_it_is_as_many_cases_as_the_power_asks_for() -> None:
    drawn = Random(1)
    asked = [drawn.random() for _ in range(60)]
    right = {
        lane: [tuple(int(drawn.random() < 0.4 + 0.5 * easy) for _ in range(5)) for easy in asked]
        for lane in ("prompt", "rag")
    }
    found = decide(scored(right), Terms(bar=0.7))
    assert found.why == "still open"
    assert found.next.cases > 100
    assert found.next.repeats is None or found.next.repeats > 0
    times = 2 + found.next.cases // 60
    grown = decide(scored({lane: [*of] * times for lane, of in right.items()}), Terms(bar=0.7))
    gain = grown.differences["rag", "prompt"]
    assert gain.high - gain.low < 4 * max(abs(gain.value), 0.05)
    assert decide(scored({"prompt": first(58, 60)}), Terms()).next.cases == 0


answered = st.lists(st.tuples(*[st.sampled_from([0, 0, 1, 1, 1])] * 3), min_size=15, max_size=60)


@hypothesis(max_examples=30)
@given(answered, st.randoms(use_true_random=False))
def test_the_order_of_cases_and_lanes_does_not_matter(rows: list[tuple[int, ...]], drawn: Random) -> None:
    right = scored({lane: [row[n] for row in rows] for n, lane in enumerate(LANES[:3])})
    found = decide(right, Terms())
    mixed = {lane: drawn.sample(right[lane], len(rows)) for lane in drawn.sample(list(right), 3)}
    assert decide(mixed, Terms()) == found


@hypothesis(max_examples=30)
@given(answered)
def test_verdicts_hold_what_they_say(rows: list[tuple[int, ...]]) -> None:
    found = decide(scored({lane: [row[n] for row in rows] for n, lane in enumerate(LANES[:3])}), Terms())
    for one in (*found.rates.values(), *found.differences.values()):
        assert one.low < one.high
        assert one.low <= one.value <= one.high
    if found.kind == "choose":
        (chosen,) = found.levers
        for cheap in found.order[: found.order.index(chosen)]:
            gain = found.differences[chosen, cheap]
            assert gain.low > 0 or (found.meets_bar and found.rates[cheap].high < 0.8)
            assert found.meets_bar or gain.high > 0.05 or gain.value > 0
        for dear in found.order[found.order.index(chosen) + 1 :]:
            assert found.meets_bar or found.differences[dear, chosen].high < 0.05
    if found.kind == "narrowed":
        assert 0 < len(found.levers) < len(found.order)
    if found.kind in ("narrowed", "cannot_tell"):
        assert found.next.cases > 0


@hypothesis(max_examples=30)
@given(answered, st.integers(0, 2))
def test_a_dearer_copy_of_a_lever_is_never_named(rows: list[tuple[int, ...]], of: int) -> None:
    right = {lane: [row[n] for row in rows] for n, lane in enumerate(LANES[:3])}
    found = decide(scored({**right, "hybrid": right[LANES[of]]}), Terms())
    assert found.levers[:1] != ("hybrid",)
