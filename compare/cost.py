"""What answers cost: the published break-even formula, and the model measured from a stored run.

A local answer costs the seconds that it had the machine, a server's its tokens. In a merged batch several
answers have the machine at once: each costs its share of every step. Of calls that were stored before shares
were measured the whole time is known only, the most that they can have cost. What was not measured is None,
never 0.

    total(v, H) = setup + H (monthly + retraining per month) + H v per_answer

for ``v`` answers a month over ``H`` months (``measures.md``, "Cost").
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from math import ceil
from statistics import fmean
from typing import Literal

import numpy as np

from backends.errors import BadInput
from backends.types import Mode
from compare.comparing import calls_of
from compare.cost_setup import Setup
from compare.judged import JudgedCall
from compare.measured import StoredRun
from compare.prices import Prices
from compare.statistics import CONFIDENCE, RESAMPLES, SEED, Estimate

Amount = Decimal | float
Basis = Literal["alone", "share", "at most", "tokens"]
"""What an answer's cost was taken from: its seconds alone on the machine, its share of batches, its seconds
among others, which is the most that it can have cost, or its tokens at a server's prices."""
_CELLS = 4_000_000
"""Numbers drawn at a time: 32 MB."""


def break_even(
    prompting_cost_per_request: Amount, fine_tuning_fixed_cost: Amount, fine_tuned_cost_per_request: Amount
) -> int | None:
    """The requests after which fine-tuning has paid off, as published: fixed cost / saving, rounded down;
    None is never, as nothing is saved.

    0.02, 500 and 0.005 give 33,333. Computed exactly, on the amounts as they are written.

    Raises:
        BadInput: an amount is negative or no number.
    """
    requests = _requests(prompting_cost_per_request, fine_tuning_fixed_cost, fine_tuned_cost_per_request)
    return None if requests is None else int(requests)


def first_paid_off(
    prompting_cost_per_request: Amount, fine_tuning_fixed_cost: Amount, fine_tuned_cost_per_request: Amount
) -> int | None:
    """The first request by which the savings cover the fixed cost (33,334 in the published example); None is
    never.

    Raises:
        BadInput: an amount is negative or no number.
    """
    requests = _requests(prompting_cost_per_request, fine_tuning_fixed_cost, fine_tuned_cost_per_request)
    return None if requests is None else max(1, ceil(requests))


def _requests(prompting: Amount, fixed: Amount, fine_tuned: Amount) -> Fraction | None:
    before = _exact(prompting, "The cost of a prompted request")
    once = _exact(fixed, "The fixed cost of fine-tuning")
    saving = before - _exact(fine_tuned, "The cost of a fine-tuned request")
    return once / saving if saving > 0 else None


def _exact(value: Amount, what: str) -> Fraction:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or found < 0:
        raise BadInput(f"{what} can't be {value}.", "Write an amount, 0 or more.")
    return Fraction(found)


@dataclass(frozen=True, kw_only=True)
class CaseCost:
    """The mean cost of one answer to a case."""

    case: str
    group: str
    cost: float


@dataclass(frozen=True, kw_only=True)
class LaneCost:
    """What a lane costs. ``per_answer`` is the mean over cases with its interval, None when no answer of it
    says; ``draws`` are the means of the resampling, which the lanes of a run share draw by draw.
    ``setup_cost`` and ``monthly`` are of what is known, None where that says nothing; ``unknown`` names what
    is not, so that with any they are the least that it costs.
    """

    lane: str
    basis: Basis
    per_answer: Estimate | None
    draws: np.ndarray = field(repr=False, compare=False)
    setup: Setup
    setup_cost: float | None
    monthly: float | None

    @property
    def unknown(self) -> tuple[str, ...]:
        """What of its setup is not known."""
        return self.setup.unknown

    @property
    def known(self) -> bool:
        """Whether there is a total."""
        return self.per_answer is not None and self.setup.priced

    def total(self, answers_per_month: float, months: float) -> float | None:
        """Setup and all months together; None when a part of it is not known."""
        if self.per_answer is None or self.setup_cost is None or self.monthly is None:
            return None
        return self.setup_cost + months * (self.monthly + answers_per_month * self.per_answer.value)


def answer_cost(call: JudgedCall, prices: Prices, mode: Mode = "bench") -> float | None:
    """What one answer cost; waiting in line costs nothing, and in a ``demo`` batch it is its share. None
    without an undisturbed answer, or where a server does not count its tokens.

    A server's prices cover its own work; looking things up happens here and costs the machine's time.
    """
    timing, usage = call.timing, call.usage
    if not call.undisturbed or timing is None:
        return None
    found = timing.embed_ms + timing.retrieve_ms
    if timing.queued_ms is not None:
        worked = timing.total_ms - timing.queued_ms
        if mode == "demo" and timing.device_ms is not None:
            worked = timing.device_ms + found
        return worked / 1000 * prices.gpu_hour / 3600
    if usage is None or usage.prompt_tokens is None or usage.completion_tokens is None:
        return None
    read = usage.prompt_tokens * prices.prompt_token_million / 1e6
    written = usage.completion_tokens * prices.completion_token_million / 1e6
    return read + written + found / 1000 * prices.gpu_hour / 3600


def lane_costs(
    run: StoredRun, lanes: Sequence[str], setups: Mapping[str, Setup], prices: Prices
) -> dict[str, LaneCost]:
    """By lane, in the order given: what it costs at these prices; ``setups`` as
    :func:`compare.cost_setup.setups_of` reads them.
    """
    calls = calls_of(run.calls, lanes)
    cases = {lane: case_costs(calls[lane], prices, run.plan.mode) for lane in lanes}
    draws = resampled(list(cases.values()))
    return {
        lane: LaneCost(
            lane=lane,
            basis=_basis(run, calls[lane]),
            per_answer=_estimate(cases[lane], draws[:, column]),
            draws=draws[:, column],
            setup=setups[lane],
            setup_cost=setups[lane].cost(prices),
            monthly=setups[lane].monthly(prices),
        )
        for column, lane in enumerate(lanes)
    }


def case_costs(calls: Sequence[JudgedCall], prices: Prices, mode: Mode = "bench") -> tuple[CaseCost, ...]:
    """One lane's costs, a case's answers averaged first; cases without a known one are left out."""
    found: dict[tuple[str, str], list[float]] = {}
    for call in calls:
        cost = answer_cost(call, prices, mode)
        if cost is not None:
            found.setdefault((call.case_id, call.group), []).append(cost)
    return tuple(CaseCost(case=case, group=group, cost=fmean(of)) for (case, group), of in found.items())


def _basis(run: StoredRun, calls: Sequence[JudgedCall]) -> Basis:
    times = [call.timing for call in calls if call.undisturbed and call.timing is not None]
    if any(timing.queued_ms is None for timing in times):
        return "tokens"
    if run.plan.mode == "bench":
        return "alone"
    return "at most" if any(timing.device_ms is None for timing in times) else "share"


def _estimate(cases: Sequence[CaseCost], draws: np.ndarray) -> Estimate | None:
    if not cases:
        return None
    low, high = interval(draws)
    return Estimate(
        value=fmean(case.cost for case in cases),
        low=low,
        high=high,
        confidence=CONFIDENCE,
        cases=len(cases),
        groups=len({case.group for case in cases}),
        method="bootstrap over groups",
    )


def resampled(lanes: Sequence[Sequence[CaseCost]]) -> np.ndarray:
    """Each lane's mean cost when whole groups of cases are drawn with replacement, of shape (draws, lanes).

    The lanes share their draws, so that differences between them are paired; NaN where a draw has no case of
    a lane.
    """
    names = dict.fromkeys(case.group for cases in lanes for case in cases)
    places = {name: place for place, name in enumerate(names)}
    sums, sizes = np.zeros((2, len(places), len(lanes)))
    if not places:
        return np.full((0, len(lanes)), np.nan)
    for column, cases in enumerate(lanes):
        for case in cases:
            sums[places[case.group], column] += case.cost
            sizes[places[case.group], column] += 1
    rng = np.random.default_rng(SEED)
    chances = np.full(len(places), 1 / len(places))
    step = max(1, _CELLS // len(places))
    means = []
    for start in range(0, RESAMPLES, step):
        drawn = rng.multinomial(len(places), chances, size=min(step, RESAMPLES - start))
        with np.errstate(invalid="ignore"):
            means.append((drawn @ sums) / (drawn @ sizes))
    return np.concatenate(means)


def interval(draws: np.ndarray) -> tuple[float, float]:
    """The percentile interval of one column of :func:`resampled`, or of what is computed from it."""
    tail = (1 - CONFIDENCE) / 2
    low, high = np.nanquantile(draws, (tail, 1 - tail))
    return float(low), float(high)
