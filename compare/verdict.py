"""The verdict: which lever to use, or why that cannot be told yet. The rules are those of ``measures.md``.

The bounds of L levers' own rates hold together, at 1 - alpha / L each, and so do those of m differences,
at 1 - alpha / m each (Bonferroni); alpha is a third of 1 - confidence, as a question is looked at three times
at most. Bounds depend on the answers and the confidence alone, not on the bar, the gain or the order of cost.
What it says stands in ``verdict_words.py``; tried by simulation in ``tests/benchmarks/verdict.py``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from backends.errors import BadInput
from backends.registry import registry
from compare.comparing import LaneScores
from compare.lanes import backend_of
from compare.simultaneous import Pair, differences_together, rates_together
from compare.statistics import LEAST_GROUPS, Difference, Estimate
from compare.terms import LOOKS, Terms
from compare.verdict_needs import NOTHING, Needs, groups_missing, needs_of

Kind = Literal["none_works", "tie", "choose", "narrowed", "cannot_tell"]
Why = Literal[
    "below the bar", "all alike", "meets the bar", "best so far", "still open", "one lever",
    "not done", "too few groups", "calls lost", "nothing judged",
]  # fmt: skip
"""``best so far``: nothing dearer is worth it, but it is not shown to meet the bar; ``not done``: the run
goes on, or was broken off."""
REFUSED: frozenset[Why] = frozenset({"not done", "too few groups", "calls lost", "nothing judged"})
"""Here no bound was read, so that this was no look at the question."""
CONTROLS = frozenset({"oracle", "shuffled"})
"""Backends that know what nobody knows in earnest; they are no levers."""
MOST_LOST = 0.02
"""The share of calls that the machine may lose."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """``levers``, cheapest first: the one to use (choose, tie: the cheapest), those still in the running
    (narrowed; all of them for cannot_tell), none for none_works. ``meets_bar``: the first of them is shown
    to. ``order`` are all levers with scores, cheapest first, ``best`` the one with the highest rate.

    ``differences`` are by (dearer, cheaper). ``next`` is what would settle it. ``lost`` is the share of calls
    lost to the machine or not there yet, ``leaked`` how many cases were left out as an adapter had learnt
    from them, ``silent`` the levers that answered nothing.
    """

    kind: Kind
    why: Why
    levers: tuple[str, ...]
    meets_bar: bool
    best: str | None
    order: tuple[str, ...]
    rates: Mapping[str, Estimate]
    differences: Mapping[Pair, Difference]
    next: Needs
    terms: Terms
    look: int
    lost: float = 0.0
    leaked: int = 0
    silent: tuple[str, ...] = ()

    @property
    def meeting(self) -> tuple[str, ...]:
        """The levers that are shown to meet the bar, cheapest first."""
        bar = self.terms.bar
        return () if self.refused else tuple(lane for lane in self.order if self.rates[lane].low >= bar)

    @property
    def refused(self) -> bool:
        """Whether there was nothing to read bounds from, so that this was no look."""
        return self.why in REFUSED


def in_order(lanes: Sequence[str], terms: Terms) -> tuple[str, ...]:
    """The levers among the lanes, cheapest first; lanes of one backend in the order given.

    Raises:
        BadInput: the order of cost leaves one out.
    """
    levers = [lane for lane in lanes if backend_of(lane) not in CONTROLS]
    if terms.order:
        if missing := [lane for lane in levers if lane not in terms.order]:
            raise BadInput(
                f"The order of cost leaves out {missing[0]}.", "Name every approach that was asked."
            )
        return tuple(sorted(levers, key=terms.order.index))
    place = {name: at for at, name in enumerate(registry())}  # A backend may be gone since.
    return tuple(sorted(levers, key=lambda lane: place.get(backend_of(lane), len(place))))


def decide(
    scores: LaneScores, terms: Terms, *, look: int = 1, lost_share: float = 0.0, done: bool = True,
    advise: bool = True,
) -> Verdict:  # fmt: skip
    """The verdict on the lanes' scores on the same test cases; lanes without scores are no levers that were
    tried, and controls never win. It refuses unless the run is ``done``. Unless it is to ``advise``, it
    leaves out what would settle it: that takes most of the time.

    Raises:
        BadInput: the order of cost leaves a lever out, the look is not one of three, or the confidence is too
            high for resampling.
    """
    if not 1 <= look <= LOOKS:
        raise BadInput(f"A question is looked at {LOOKS} times at most.", "The last verdict stands.")
    order = in_order([lane for lane, found in scores.items() if any(case.scores for case in found)], terms)
    own = {lane: scores[lane] for lane in order}
    found = rates_together(own, shared_confidence(terms, len(order)))
    rates = {lane: one for lane, one in found.items() if one is not None}
    pairs = len(order) * (len(order) - 1) // 2
    gains = differences_together(scores, order, shared_confidence(terms, pairs))
    read = _Read(order=order, rates=rates, gains=gains, terms=terms)
    kind, why, levers = _asked_in_order(read, lost_share) if done else ("cannot_tell", "not done", order)
    needs = NOTHING
    if advise and why == "too few groups":
        needs = groups_missing(scores, order)
    elif advise and why in ("still open", "best so far", "one lever"):
        needs = needs_of(scores, levers, rates, gains, bar=terms.bar, gain=terms.gain)
    return Verdict(
        kind=kind,
        why=why,
        levers=levers,
        meets_bar=bool(levers) and why not in REFUSED and read.meets(levers[0]),
        best=max(order, key=lambda lane: rates[lane].value) if order else None,
        order=order,
        rates=rates,
        differences=gains,
        next=needs,
        terms=terms,
        look=look,
        lost=lost_share,
    )


def shared_confidence(terms: Terms, many: int) -> float:
    """That of each of so many bounds that hold together over all looks."""
    return 1 - (1 - terms.confidence) / LOOKS / max(1, many)


@dataclass(frozen=True, kw_only=True)
class _Read:
    """The bounds, and what they show of a lever or of two."""

    order: tuple[str, ...]
    rates: Mapping[str, Estimate]
    gains: Mapping[Pair, Difference]
    terms: Terms

    def meets(self, lane: str) -> bool:
        return self.rates[lane].low >= self.terms.bar

    def misses(self, lane: str) -> bool:
        return self.rates[lane].high < self.terms.bar

    def beats(self, one: str, other: str) -> bool:
        if (one, other) in self.gains:
            return self.gains[one, other].low > 0
        return (other, one) in self.gains and self.gains[other, one].high < 0

    def adds_little(self, dear: str, cheap: str) -> bool:
        gain = self.gains.get((dear, cheap))
        return gain is not None and gain.high < self.terms.gain

    def alike(self) -> bool:
        many = len(self.order) * (len(self.order) - 1) // 2
        within = self.terms.gain
        return len(self.gains) == many and all(
            -within < one.low and one.high < within for one in self.gains.values()
        )

    def cheaper(self, lane: str) -> tuple[str, ...]:
        return self.order[: self.order.index(lane)]

    def dearer(self, lane: str) -> tuple[str, ...]:
        return self.order[self.order.index(lane) + 1 :]


def _asked_in_order(read: _Read, lost_share: float) -> tuple[Kind, Why, tuple[str, ...]]:
    order = read.order
    if lost_share > MOST_LOST:
        return "cannot_tell", "calls lost", order
    if not order:
        return "cannot_tell", "nothing judged", ()
    if min(one.groups for one in (*read.rates.values(), *read.gains.values())) < LEAST_GROUPS:
        return "cannot_tell", "too few groups", order
    if all(map(read.misses, order)):
        return "none_works", "below the bar", ()
    if len(order) > 1 and read.alike():
        return "tie", "all alike", order[:1]
    good = next(filter(read.meets, order), None)
    if good is not None:
        if all(read.beats(good, one) or read.misses(one) for one in read.cheaper(good)):
            return "choose", "meets the bar", (good,)
    elif len(order) == 1:
        return "cannot_tell", "one lever", order
    elif best := next((lane for lane in order if _best_so_far(read, lane)), None):
        return "choose", "best so far", (best,)
    left = tuple(lane for lane in order if not _is_out(read, lane))
    return "narrowed" if len(left) < len(order) else "cannot_tell", "still open", left


def _best_so_far(read: _Read, lane: str) -> bool:
    return all(read.beats(lane, one) for one in read.cheaper(lane)) and all(
        read.adds_little(one, lane) for one in read.dearer(lane)
    )


def _is_out(read: _Read, lane: str) -> bool:
    if any(read.beats(one, lane) for one in read.cheaper(lane)) or any(map(read.meets, read.cheaper(lane))):
        return True
    return not read.meets(lane) and any(read.beats(one, lane) for one in read.dearer(lane))
