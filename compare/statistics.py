"""Rates of one backend and differences between two, each with an interval and with what it rests on.

The unit is the case: a backend's repeats of a case are averaged first, and cases of one group (the same fact
or template) are resampled together (Miller 2024, arXiv 2411.00640). Nothing here knows what a pass is; worked
examples stand in the tests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import fmean, variance

import numpy as np

from backends.imports import load_statistics

CONFIDENCE = 0.95
RESAMPLES = 9_999
SEED = 20261121
"""Of the resampling, so that one set of calls has one interval."""
LEAST_GROUPS = 15
"""Below this nothing is inferred: figures are shown as counts."""
ONE_CASE = "Wilson over the repeats of one case"
RESAMPLED = "bootstrap over groups with two pseudo-cases"
_CELLS = 4_000_000
"""Numbers drawn at a time: 32 MB."""


@dataclass(frozen=True, kw_only=True)
class CaseScores:
    """One backend's scores on one case, one a repeat, each in [0, 1] (a check: 0 or 1)."""

    case: str
    group: str
    scores: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Over the repeats."""
        return fmean(self.scores)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean over cases with its interval. ``method`` says how the interval came about."""

    value: float
    low: float
    high: float
    confidence: float
    cases: int
    groups: int
    method: str

    @property
    def enough(self) -> bool:
        """Whether there are groups enough to infer anything."""
        return self.groups >= LEAST_GROUPS


@dataclass(frozen=True, kw_only=True)
class Difference(Estimate):
    """How much better ``a`` is than ``b``, as a share of cases in [-1, 1].

    ``p_value`` is exact McNemar's, for one repeat of a binary check; None otherwise.
    """

    p_value: float | None


@dataclass(frozen=True, kw_only=True)
class Lead:
    """The best of several lanes, and the one that it is least surely ahead of; ``gain`` is over that one."""

    best: str
    rival: str
    gain: Difference


def wilson(passes: float, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Interval of a share by Wilson's score (Wilson 1927); 0 to 1 without observations."""
    load_statistics()
    from statsmodels.stats.proportion import proportion_confint

    if n == 0:
        return 0.0, 1.0
    low, high = proportion_confint(passes, n, alpha=1 - confidence, method="wilson")
    return (float(low) if passes else 0.0), (float(high) if passes < n else 1.0)


def rate(
    cases: Sequence[CaseScores], confidence: float = CONFIDENCE, *, whole_groups: bool = False
) -> Estimate | None:
    """One backend's mean score; None without cases.

    Wilson when every case was asked once and passed or failed, or when all case means are 0 or all are 1
    (then resampling has nothing to vary); else the percentile bootstrap over groups after two pseudo-cases, 1
    and 0, as differences have them: without them one wrong answer of many repeats would make the interval far
    narrower than none does. Of a single case the
    repeats are counted: the figure holds for this query only.

    ``whole_groups`` is for measures on which the cases of a group mostly agree, as in retrieval, where they
    ask for one fact without chance: then the groups are what was observed. Wilson is kept to groups of one
    case, counts groups where all is 0 or 1, and a pseudo-case is as large as the mean group.
    """
    scored = [case for case in cases if case.scores]
    if not scored:
        return None
    means = [case.mean for case in scored]
    groups = [case.group for case in scored]
    method, bounds = counted(scored, confidence, whole_groups=whole_groups)
    if bounds is None:
        bounds = _with_pseudo_cases(means, groups, (1.0, 0.0), confidence, whole_groups=whole_groups)
    return Estimate(
        value=fmean(means),
        low=bounds[0],
        high=bounds[1],
        confidence=confidence,
        cases=len(scored),
        groups=len(set(groups)),
        method=method,
    )


def counted(
    scored: Sequence[CaseScores], confidence: float, *, whole_groups: bool = False
) -> tuple[str, tuple[float, float] | None]:
    """How :func:`rate` comes by its interval, and the interval where it is Wilson's; None where groups are
    resampled. There is at least one case, and each has scores.
    """
    means = [case.mean for case in scored]
    once = all(len(case.scores) == 1 for case in scored) and set(means) <= {0.0, 1.0}
    repeats = len(scored[0].scores)
    n = len({case.group for case in scored}) if whole_groups else len(scored)
    if len(scored) == 1 and repeats > 1 and set(scored[0].scores) <= {0.0, 1.0}:
        # Nothing can be said of other cases: the interval is of more repeats of this one.
        return ONE_CASE, wilson(means[0] * repeats, repeats, confidence)
    if set(means) in ({0.0}, {1.0}) or (once and n == len(scored)):
        return "Wilson", wilson(sum(means) * n / len(means), n, confidence)
    return RESAMPLED, None


def difference(
    a: Sequence[CaseScores],
    b: Sequence[CaseScores],
    confidence: float = CONFIDENCE,
    *,
    whole_groups: bool = False,
) -> Difference | None:
    """Mean of A - B over the cases that both have; None when they share none.

    The interval is the percentile bootstrap over groups after two pseudo-cases, +1 and -1, each a group of
    its own (Bonett and Price 2012, extended to several repeats): without them pairs that are all equal would
    give an interval of no width. ``whole_groups`` as in :func:`rate`: a pseudo-case is as large as the mean
    group.
    """
    before = {case.case: case for case in b if case.scores}
    pairs = [(case, before[case.case]) for case in a if case.scores and case.case in before]
    if not pairs:
        return None
    gains = [one.mean - other.mean for one, other in pairs]
    groups = [one.group for one, _ in pairs]
    low, high = _with_pseudo_cases(gains, groups, (1.0, -1.0), confidence, whole_groups=whole_groups)
    return Difference(
        value=fmean(gains),
        low=low,
        high=high,
        confidence=confidence,
        cases=len(pairs),
        groups=len(set(groups)),
        method=RESAMPLED,
        p_value=_mcnemar(pairs),
    )


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """The p-values corrected for how many there are (Holm 1979), by the same names."""
    load_statistics()
    from statsmodels.stats.multitest import multipletests

    if not p_values:
        return {}
    corrected = multipletests(list(p_values.values()), method="holm")[1]
    return dict(zip(p_values, (float(p) for p in corrected), strict=True))


@dataclass(frozen=True, kw_only=True)
class CasesNeeded:
    """How many cases would separate two backends with 80 % power: at the repeats there are, and at best.

    ``floor`` is what no number of repeats goes below.
    """

    cases: int
    floor: int


def cases_needed(
    a: Sequence[CaseScores], b: Sequence[CaseScores], gain: float, confidence: float = CONFIDENCE
) -> CasesNeeded | None:
    """Cases to tell a true difference of ``gain`` from none; None below two shared cases.

    n = (z_{1-alpha/2} + z_{0.8})^2 (s2_case + s2_repeat / K) / gain^2, with the variance of paired
    differences split between cases and repeats. With one repeat the two can't be told apart: all counts as
    the cases'.
    """
    load_statistics()
    from scipy.stats import norm

    before = {case.case: case.scores for case in b}
    rows = [
        [x - y for x, y in zip(case.scores, before[case.case], strict=False)]
        for case in a
        if case.scores and before.get(case.case)
    ]
    if len(rows) < 2:
        return None
    repeats = fmean(len(row) for row in rows)
    of_means = variance([fmean(row) for row in rows])
    spread = [variance(row) for row in rows if len(row) > 1]
    of_repeats = fmean(spread) if spread else 0.0
    of_cases = max(0.0, of_means - of_repeats / repeats)
    factor = float((norm.ppf(0.5 + confidence / 2) + norm.ppf(0.8)) ** 2) / gain**2
    return CasesNeeded(cases=ceil(factor * (of_cases + of_repeats / repeats)), floor=ceil(factor * of_cases))


def _with_pseudo_cases(
    values: Sequence[float],
    groups: Sequence[str],
    ends: tuple[float, float],
    confidence: float,
    *,
    whole_groups: bool,
) -> tuple[float, float]:
    """The bootstrap after a pseudo-case at each end of the scale, each a group of its own."""
    many = round(len(groups) / len(set(groups))) if whole_groups else 1
    best, worst = ends
    pseudo = [*["\0best"] * many, *["\0worst"] * many]
    return _bootstrap([*values, *[best] * many, *[worst] * many], [*groups, *pseudo], confidence)


def _bootstrap(values: Sequence[float], groups: Sequence[str], confidence: float) -> tuple[float, float]:
    """Percentile interval of the mean of ``values`` when whole groups are drawn with replacement."""
    names = {name: place for place, name in enumerate(dict.fromkeys(groups))}
    places = [names[name] for name in groups]
    of_groups = np.bincount(places, weights=np.asarray(values, dtype=float), minlength=len(names))
    members = np.bincount(places, minlength=len(names))
    # Groups of equal sum and size are the same to the mean: how often each kind is drawn is all that counts.
    kinds, many = np.unique(np.column_stack((of_groups, members)), axis=0, return_counts=True)
    sums, sizes = kinds.T
    rng = np.random.default_rng(SEED)
    chances = many / len(names)
    step = max(1, _CELLS // len(kinds))
    means: list[np.ndarray] = []
    for start in range(0, RESAMPLES, step):
        drawn = rng.multinomial(len(names), chances, size=min(step, RESAMPLES - start))
        means.append((drawn @ sums) / (drawn @ sizes))
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.concatenate(means), (tail, 1 - tail))
    return float(low), float(high)


def _mcnemar(pairs: Sequence[tuple[CaseScores, CaseScores]]) -> float | None:
    load_statistics()
    from statsmodels.stats.contingency_tables import mcnemar

    once = all(len(case.scores) == 1 for pair in pairs for case in pair)
    binary = {score for pair in pairs for case in pair for score in case.scores} <= {0.0, 1.0}
    if not (once and binary):
        return None
    table = [[0, 0], [0, 0]]
    for one, other in pairs:
        table[int(one.mean)][int(other.mean)] += 1
    return float(mcnemar(table, exact=True).pvalue)
