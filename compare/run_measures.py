"""A stored run measured: everything that its figures are made of, in one value."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from backends.registry import registry
from compare.comparing import calls_of
from compare.judged import JudgedCall
from compare.lane_names import lane_name
from compare.lanes import backend_of
from compare.matrix import Places, by_place
from compare.measured import StoredRun
from compare.summary import LaneSummary, summarise, without_copies


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A stored run with what is computed from its calls; ``lanes`` stand from cheap to dear, ``vectors`` are
    the embeddings of repeated answers by text, as far as they are known.
    """

    run: StoredRun
    lanes: tuple[str, ...]
    names: Mapping[str, str]
    calls: Mapping[str, list[JudgedCall]]
    vectors: Mapping[str, np.ndarray]
    summary: Mapping[str, LaneSummary]
    places: Places

    @property
    def once(self) -> bool:
        """Whether there is one answer to each case, or copies of one."""
        return self.run.plan.once

    @property
    def judged(self) -> Mapping[str, list[JudgedCall]]:
        """The calls that say something of how often a lane is right: of copies only the first."""
        return {lane: without_copies(calls, self.run.plan) for lane, calls in self.calls.items()}

    @property
    def planned(self) -> int:
        """How many calls the run owes altogether."""
        return len(self.run.plan.cases) * len(self.run.plan.lanes) * self.run.plan.repeats


def measure(run: StoredRun, vectors: Mapping[str, np.ndarray]) -> Measured:
    """Compute everything; 20,000 calls take a second, two if no two answers are equal."""
    place = {name: number for number, name in enumerate(registry())}  # A backend may be gone since.
    lanes = tuple(sorted(run.plan.lanes, key=lambda lane: place.get(backend_of(lane), len(place))))
    return Measured(
        run=run,
        lanes=lanes,
        names={lane: lane_name(lane) for lane in lanes},
        calls=calls_of(run.calls, lanes),
        vectors=vectors,
        summary=summarise(run.calls, run.plan, vectors),
        places=by_place(run.calls),
    )
