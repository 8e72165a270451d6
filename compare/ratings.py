"""What judgements say: mean scores, a leaderboard, agreement of raters, and what may mislead.

The unit is the case: raters and answers of one case are averaged first, and intervals come from resampling
groups of cases. Judgements whose answers gave their approach away are no blind ones and count nowhere here.
Worked examples and their sources stand in the tests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import fmean

import numpy as np

from backends.imports import load_statistics
from compare.rating_items import ALL_BAD, HIGHEST, LOWEST, TIE, Judgement
from compare.statistics import CONFIDENCE, LEAST_GROUPS, SEED, CaseScores, Estimate, rate, wilson

ALL = "all criteria"
LEAST_VOTES = 20
"""Decisive votes of a pair below which nothing is said of it."""
RESAMPLES = 999
PRIOR = 0.1
"""Tied votes that every pair is given: an approach that never lost would otherwise be infinitely better."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A lane on the leaderboard. ``preferred`` is the chance that it is preferred over another lane, by
    Bradley and Terry's model, the mean over the others, with its interval; ``rank`` is 1 + the number of
    lanes whose lower bound exceeds this one's upper bound.
    """

    lane: str
    preferred: float
    low: float
    high: float
    rank: int
    wins: int
    ties: int
    losses: int
    groups: int

    @property
    def enough(self) -> bool:
        """Whether there are groups of cases enough to infer anything."""
        return self.groups >= LEAST_GROUPS


@dataclass(frozen=True, kw_only=True)
class Share:
    """A count with the interval of its share (Wilson)."""

    part: int
    whole: int
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Vote:
    """One comparison of two lanes: ``left`` was shown before ``right``; ``winner`` is one of them or None."""

    case: str
    left: str
    right: str
    winner: str | None
    repeat: int = 0


def blind(judgements: Sequence[Judgement]) -> list[Judgement]:
    """Those that were decided without knowing whose answer it was."""
    return [
        one for one in judgements if one.state == "done" and not one.gives_away and one.item.mode != "live"
    ]


def mean_scores(judgements: Sequence[Judgement], groups: Mapping[str, str]) -> dict[str, dict[str, Estimate]]:
    """By lane and criterion: the mean score, 1 to 5; ``groups`` are the cases' groups by case."""
    found: dict[tuple[str, str], dict[str, list[int]]] = {}
    for one in blind(judgements):
        for criterion, score in one.scores.items():
            by_case = found.setdefault((one.lanes[0], criterion), {})
            by_case.setdefault(one.item.case, []).append(score)
    means: dict[str, dict[str, Estimate]] = {}
    for (lane, criterion), by_case in found.items():
        cases = [
            CaseScores(case=case, group=groups.get(case, case), scores=(_as_share(fmean(scores)),))
            for case, scores in by_case.items()
        ]
        estimate = rate(cases)
        if estimate is not None:
            means.setdefault(lane, {})[criterion] = _as_score(estimate)
    return means


def votes_of(judgements: Sequence[Judgement]) -> list[Vote]:
    """Pairs as they are; of a best-of, the best against each other, and no more than was said: the others
    among themselves are unknown. Answers that were all equal are no votes.
    """
    votes = []
    for one in blind(judgements):
        if one.same or not one.choice:
            continue
        if len(one.lanes) == 2 or one.choice in (TIE, ALL_BAD):
            pairs = list(combinations(one.lanes, 2))
        else:
            pairs = [pair for pair in combinations(one.lanes, 2) if one.choice in pair]
        winner = None if one.choice in (TIE, ALL_BAD) else one.choice
        votes += [
            Vote(case=one.item.case, left=left, right=right, winner=winner, repeat=one.item.repeat)
            for left, right in pairs
        ]
    return votes


def leaderboard(votes: Sequence[Vote], groups: Mapping[str, str]) -> list[Standing]:
    """The lanes that were voted on, best first; see :class:`Standing`.

    Intervals resample groups of cases (percentile bootstrap), after each pair of lanes was given two
    pseudo-cases, one that each of them wins: a clean sweep would otherwise give an interval of no width.
    """
    lanes = sorted({lane for vote in votes for lane in (vote.left, vote.right)})
    if len(lanes) < 2:
        return []
    pseudo = [
        Vote(case=f"\0{a} {b} {winner}", left=a, right=b, winner=winner)
        for a, b in combinations(lanes, 2)
        for winner in (a, b)
    ]
    value = preferred([*votes, *pseudo], lanes)
    by_group: dict[str, list[Vote]] = {}
    for vote in (*votes, *pseudo):
        by_group.setdefault(groups.get(vote.case, vote.case), []).append(vote)
    numbers, chance = list(by_group.values()), np.random.default_rng(SEED)
    drawn = np.empty((RESAMPLES, len(lanes)))
    for row in range(RESAMPLES):
        picked = chance.integers(0, len(numbers), len(numbers))
        drawn[row] = preferred([vote for place in picked for vote in numbers[place]], lanes)
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(drawn, [tail, 100 - tail], axis=0)
    standings = [
        Standing(
            lane=lane,
            preferred=float(value[place]),
            low=float(low[place]),
            high=float(high[place]),
            rank=1 + int(sum(low > high[place])),
            wins=sum(vote.winner == lane for vote in votes),
            ties=sum(vote.winner is None and lane in (vote.left, vote.right) for vote in votes),
            losses=sum(vote.winner not in (None, lane) and lane in (vote.left, vote.right) for vote in votes),
            groups=len(by_group) - len(pseudo),
        )
        for place, lane in enumerate(lanes)
    ]
    return sorted(standings, key=lambda standing: -standing.preferred)


def preferred(votes: Sequence[Vote], lanes: Sequence[str], prior: float = PRIOR) -> np.ndarray:
    """By lane: the mean chance to be preferred over another lane, shape (lanes,); see :func:`strengths`."""
    strength = strengths(votes, lanes, prior)
    chances = strength[:, None] / (strength[:, None] + strength[None, :])
    np.fill_diagonal(chances, 0)
    mean: np.ndarray = chances.sum(axis=1) / (len(lanes) - 1)
    return mean


def strengths(votes: Sequence[Vote], lanes: Sequence[str], prior: float = PRIOR) -> np.ndarray:
    """Bradley and Terry's strengths (Biometrika 39, 1952), positive, with geometric mean 1; shape (lanes,).

    A tie counts as half a win for each. Every pair is given ``prior`` ties.
    """
    from evalica import Winner, bradley_terry

    place = {lane: number for number, lane in enumerate(lanes)}
    counts: dict[tuple[int, int, Winner], float] = {}
    for vote in votes:
        result = Winner.Draw if vote.winner is None else Winner.X if vote.winner == vote.left else Winner.Y
        key = (place[vote.left], place[vote.right], result)
        counts[key] = counts.get(key, 0) + 1
    if prior:
        for pair in combinations(range(len(lanes)), 2):
            counts[(*pair, Winner.Draw)] = counts.get((*pair, Winner.Draw), 0) + prior
    left, right, winners = zip(*counts, strict=True)
    found = bradley_terry(
        left, right, winners, weights=list(counts.values()), tolerance=1e-10, limit=10_000
    ).scores
    values = np.array([float(found[number]) for number in range(len(lanes))])
    scaled: np.ndarray = values / np.exp(np.log(values).mean())
    return scaled


def too_few(votes: Sequence[Vote]) -> list[tuple[str, str, int]]:
    """Pairs of lanes with fewer than :data:`LEAST_VOTES` decisive votes, and how many they have."""
    lanes = sorted({lane for vote in votes for lane in (vote.left, vote.right)})
    found = []
    for a, b in combinations(lanes, 2):
        decisive = sum(vote.winner is not None and {vote.left, vote.right} == {a, b} for vote in votes)
        if decisive < LEAST_VOTES:
            found.append((a, b, decisive))
    return found


def left_wins(votes: Sequence[Vote]) -> Share:
    """How often what was shown first won, of the decisive votes: half, if the place does not matter."""
    decisive = [vote for vote in votes if vote.winner is not None]
    return _share(sum(vote.winner == vote.left for vote in decisive), len(decisive))


def longer_wins(votes: Sequence[Vote], lengths: Mapping[tuple[str, str, int], int]) -> Share:
    """How often the longer answer won, of the decisive votes between answers of other lengths; ``lengths``
    are characters by (case, lane, repeat).
    """
    longer = whole = 0
    for vote in votes:
        if vote.winner is None:
            continue
        loser = vote.right if vote.winner == vote.left else vote.left
        won, lost = (lengths.get((vote.case, lane, vote.repeat), 0) for lane in (vote.winner, loser))
        whole += won != lost
        longer += won > lost
    return _share(longer, whole)


def agreement(judgements: Sequence[Judgement], criterion: str | None = None) -> float | None:
    """Krippendorff's alpha of all raters: ordinal over a criterion's scores (over all criteria's where it is
    :data:`ALL`), nominal over the choices of pairs where it is None: the one lane, the other, tie, both bad.
    None below two raters of one item, or where nobody's judgements vary.
    """
    import pandas as pd

    values: dict[str, dict[str, float]] = {}
    for one in blind(judgements):
        said: dict[str, float] = {}
        if criterion is None and one.choice and not one.same and len(one.lanes) == 2:
            said = {"": [*sorted(one.lanes), TIE, ALL_BAD].index(one.choice)}
        elif criterion is not None:
            said = {name: score for name, score in one.scores.items() if criterion in (name, ALL)}
        for name, value in said.items():
            values.setdefault(one.rater, {})[f"{one.item.key} {name}"] = value
    table = pd.DataFrame(values).T
    if len(table) < 2 or not (table.notna().sum() > 1).any():
        return None
    from evalica import alpha

    paired = table.loc[:, table.notna().sum() > 1]
    if paired.stack().nunique() < 2:
        return None
    return float(alpha(paired, distance="nominal" if criterion is None else "ordinal").alpha)


def apart(judgements: Sequence[Judgement]) -> dict[str, tuple[float, int]]:
    """By rater: how far their scores lie from the others' mean, on average and with its sign, and over how
    many scores that others gave too.
    """
    by_item: dict[tuple[str, str], dict[str, int]] = {}
    for one in blind(judgements):
        for criterion, score in one.scores.items():
            by_item.setdefault((one.item.key, criterion), {})[one.rater] = score
    gaps: dict[str, list[float]] = {}
    for scores in by_item.values():
        for rater, score in scores.items():
            others = [other for name, other in scores.items() if name != rater]
            if others:
                gaps.setdefault(rater, []).append(score - fmean(others))
    return {rater: (fmean(found), len(found)) for rater, found in gaps.items()}


def with_checks(pairs: Sequence[tuple[float, bool]]) -> float | None:
    """Kendall's tau-b between scores and whether a check passed (Kendall 1945); None without variation."""
    scores, passes = [score for score, _ in pairs], [passed for _, passed in pairs]
    if len(set(scores)) < 2 or len(set(passes)) < 2:
        return None
    load_statistics()
    from scipy.stats import kendalltau

    return float(kendalltau(scores, passes, variant="b").statistic)


def _share(part: int, whole: int) -> Share:
    low, high = wilson(part, whole)
    return Share(part=part, whole=whole, low=low, high=high)


def _as_share(score: float) -> float:
    return (score - LOWEST) / (HIGHEST - LOWEST)


def _as_score(estimate: Estimate) -> Estimate:

    value, low, high = (
        LOWEST + share * (HIGHEST - LOWEST) for share in (estimate.value, estimate.low, estimate.high)
    )
    return replace(estimate, value=value, low=low, high=high)
