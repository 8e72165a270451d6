"""What people are asked to judge of a run, one thing at a time, and in which order. Nothing here is stored.

All raters of a run see the same answers (of a case that was asked often, one repeat for all), so that they
can be compared; each sees them in an order of their own.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from random import Random
from statistics import median
from typing import Literal

from compare.judged import JudgedCall
from compare.matrix import Places, by_place
from compare.measured import StoredRun

RatingMode = Literal["stars", "best", "pairs", "live"]
"""``live``: one score beside a running answer, seen with its lane's name; never offered, never blind."""
State = Literal["open", "done", "skipped"]
TIE, ALL_BAD = "tie", "bad"
"""Choices that name no lane; no lane is called so."""
DEFAULT_CRITERIA = ("correct", "format", "tone")
LOWEST, HIGHEST = 1, 5


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing to judge: an answer (``stars``), all answers to a case (``best``) or two of them (``pairs``).

    ``lanes`` stand in the run's order; which of them stands where on a rater's screen is the judgement's.
    """

    mode: RatingMode
    case: str
    repeat: int
    lanes: tuple[str, ...]

    @cached_property
    def key(self) -> str:
        """Names the item within its run; it tells nothing of the lanes."""
        said = "\0".join((self.mode, self.case, str(self.repeat), *sorted(self.lanes)))
        return hashlib.sha256(said.encode()).hexdigest()[:32]


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a rater said of an item. ``lanes`` stand as they were shown, the first as A (or on the left).

    ``scores`` are by criterion, 1 to 5 (``stars``); ``choice`` is a lane, :data:`TIE` or :data:`ALL_BAD`.
    ``edited`` is a better answer that the rater wrote; ``gives_away`` says that an answer's text told which
    approach wrote it; ``same`` that all answers were equal; ``seconds`` lie between showing and judging.
    """

    id: str
    run_id: str
    rater: str
    item: Item
    lanes: tuple[str, ...]
    state: State
    scores: Mapping[str, int]
    choice: str
    comment: str
    edited: str
    gives_away: bool
    same: bool
    seconds: float | None
    decided_at: str
    revealed: bool


def items_of(run: StoredRun, mode: RatingMode) -> tuple[Item, ...]:
    """Everything of the run that can be judged so, case by case: finished answers only."""
    places = by_place(run.calls)
    found: list[Item] = []
    for case in run.plan.cases:
        repeat, lanes = _shown(run, places, case.id)
        if mode == "stars":
            groups: Iterable[tuple[str, ...]] = ((lane,) for lane in lanes)
        elif mode == "pairs":
            groups = combinations(lanes, 2)
        else:
            groups = (lanes,) if len(lanes) > 1 else ()
        found += [Item(mode=mode, case=case.id, repeat=repeat, lanes=tuple(group)) for group in groups]
    return tuple(found)


def _shown(run: StoredRun, places: Places, case: str) -> tuple[int, tuple[str, ...]]:
    """The repeat of a case that is shown, one in which most lanes have an answer, and those lanes."""
    answered: dict[int, list[str]] = {}
    for lane in run.plan.lanes:
        for call in places.get((case, lane), ()):
            if call.status == "done":
                answered.setdefault(call.repeat, []).append(lane)
    if not answered:
        return 0, ()
    most = max(len(lanes) for lanes in answered.values())
    repeats = sorted(repeat for repeat, lanes in answered.items() if len(lanes) == most)
    repeat = Random(f"{run.id} {case}").choice(repeats)
    return repeat, tuple(answered[repeat])


def answers_to(item: Item, places: Places) -> dict[str, JudgedCall]:
    """The item's finished calls by lane."""
    return {
        lane: call
        for lane in item.lanes
        for call in places.get((item.case, lane), ())
        if call.repeat == item.repeat and call.status == "done"
    }


def shuffled_lanes(item: Item, run_id: str, rater: str) -> tuple[str, ...]:
    """The order in which a rater first sees the item's answers; stored with the judgement from then on."""
    order = list(item.lanes)
    Random(f"{run_id} {rater} {item.key}").shuffle(order)
    return tuple(order)


def next_item(
    items: Sequence[Item], judgements: Sequence[Judgement], rater: str, *, target: int = 1
) -> Item | None:
    """What the rater judges next, or None when there is nothing left.

    First what is open on the rater's screen; then what has fewest raters, up to ``target``; then what raters
    disagree on; skipped items come last. Within each of these the order is the rater's own.
    """
    mine = {judgement.item.key: judgement for judgement in judgements if judgement.rater == rater}
    others = [judgement for judgement in judgements if judgement.state == "done"]
    raters = Counter(judgement.item.key for judgement in others)
    disputed = disagreements(others)
    chances = Random(f"{rater} {items[0].mode if items else ''}")
    waiting: list[tuple[tuple[int, int, str, float], Item]] = []
    for item in items:
        chance, said, many = chances.random(), mine.get(item.key), raters[item.key]
        state = None if said is None else said.state
        if state == "done":
            continue
        if state == "open":
            waiting.append(((0, 0, "", chance), item))
        elif said is not None:  # Put off: what was put off first comes back first.
            waiting.append(((3, 0, said.decided_at, chance), item))
        elif many < target:
            waiting.append(((1, many, "", chance), item))
        elif item.key in disputed:
            waiting.append(((2, many, "", chance), item))
    return min(waiting, key=lambda entry: entry[0])[1] if waiting else None


def disagreements(judgements: Sequence[Judgement]) -> set[str]:
    """Keys of the items on which raters chose differently, or scored two or more apart."""
    by_item: dict[str, list[Judgement]] = {}
    for judgement in judgements:
        if judgement.state == "done":
            by_item.setdefault(judgement.item.key, []).append(judgement)
    return {key for key, found in by_item.items() if len(found) > 1 and _differ(found)}


def _differ(found: Sequence[Judgement]) -> bool:
    if len({judgement.choice for judgement in found}) > 1:
        return True
    names = {name for judgement in found for name in judgement.scores}
    scores = [[one.scores[name] for one in found if name in one.scores] for name in names]
    return any(max(values) - min(values) > 1 for values in scores)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a rater is: judged, left, and seconds left at the median pace (None until it is known)."""

    done: int
    left: int
    left_s: float | None


def progress_of(
    items: Sequence[Item], judgements: Sequence[Judgement], rater: str, *, target: int = 1
) -> Progress:
    """Of the items that this rater has judged, or is still needed for."""
    mine = {j.item.key: j for j in judgements if j.rater == rater and j.state == "done"}
    raters = Counter(j.item.key for j in judgements if j.state == "done" and j.rater != rater)
    disputed = disagreements([j for j in judgements if j.rater != rater])
    left = sum(item.key not in mine and (raters[item.key] < target or item.key in disputed) for item in items)
    paces = [judgement.seconds for judgement in mine.values() if judgement.seconds is not None]
    return Progress(done=len(mine), left=left, left_s=left * median(paces) if len(paces) >= 3 else None)
