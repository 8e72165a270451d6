"""Judgements: agreement and leaderboard against published examples and an independent computation."""

from collections.abc import Sequence
from itertools import combinations
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from compare.rating_items import (
    ALL_BAD,
    TIE,
    Item,
    Judgement,
    RatingMode,
    disagreements,
    next_item,
    progress_of,
)
from compare.ratings import (
    ALL,
    PRIOR,
    Vote,
    agreement,
    apart,
    leaderboard,
    left_wins,
    longer_wins,
    mean_scores,
    preferred,
    strengths,
    too_few,
    votes_of,
    with_checks,
)


def judged(
    case: str = "c",
    rater: str = "ann",
    *,
    mode: RatingMode = "stars",
    lanes: Sequence[str] = ("rag",),
    scores: dict[str, int] | None = None,
    choice: str = "",
    state: str = "done",
    **changes: object,
) -> Judgement:
    item = Item(mode=mode, case=case, repeat=0, lanes=tuple(sorted(lanes)))
    plain: dict[str, object] = {
        "id": f"{case} {rater} {item.key}", "run_id": "r", "rater": rater, "item": item,
        "lanes": tuple(lanes), "state": state, "scores": scores or {}, "choice": choice,
        "comment": "", "edited": "", "gives_away": False, "same": False, "seconds": 4.0,
        "decided_at": "", "revealed": False,
    }  # fmt: skip
    return Judgement(**{**plain, **changes})  # type: ignore[arg-type]


KRIPPENDORFF = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)
"""Four observers, twelve units: K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), D;
ordinal 0.815.
"""


def observations() -> list[Judgement]:
    found = []
    for rater, row in enumerate(KRIPPENDORFF):
        for unit, value in enumerate(row.split()):
            if value == ".":
                continue
            found.append(judged(f"u{unit}", f"o{rater}", scores={"correct": int(value)}))
    return found


def test_alpha_is_that_of_the_published_table() -> None:
    assert agreement(observations(), "correct") == pytest.approx(0.815, abs=5e-4)
    assert agreement(observations(), ALL) == pytest.approx(0.815, abs=5e-4)


def test_raters_who_toss_coins_do_not_agree() -> None:
    chance = Random(3)
    lanes = [pair for pair in combinations("abcdef", 2) for _ in range(40)]
    found = [
        judged(f"c{n}", rater, mode="pairs", lanes=pair, choice=chance.choice(pair))
        for n, pair in enumerate(lanes)
        for rater in ("ann", "bob")
    ]
    alpha = agreement(found)
    assert alpha is not None
    assert abs(alpha) < 0.1
    same = [
        judged(f"c{n}", rater, mode="pairs", lanes=("a", "b"), choice="ab"[n % 2])
        for n in range(20)
        for rater in "xy"
    ]
    assert agreement(same) == 1.0


def test_stars_given_with_names_in_sight_are_not_blind() -> None:
    live = judged(mode="live", scores={"overall": 5})
    assert mean_scores([live], {}) == {}
    assert next_item(ITEMS[:1], [live], "ann") == ITEMS[0]


def test_skipped_items_come_back_in_the_order_in_which_they_were_put_off() -> None:
    said = [judged(f"c{n}", "me", state="skipped", decided_at=f"2026-11-22T00:0{9 - n}") for n in range(3)]
    found = next_item(ITEMS[:3], said, "me")
    assert found is not None
    assert found.case == "c2"


def test_alpha_is_nothing_without_two_raters_or_variation() -> None:
    alone = [judged(f"c{n}", scores={"correct": n % 5 + 1}) for n in range(9)]
    assert agreement(alone, "correct") is None
    equal = [judged(f"c{n}", rater, scores={"correct": 3}) for n in range(9) for rater in "ab"]
    assert agreement(equal, "correct") is None
    assert agreement([], "correct") is None
    assert agreement(alone, "tone") is None


WINS = {
    ("a", "b"): 2,
    ("a", "d"): 1,
    ("b", "a"): 3,
    ("b", "c"): 5,
    ("c", "b"): 3,
    ("c", "d"): 1,
    ("d", "a"): 4,
    ("d", "c"): 3,
}
"""The worked example of the article "Bradley-Terry model" in Wikipedia; its strengths are 0.640, 1.043, 0.660
and 2.270 with geometric mean 1.
"""


def votes(wins: dict[tuple[str, str], int]) -> list[Vote]:
    return [
        Vote(case=f"{winner}{loser}{n}", left=winner, right=loser, winner=winner)
        for (winner, loser), many in wins.items()
        for n in range(many)
    ]


def test_strengths_are_those_of_the_published_example() -> None:
    found = strengths(votes(WINS), "abcd", prior=0)
    assert found == pytest.approx([0.640, 1.043, 0.660, 2.270], abs=6e-4)


def likeliest(found: Sequence[Vote], lanes: str, prior: float) -> np.ndarray:
    """The same by maximising the likelihood; ties are half a win for each."""
    wins = np.zeros((len(lanes), len(lanes)))
    for vote in found:
        a, b = lanes.index(vote.left), lanes.index(vote.right)
        if vote.winner is None:
            wins[a, b] += 0.5
            wins[b, a] += 0.5
        else:
            wins[(a, b) if vote.winner == vote.left else (b, a)] += 1
    for a, b in combinations(range(len(lanes)), 2):
        wins[a, b] += prior / 2
        wins[b, a] += prior / 2

    def loss(logs: np.ndarray) -> float:
        gaps = logs[:, None] - logs[None, :]
        return float((wins * np.log1p(np.exp(-gaps))).sum() + (logs.mean()) ** 2)

    logs = minimize(loss, np.zeros(len(lanes)), tol=1e-12).x
    strong: np.ndarray = np.exp(logs - logs.mean())
    return strong


@pytest.mark.parametrize("seed", range(5))
def test_strengths_are_the_likeliest_ones(seed: int) -> None:
    chance, true = Random(seed), dict(zip("abcd", (0.5, 1, 2, 4), strict=True))
    found = []
    for number in range(150):
        left, right = chance.sample("abcd", 2)
        wins = chance.random() < true[left] / (true[left] + true[right])
        winner = None if chance.random() < 0.1 else left if wins else right
        found.append(Vote(case=f"c{number}", left=left, right=right, winner=winner))
    assert strengths(found, "abcd") == pytest.approx(likeliest(found, "abcd", PRIOR), rel=1e-3)


def test_the_leaderboard_ranks_by_intervals_and_never_breaks_on_a_clean_sweep() -> None:
    sweep = [Vote(case=f"c{n}", left="a", right="b", winner="a") for n in range(40)]
    first, second = leaderboard(sweep, {})
    assert (first.lane, first.rank, first.wins, first.losses) == ("a", 1, 40, 0)
    assert (second.lane, second.rank, second.losses) == ("b", 2, 40)
    assert 0.8 < first.low < first.preferred < first.high < 1
    even = [Vote(case=f"c{n}", left="a", right="b", winner="ab"[n % 2]) for n in range(40)]
    assert {standing.rank for standing in leaderboard(even, {})} == {1}
    assert leaderboard([], {}) == []
    tied = leaderboard([Vote(case="c", left="a", right="b", winner=None)], {})
    assert [standing.preferred for standing in tied] == pytest.approx([0.5, 0.5])


def test_one_case_voted_on_often_is_still_one_case() -> None:
    same = [Vote(case="c", left="a", right="b", winner="a") for _ in range(30)]
    mixed = [Vote(case=f"c{n}", left="a", right="b", winner="a" if n % 3 else "b") for n in range(30)]
    grouped = leaderboard(mixed, {f"c{n}": f"g{n // 10}" for n in range(30)})
    apart_ = leaderboard(mixed, {})
    assert not leaderboard(same, {})[0].enough
    assert grouped[0].preferred == apart_[0].preferred
    assert (grouped[0].enough, apart_[0].enough) == (False, True)


@given(st.permutations("abcd"))
def test_the_order_of_lanes_changes_nothing(order: list[str]) -> None:
    by_name = dict(zip("abcd", preferred(votes(WINS), "abcd"), strict=True))
    again = dict(zip(order, preferred(votes(WINS), order), strict=True))
    assert again == pytest.approx(by_name)


def test_votes_say_no_more_than_was_said() -> None:
    best = judged("c1", mode="best", lanes=("rag", "prompt", "lora"), choice="prompt")
    pairs = {(vote.left, vote.right, vote.winner) for vote in votes_of([best])}
    assert pairs == {("rag", "prompt", "prompt"), ("prompt", "lora", "prompt")}
    tie = judged("c2", mode="pairs", lanes=("rag", "prompt"), choice=TIE)
    bad = judged("c3", mode="pairs", lanes=("rag", "prompt"), choice=ALL_BAD)
    assert [vote.winner for vote in votes_of([tie, bad])] == [None, None]
    equal = judged("c4", mode="pairs", lanes=("rag", "prompt"), choice=TIE, same=True)
    seen = judged("c5", mode="pairs", lanes=("rag", "prompt"), choice="rag", gives_away=True)
    open_ = judged("c6", mode="pairs", lanes=("rag", "prompt"), state="open")
    assert votes_of([equal, seen, open_]) == []


def test_below_twenty_decisive_votes_a_pair_is_named() -> None:
    found = [Vote(case=f"c{n}", left="a", right="b", winner="a") for n in range(20)]
    found += [Vote(case=f"d{n}", left="c", right="b", winner=None) for n in range(30)]
    assert too_few(found) == [("a", "c", 0), ("b", "c", 0)]


def test_place_and_length_are_counted_with_their_intervals() -> None:
    found = [Vote(case=f"c{n}", left="a", right="b", winner="a" if n < 15 else "b") for n in range(20)]
    found.append(Vote(case="t", left="a", right="b", winner=None))
    left = left_wins(found)
    assert (left.part, left.whole) == (15, 20)
    assert (left.low, left.high) == pytest.approx((0.5313, 0.8881), abs=1e-3)  # Wilson, 15 of 20
    lengths = {(f"c{n}", lane, 0): 10 if lane == "a" else 10 + n % 2 for n in range(20) for lane in "ab"}
    longer = longer_wins(found, lengths)
    assert longer.whole == 10
    assert longer.part == sum(n % 2 and n >= 15 for n in range(20))


def test_means_are_over_cases_and_criteria() -> None:
    found = [
        judged(f"c{n}", rater, scores={"correct": 5 if n % 2 else 3}) for n in range(20) for rater in "ab"
    ]
    found.append(judged("c1", "c", lanes=("lora",), scores={"tone": 1}))
    means = mean_scores(found, {})
    correct = means["rag"]["correct"]
    assert (correct.value, correct.cases) == (4.0, 20)
    assert 3.4 < correct.low < 4 < correct.high < 4.6
    assert means["lora"]["tone"].value == 1.0
    assert not means["lora"]["tone"].enough


def test_a_rater_who_differs_is_seen() -> None:
    said = [(f"c{n}", rater, score) for n in range(12) for rater, score in (("a", 3), ("b", 3), ("eve", 5))]
    found = apart([judged(case, rater, scores={"correct": score}) for case, rater, score in said])
    assert found["eve"] == (2.0, 12)
    assert found["a"] == (-1.0, 12)
    assert apart([judged(scores={"correct": 1})]) == {}


def test_kendalls_tau_of_the_worked_example() -> None:
    """Scores 5 4 4 2 1 against passes 1 1 0 0 0: 5 concordant, 0 discordant pairs, one tie in the scores and
    four in the passes; tau-b = 5 / sqrt((10 - 1) (10 - 4)) = 0.6804.
    """
    pairs = [(5, True), (4, True), (4, False), (2, False), (1, False)]
    assert with_checks(pairs) == pytest.approx(5 / (9 * 6) ** 0.5)
    assert with_checks([(5, True), (4, True)]) is None
    assert with_checks([]) is None


ITEMS = tuple(Item(mode="stars", case=f"c{n}", repeat=0, lanes=("rag",)) for n in range(30))


def test_what_nobody_judged_comes_first_then_what_is_disputed_then_what_was_put_off() -> None:
    said = [judged(f"c{n}", rater, scores={"correct": 3}) for n in range(10, 30) for rater in "ab"]
    said += [judged("c5", "a", scores={"correct": 1}), judged("c5", "b", scores={"correct": 5})]
    said.append(judged("c6", "me", state="skipped"))
    order = []
    while (item := next_item(ITEMS, said, "me", target=2)) is not None:
        order.append(item.case)
        said = [one for one in said if (one.rater, one.item.key) != ("me", item.key)]
        said.append(judged(item.case, "me", scores={"correct": 3}))
    assert set(order[:8]) == {f"c{n}" for n in range(10)} - {"c5", "c6"}
    assert order[8:] == ["c5", "c6"]
    assert disagreements(said) == {ITEMS[5].key}


def test_raters_have_orders_of_their_own_and_come_back_to_what_is_open() -> None:
    firsts = {rater: next_item(ITEMS, [], rater) for rater in ("ann", "bob", "cem", "dora", "eli")}
    assert len({item.case for item in firsts.values() if item}) > 1
    open_ = judged("c17", "ann", state="open")
    found = next_item(ITEMS, [open_], "ann")
    assert found is not None
    assert found.case == "c17"
    assert next_item((), [], "ann") is None


def test_progress_counts_what_is_left_for_this_rater() -> None:
    said = [judged(f"c{n}", "bob", scores={"correct": 3}) for n in range(10)]
    said += [judged(f"c{n}", "ann", scores={"correct": 3}) for n in range(10, 14)]
    found = progress_of(ITEMS, said, "ann")
    assert (found.done, found.left, found.left_s) == (4, 16, 64.0)
    assert progress_of(ITEMS, said, "ann", target=2).left == 26
    assert progress_of(ITEMS, said, "cem").left_s is None
