"""What would settle a verdict that is still open: how many more cases, or how many more answers to each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from math import ceil
from statistics import NormalDist, fmean

from compare.comparing import LaneScores
from compare.simultaneous import Pair
from compare.statistics import LEAST_GROUPS, CaseScores, Difference, Estimate, cases_needed

MOST_REPEATS = 50
"""Beyond this more repeats are no advice: new cases say more."""
POWER = 0.8
"""As :func:`compare.statistics.cases_needed` has it."""
LEAST_GAP = 0.01
"""A rate that is nearer to the bar than this takes so many cases that it does not matter how many."""


@dataclass(frozen=True, kw_only=True)
class Needs:
    """One of the two settles it with 80 % power if things are as they look now: ``cases`` to add at the
    repeats there are, or ``repeats`` to add to the cases there are: 0 where no number of repeats can, None
    where nobody knows, as each case was asked once, or where it would take very many.
    """

    cases: int
    repeats: int | None


NOTHING = Needs(cases=0, repeats=0)


def groups_missing(scores: LaneScores, order: Sequence[str]) -> Needs:
    """As many cases as bring the lever with the fewest groups to the floor, at its cases a group."""
    fewest = min((_by_group(scores[lane]) for lane in order), key=len)
    cases = max(len([case for case in scores[lane] if case.scores]) for lane in order)
    each = max(1.0, cases / max(len(_by_group(scores[lane])) for lane in order))
    return Needs(cases=ceil(max(1, LEAST_GROUPS - len(fewest)) * each), repeats=None)


def needs_of(
    scores: LaneScores,
    levers: Sequence[str],
    rates: Mapping[str, Estimate],
    gains: Mapping[Pair, Difference],
    *,
    bar: float,
    gain: float,
) -> Needs:
    """What would settle it between levers, cheapest first: to show that the cheapest meets the bar, where it
    looks so, or else to tell each dearer one from it, whichever takes less.

    Cases of one group count as one, as they are resampled together.
    """
    cheapest = levers[0]
    own = rates[cheapest]
    ways = [[_of_pair(scores, (dear, cheapest), gains, gain) for dear in levers[1:]]] if levers[1:] else []
    if own.value > bar > own.low or not ways:
        ways.append([_of_bar(own, bar)])
    needed = [Needs(cases=max(n.cases for n in way), repeats=_most([n.repeats for n in way])) for way in ways]
    return min(needed, key=lambda need: need.cases)


def _of_bar(own: Estimate, bar: float) -> Needs:
    """To show on which side of the bar it is, if its rate is as it looks: an interval narrows with the square
    root of the cases.
    """
    reach = own.value - own.low if own.value > bar else own.high - own.value
    sure = NormalDist().inv_cdf(0.5 + own.confidence / 2)
    wanted = max(abs(own.value - bar), LEAST_GAP) / (1 + NormalDist().inv_cdf(POWER) / sure)
    return Needs(cases=_to_add(own.cases * (reach / wanted) ** 2, own.cases), repeats=None)


def _of_pair(scores: LaneScores, pair: Pair, gains: Mapping[Pair, Difference], gain: float) -> Needs:
    """To tell the two apart if they differ as it looks, or by the smallest useful gain if that is more."""
    found = gains.get(pair)
    if found is None:
        return Needs(cases=1, repeats=None)
    dear, cheap = (_by_group(scores[lane]) for lane in pair)
    wanted = max(abs(found.value), gain)
    needed = cases_needed(dear, cheap, wanted, found.confidence)
    each = found.cases / found.groups
    if needed is None or needed.cases <= found.groups:
        # Nothing varies but the pseudo-cases: their part in the interval shrinks as cases are added.
        return Needs(
            cases=_to_add(found.cases * max(found.high, -found.low) / wanted, found.cases), repeats=None
        )
    return Needs(
        cases=_to_add(needed.cases * each, found.cases),
        repeats=_repeats(needed.cases, needed.floor, found.groups, fmean(len(one.scores) for one in cheap)),
    )


def _repeats(cases: int, floor: int, groups: int, repeats: float) -> int | None:
    """How many to add so that ``groups`` are enough, by cases = floor + spread / repeats."""
    if repeats <= 1:
        return None
    if floor >= groups:
        return 0
    wanted = ceil((cases - floor) * repeats / (groups - floor))
    return wanted - round(repeats) if wanted <= MOST_REPEATS else None


def _to_add(wanted: float, there: int) -> int:
    return max(1, ceil(wanted) - there)


def _most(repeats: Sequence[int | None]) -> int | None:
    if 0 in repeats:
        return 0
    known = [many for many in repeats if many is not None]
    return max(known) if len(known) == len(repeats) else None


def _by_group(cases: Sequence[CaseScores]) -> list[CaseScores]:
    """Each group as one case: its cases' mean, repeat by repeat."""
    groups: dict[str, list[tuple[float, ...]]] = {}
    for case in cases:
        if case.scores:
            groups.setdefault(case.group, []).append(case.scores)
    return [
        CaseScores(
            case=group,
            group=group,
            scores=tuple(
                fmean(score for score in repeat if score is not None) for repeat in zip_longest(*found)
            ),
        )
        for group, found in groups.items()
    ]
