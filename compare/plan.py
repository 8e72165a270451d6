"""What a scenario run asks: cases x backends x repeats, and in which order. Nothing here runs or stores."""

from dataclasses import dataclass, field, replace
from random import Random
from typing import Literal

from backends.scenario import NO_TEXTS, PromptTexts
from backends.types import Mode, Query, Sampling
from compare.cases import Case, Split, gold_of

PlannedKey = tuple[str, str, int]
"""(case id, lane, repeat), the repeat counted from 0."""
Which = Split | Literal["all"]


@dataclass(frozen=True, kw_only=True)
class PlannedCall:
    """One call that a run owes."""

    case: Case
    lane: str
    repeat: int

    @property
    def key(self) -> PlannedKey:
        """What it is stored under."""
        return self.case.id, self.lane, self.repeat


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A scenario run's configuration, as it is stored: with it and the store alone a run can be resumed."""

    scenario: str
    cases: tuple[Case, ...]
    lanes: tuple[str, ...]
    repeats: int = 1
    seed: int = 0
    mode: Mode = "demo"
    sampling: Sampling = field(default_factory=Sampling)
    texts: PromptTexts = NO_TEXTS
    """The prompt texts that it is asked with, also when it is resumed after they were edited."""

    @property
    def copies(self) -> bool:
        """Whether repeats are copies of one greedy answer."""
        return self.sampling.temperature == 0

    @property
    def once(self) -> bool:
        """Whether there is one answer to each case, or copies of one."""
        return self.repeats == 1 or self.copies

    def query(self, case: Case) -> Query:
        """What a case asks."""
        return Query(
            text=case.query,
            scenario=self.scenario,
            case_id=case.id,
            gold=gold_of(case, self.cases),
            sampling=self.sampling,
            repeats=self.repeats,
            seed=self.seed,
            mode=self.mode,
        )

    def holds(self, part: "Plan") -> bool:
        """Whether this asks all that ``part`` asks, in the same way, and maybe more."""
        cases = {case.id: case for case in self.cases}
        return (
            replace(part, cases=self.cases, lanes=self.lanes, repeats=self.repeats) == self
            and all(cases.get(case.id) == case for case in part.cases)
            and set(part.lanes) <= set(self.lanes)
            and part.repeats <= self.repeats
        )

    def calls(self) -> list[PlannedCall]:
        """All calls in the order in which they are asked.

        In ``demo`` mode case by case, so that repeats share the prefill of their prompt. In ``bench`` mode
        repeat by repeat, the cases and a case's lanes shuffled anew each time by the run's seed: what changes
        over the run then falls on all lanes and cases alike.
        """
        if self.mode == "demo":
            lanes_repeats = [(lane, repeat) for lane in self.lanes for repeat in range(self.repeats)]
            return [
                PlannedCall(case=case, lane=lane, repeat=repeat)
                for case in self.cases
                for lane, repeat in lanes_repeats
            ]
        order = Random(self.seed)
        return [
            PlannedCall(case=case, lane=lane, repeat=repeat)
            for repeat in range(self.repeats)
            for case in order.sample(self.cases, len(self.cases))
            for lane in order.sample(self.lanes, len(self.lanes))
        ]
