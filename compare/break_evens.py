"""From which volume, and from which month on, one lane of a run costs less than another.

With fixed costs F (setup spread over H months, and what is due every month) and costs p of an answer, two
lanes cost the same at v = (F_a - F_b) / (p_b - p_a) answers a month; where that is no volume, one of them is
always cheaper. The interval comes from resampling the costs of answers over cases; the prices and the setup
are taken as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil, floor
from typing import Literal

from compare.cost import LaneCost, interval
from compare.prices import Prices
from compare.statistics import LEAST_GROUPS

Kind = Literal["from", "until", "always", "never"]
"""When a lane costs less than another: from some point on, until some point, always, never."""
_DIGITS = 6
"""Decimals of a volume that mean something: beyond them is what floats leave of a whole number."""


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """Where two straight lines of cost cross, in answers a month or in months. ``low`` to ``high`` is the
    interval, None at an end where they don't cross at all; without ``at`` they don't by the means.
    """

    kind: Kind
    at: float | None
    low: float | None = None
    high: float | None = None

    def whole(self, point: float) -> int:
        """The first whole answer or month with the saving; of "until" the last one."""
        rounded = round(point, _DIGITS)
        upwards = self.kind in ("from", "never")
        return max(1, ceil(rounded)) if upwards else floor(rounded)


@dataclass(frozen=True, kw_only=True)
class BreakEven:
    """When ``lane`` costs less than ``over``: by answers a month over all months, and by months at the given
    volume. ``extra`` is what ``lane`` costs more every month, setup included, before the first answer, and
    ``saving`` what it costs less with each. ``measured``: there are cases enough for an interval. ``sure``:
    the interval of the saving leaves out zero. ``rough``: a cost is the most that an answer can have cost.
    """

    lane: str
    over: str
    extra: float
    saving: float
    volume: Crossing
    month: Crossing
    measured: bool
    sure: bool
    rough: bool


def break_evens(costs: Mapping[str, LaneCost], prices: Prices, over: str) -> list[BreakEven]:
    """Each other lane against ``over``; those without a total are left out."""
    others = [lane for lane in costs if lane != over]
    found = [compared(costs[lane], costs[over], prices) for lane in others]
    return [one for one in found if one is not None]


def all_break_evens(costs: Mapping[str, LaneCost], prices: Prices) -> list[BreakEven]:
    """Every two lanes once, the one with the higher setup against the other."""
    found = []
    for pair in combinations((one for one in costs.values() if one.known), 2):
        over, lane = sorted(pair, key=lambda one: one.total(0, prices.months) or 0.0)
        found.append(compared(lane, over, prices))
    return [one for one in found if one is not None]


def compared(lane: LaneCost, over: LaneCost, prices: Prices) -> BreakEven | None:
    """One lane against another; None when a part of what they cost is not known."""
    setup = _difference(lane.setup_cost, over.setup_cost)
    monthly = _difference(lane.monthly, over.monthly)
    if lane.per_answer is None or over.per_answer is None or setup is None or monthly is None:
        return None
    low, high = interval(over.draws - lane.draws)
    measured = min(lane.per_answer.groups, over.per_answer.groups) >= LEAST_GROUPS
    saving = over.per_answer.value - lane.per_answer.value
    savings = (saving, low, high) if measured else (saving,)
    extra, answers = setup / prices.months + monthly, prices.answers_per_month
    return BreakEven(
        lane=lane.lane,
        over=over.lane,
        extra=extra,
        saving=saving,
        volume=crossing(extra, savings),
        month=crossing(setup, [answers * one - monthly for one in savings]),
        measured=measured,
        sure=measured and not low <= 0 <= high,
        rough="at most" in (lane.basis, over.basis),
    )


def _difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def crossing(extra: float, savings: Sequence[float]) -> Crossing:
    """Where a lane's ``extra`` fixed cost (negative: it has less) is made up for by what a unit saves.

    ``savings`` are the saving and, where known, the ends of its interval.
    """
    saving, *ends = savings
    kind: Kind
    if extra > 0:
        kind = "from" if saving > 0 else "never"
    elif extra < 0:
        kind = "until" if saving < 0 else "always"
    else:
        kind = "always" if saving > 0 else "never"
    low, high = sorted((_met(extra, end) for end in ends), key=_never_last) if ends else (None, None)
    return Crossing(kind=kind, at=_met(extra, saving), low=low, high=high)


def _met(extra: float, saving: float) -> float | None:
    """At which positive number of units ``saving`` makes up for ``extra``; None: at none."""
    return extra / saving if extra * saving > 0 else None


def _never_last(point: float | None) -> float:
    return float("inf") if point is None else point


def cheapest(costs: Mapping[str, LaneCost], prices: Prices) -> tuple[str, float] | None:
    """The lane with the least total at the given volume and months, the first of equals, and that total;
    None when no lane's is known.
    """
    totals = {
        lane: total
        for lane, one in costs.items()
        if (total := one.total(prices.answers_per_month, prices.months)) is not None
    }
    return min(totals.items(), key=lambda item: item[1]) if totals else None
