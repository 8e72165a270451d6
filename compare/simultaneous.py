"""Bounds of several lanes and of all their differences, from one set of resamples: exact, and quick enough
for thousands of simulations.

The same bootstrap as in ``compare/statistics.py``. How often each group is drawn does not depend on what the
groups hold, so it is drawn once and applied to all lanes and pairs as one matrix product.
"""

from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from math import ceil
from statistics import fmean
from typing import TypeVar

import numpy as np

from backends.errors import BadInput
from compare.statistics import (
    RESAMPLED,
    RESAMPLES,
    SEED,
    CaseScores,
    Difference,
    Estimate,
    counted,
)

Key = TypeVar("Key", bound=Hashable)
Bounds = tuple[float, float]
Pair = tuple[str, str]
"""(the dearer lane, the cheaper one)."""
_AT_ONCE = 4_000_000
"""Numbers drawn at a time: 32 MB."""
BEYOND = 20
"""Resamples that lie beyond each bound, at least: with fewer, chance places it."""
MOST_DRAWS = 1_000_000
"""Resamples at most: of 45 differences they take 180 MB."""


def rates_together(
    scores: Mapping[str, Sequence[CaseScores]], confidence: float
) -> dict[str, Estimate | None]:
    """Each lane's mean, its interval at ``confidence``; None for a lane without scores.

    As :func:`compare.statistics.rate` with ``whole_groups``: where the cases of a group ask for one fact they
    mostly agree, and Wilson over cases would promise too much.

    Raises:
        BadInput: the confidence is too high for resampling.
    """
    scored = {lane: [case for case in found if case.scores] for lane, found in scores.items()}
    ways = {lane: counted(of, confidence, whole_groups=True) for lane, of in scored.items() if of}
    drawn = {
        lane: {case.case: case.mean for case in scored[lane]}
        for lane, (_, bounds) in ways.items()
        if bounds is None
    }
    resampled = _resampled(drawn, _groups(scored), (1.0, 0.0), confidence)
    return {
        lane: _estimate(of, confidence, method, bounds or resampled[lane])
        for lane, of in scored.items()
        if of
        for method, bounds in [ways[lane]]
    } | {lane: None for lane, of in scored.items() if not of}


def differences_together(
    scores: Mapping[str, Sequence[CaseScores]], order: Sequence[str], confidence: float
) -> dict[Pair, Difference]:
    """The dearer minus the cheaper lane for each two of ``order``, cheapest first, over the cases that both
    have; pairs that share none are left out.

    Raises:
        BadInput: the confidence is too high for resampling.
    """
    means = {lane: {case.case: case.mean for case in scores[lane] if case.scores} for lane in order}
    groups = _groups(scores)
    gains = {
        (dear, cheap): gain
        for cheap, dear in combinations(order, 2)
        if (gain := _gain(means[dear], means[cheap]))
    }
    resampled = _resampled(gains, groups, (1.0, -1.0), confidence)
    return {
        pair: Difference(
            value=fmean(gain.values()),
            low=resampled[pair][0],
            high=resampled[pair][1],
            confidence=confidence,
            cases=len(gain),
            groups=len({groups[case] for case in gain}),
            method=RESAMPLED,
            p_value=None,
        )
        for pair, gain in gains.items()
    }


def _gain(dear: Mapping[str, float], cheap: Mapping[str, float]) -> dict[str, float]:
    return {case: dear[case] - value for case, value in cheap.items() if case in dear}


def _groups(scores: Mapping[str, Sequence[CaseScores]]) -> dict[str, str]:
    return {case.case: case.group for found in scores.values() for case in found}


def _estimate(of: Sequence[CaseScores], confidence: float, method: str, bounds: Bounds) -> Estimate:
    return Estimate(
        value=fmean(case.mean for case in of),
        low=bounds[0],
        high=bounds[1],
        confidence=confidence,
        cases=len(of),
        groups=len({case.group for case in of}),
        method=method,
    )


def _resampled(
    values: Mapping[Key, Mapping[str, float]],
    groups: Mapping[str, str],
    ends: tuple[float, float],
    confidence: float,
) -> dict[Key, Bounds]:
    """Percentile intervals of the means of several columns of cases after a pseudo-case at both ``ends``,
    each as large as the mean group.
    """
    alike: dict[frozenset[str], list[Key]] = {}
    for key, of in values.items():
        alike.setdefault(frozenset(of), []).append(key)
    found: dict[Key, Bounds] = {}
    tail = (1 - confidence) / 2
    for asked, keys in alike.items():
        cases = sorted(asked, key=lambda case: (groups[case], case))
        names = [groups[case] for case in cases]
        starts = [at for at, name in enumerate(names) if at == 0 or name != names[at - 1]]
        table = np.array([[values[key][case] for case in cases] for key in keys], dtype=np.float32)
        sums = np.add.reduceat(table, starts, axis=1)
        sizes = np.diff([*starts, len(cases)]).astype(np.float32)
        each = round(len(cases) / len(starts))
        means = np.empty((len(keys), _draws(tail)), dtype=np.float32)
        for start in range(0, means.shape[1], RESAMPLES):
            part = means[:, start : start + RESAMPLES]
            drawn = _part(len(starts) + 2, start // RESAMPLES)[:, : part.shape[1]].astype(np.float32)
            pseudo = drawn[-2:] * each
            totals = sizes @ drawn[:-2] + pseudo.sum(axis=0)
            part[:] = (sums @ drawn[:-2] + np.asarray(ends, dtype=np.float32) @ pseudo) / totals
        low, high = _lowest(means, tail), -_lowest(np.negative(means, out=means), tail)
        # Beyond six decimals stands what single precision adds.
        found |= {
            key: (round(float(a), 6), round(float(b), 6)) for key, a, b in zip(keys, low, high, strict=True)
        }
    return found


def _lowest(means: np.ndarray, tail: float) -> np.ndarray:
    """The quantile ``tail`` of each row, as ``np.quantile`` interpolates it, found four times as fast: a part
    of the row says below which value to look.
    """
    at, share = divmod(tail * (means.shape[1] - 1), 1)
    least = int(at) + 2
    part = means[:, :RESAMPLES]
    around = min(part.shape[1] - 1, 10 + 4 * least * part.shape[1] // means.shape[1])
    found = []
    for row, cut in zip(means, np.partition(part, around, axis=1)[:, around], strict=True):
        few = row[row <= cut]
        outer = np.partition(few if len(few) >= least else row, (least - 2, least - 1))
        below, above = outer[least - 2 : least].tolist()
        found.append(below + (above - below) * share)
    return np.array(found)


def _draws(tail: float) -> int:
    """As many as bring enough of them beyond each bound."""
    draws = max(RESAMPLES, ceil(BEYOND / tail))
    if draws > MOST_DRAWS:
        raise BadInput(
            "At this confidence, bounds of so many approaches lie too far out to be found by resampling.",
            "Ask for less confidence, such as 0.99, or compare fewer approaches.",
        )
    return draws


@lru_cache(maxsize=32)
def _part(groups: int, number: int) -> np.ndarray:
    """How often each group is drawn, of shape (groups, resamples), in one part of all resamples; always the
    same. No group is ever drawn so often that a byte would not do.
    """
    rng = np.random.Generator(np.random.PCG64(SEED).jumped(number))
    count = _counted if number else _multinomial  # Counting is quicker; the first part stays as it ever was.
    step = max(1, _AT_ONCE // groups)
    counts = [
        count(rng, groups, min(step, RESAMPLES - start)).astype(np.uint8)
        for start in range(0, RESAMPLES, step)
    ]
    return np.ascontiguousarray(np.concatenate(counts).T)


def _multinomial(rng: np.random.Generator, groups: int, draws: int) -> np.ndarray:
    return rng.multinomial(groups, np.full(groups, 1 / groups), size=draws)


def _counted(rng: np.random.Generator, groups: int, draws: int) -> np.ndarray:
    drawn = rng.integers(groups, size=(draws, groups)) + groups * np.arange(draws)[:, None]
    return np.bincount(drawn.ravel(), minlength=draws * groups).reshape(draws, groups)
