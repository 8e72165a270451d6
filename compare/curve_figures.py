"""What a learning curve found: right answers by the number of examples, and where more stopped helping."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import hypot, sqrt
from statistics import fmean, variance
from typing import Literal, TypeVar

from backends.imports import load_statistics
from compare import numbers
from compare.before_after_words import SMALLEST_GAIN, interval
from compare.curve_state import Curve, CurveRound
from compare.statistics import CaseScores, Difference, Estimate, difference, rate
from compare.takeaways import TOO_FEW

E = TypeVar("E", bound=Estimate)
MORE = "Train with more seeds, or add test questions."


@dataclass(frozen=True, kw_only=True)
class SizeFigures:
    """The adapters of one size. ``passes`` is their mean share of right answers with its interval,
    ``by_seed`` each one's; ``held_out`` the mean loss of what they held out, in nats; ``to_largest`` what the
    largest size adds, None for itself.
    """

    size: int
    passes: Estimate | None
    by_seed: tuple[float, ...]
    held_out: float | None
    to_largest: Difference | None


@dataclass(frozen=True, kw_only=True)
class CurveFigures:
    """A curve's figures over the rounds that were asked. ``bare`` is the same prompt without an adapter;
    ``enough`` the smallest size from which more examples add less than the smallest useful gain.
    """

    sizes: tuple[SizeFigures, ...]
    bare: Estimate | None
    seeds: int
    kind: Literal["stopped", "rising", "cannot_tell", "nothing"]
    enough: int | None
    sentence: str


def curve_figures(curve: Curve) -> CurveFigures:
    """Figures of the rounds that were asked.

    Cases and trainings both vary. A case's scores are pooled over the seeds, so that :func:`rate` and
    :func:`difference` resample the cases; :func:`over_seeds` adds how the trainings of one size spread, which
    is estimated from all sizes together, as two or three trainings say too little alone. With one seed the
    interval knows of cases only.

    Where more stopped helping: from the second largest size down, as long as the upper bound of what the
    largest adds is below 0.05. In this fixed order no bound needs to be widened for how many there are
    (Maurer, Hothorn and Lehmacher 1995).
    """
    rounds = [round for round in curve.rounds if round.asked]
    by_size = [[round.trainings[place].scores for round in rounds] for place in range(len(curve.sizes))]
    means = [_means(scores) for scores in by_size]
    gains = [_gains(by_size[-1], scores) for scores in by_size[:-1]]
    sizes = tuple(
        SizeFigures(
            size=size,
            passes=over_seeds(rate(_pooled(by_size[place])), means, len(rounds)),
            by_seed=tuple(means[place]),
            held_out=_held_out(rounds, place),
            to_largest=None
            if place == len(gains)
            else over_seeds(difference(_pooled(by_size[-1]), _pooled(by_size[place])), gains, len(rounds)),
        )
        for place, size in enumerate(curve.sizes)
    )
    kind, enough = _stop(sizes)
    return CurveFigures(
        sizes=sizes,
        bare=rate(_pooled([round.bare for round in rounds])),
        seeds=len(rounds),
        kind=kind,
        enough=enough,
        sentence=_sentence(sizes, kind, enough),
    )


def over_seeds(found: E | None, by_size: Sequence[Sequence[float]], seeds: int) -> E | None:
    """An interval over cases, widened by how the means of trainings spread within their sizes.

    The spread is pooled over the sizes (the mean square within groups of a one-way analysis of variance) and
    added in quadrature: t s / sqrt(seeds), with one degree of freedom less a size than it has seeds.
    """
    degrees = sum(len(means) - 1 for means in by_size if len(means) > 1)
    if found is None or not degrees:
        return found
    load_statistics()
    from scipy.stats import t

    squares = sum((len(means) - 1) * variance(means) for means in by_size if len(means) > 1)
    reach = float(t.ppf(0.5 + found.confidence / 2, degrees)) * sqrt(squares / degrees / seeds)
    least = -1.0 if isinstance(found, Difference) else 0.0
    return replace(
        found,
        low=max(least, found.value - hypot(found.value - found.low, reach)),
        high=min(1.0, found.value + hypot(found.high - found.value, reach)),
        method=f"{found.method}, widened by {seeds} seeds",
    )


def _gains(more: Sequence[Sequence[CaseScores]], less: Sequence[Sequence[CaseScores]]) -> list[float]:
    """What the largest size adds, seed by seed."""
    gains = []
    for a, b in zip(more, less, strict=True):
        before = {case.case: case.mean for case in b if case.scores}
        pairs = [case.mean - before[case.case] for case in a if case.scores and case.case in before]
        gains += [fmean(pairs)] if pairs else []
    return gains


def _pooled(by_seed: Sequence[Sequence[CaseScores]]) -> list[CaseScores]:
    """Each case with its scores of all seeds."""
    found: dict[str, CaseScores] = {}
    for scores in by_seed:
        for case in scores:
            before = found.get(case.case, replace(case, scores=()))
            found[case.case] = replace(case, scores=(*before.scores, *case.scores))
    return list(found.values())


def _means(by_seed: Sequence[Sequence[CaseScores]]) -> list[float]:
    known = [[case.mean for case in scores if case.scores] for scores in by_seed]
    return [fmean(means) for means in known if means]


def _held_out(rounds: Sequence[CurveRound], place: int) -> float | None:
    losses = [loss for round in rounds if (loss := round.trainings[place].held_out) is not None]
    return fmean(losses) if losses else None


def _stop(
    sizes: Sequence[SizeFigures],
) -> tuple[Literal["stopped", "rising", "cannot_tell", "nothing"], int | None]:
    gains = [(one.size, one.to_largest) for one in sizes[:-1]]
    last = gains[-1][1]
    if last is None:
        return "nothing", None
    if not last.enough:
        return "cannot_tell", None
    enough = None
    for size, gain in reversed(gains):
        if gain is None or gain.high >= SMALLEST_GAIN:
            break
        enough = size
    if enough is not None:
        return "stopped", enough
    return ("rising" if last.low > 0 else "cannot_tell"), None


def _sentence(sizes: Sequence[SizeFigures], kind: str, enough: int | None) -> str:
    largest, before = sizes[-1].size, sizes[-2]
    if kind == "nothing" or before.to_largest is None:
        return "Nothing can be told yet: no test question was judged."
    if kind == "stopped":
        gain = next(one.to_largest for one in sizes if one.size == enough)
        assert gain is not None  # It was compared.
        return (
            f"{numbers.count(enough)} examples are enough: all {numbers.count(largest)} add less than "
            f"{numbers.points(SMALLEST_GAIN)} ({interval(gain)})."
        )
    added = f"{numbers.count(largest)} examples in place of {numbers.count(before.size)} add"
    if kind == "rising":
        return f"Still rising: {added} {interval(before.to_largest)}. More examples are likely to help."
    if not before.to_largest.enough:
        return f"Can't tell where more examples stop helping: {TOO_FEW}. Add test questions."
    return f"Can't tell yet where more examples stop helping: {added} {interval(before.to_largest)}. {MORE}"
