"""The newest knowledge-change drill of a scenario, from its stored runs alone: long after it was put back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backends.scenario import Scenario
from compare.drill_results import RUN_NAMES, LaneDrill, lane_drills
from compare.knowledge_change import Touched
from compare.measured import StoredRun
from compare.measured_store import MeasuredLine, MeasuredStore

LOOKED_AT = 500
"""Runs among which a drill is looked for."""


@dataclass(frozen=True, kw_only=True)
class StoredDrill:
    """A drill's lanes, and the run in which they were asked after the change.

    The index was brought in step between two stored runs: a lane's ``right_again_s`` counts all the time
    between them, so it is a bound from above. What training again took is not stored with the runs.
    """

    lanes: tuple[LaneDrill, ...]
    run_id: str


def newest_drill(scenario: Scenario, store: MeasuredStore) -> StoredDrill | None:
    """The newest drill that was asked to its end; None when there is none.

    Raises:
        StoreUnavailable: the store can't be read.
    """
    lines = [line for line in store.measured_runs(LOOKED_AT) if line.scenario == scenario.name]
    done = [line for line in lines if line.status == "done"]
    for after in (line for line in done if line.name == RUN_NAMES["after"]):
        before = _partner(done, after, "before")
        if before is not None:
            return _read(scenario, store.stored_run(before.id), store.stored_run(after.id))
    return None


def _partner(lines: Sequence[MeasuredLine], after: MeasuredLine, stage: str) -> MeasuredLine | None:
    """The newest run of that stage that asked the same lanes before ``after``."""
    earlier = (line for line in lines if line.name == RUN_NAMES[stage] and line.lanes == after.lanes)
    return next((line for line in earlier if line.started_at <= after.started_at), None)


def _read(scenario: Scenario, before: StoredRun, after: StoredRun) -> StoredDrill:
    right_now = {case.id: case for case in after.plan.cases}
    touched = [
        Touched(before=case, after=right_now[case.id]) for case in before.plan.cases if case.id in right_now
    ]
    between = datetime.fromisoformat(after.started_at) - datetime.fromisoformat(before.finished_at)
    lanes = lane_drills(
        after.plan.lanes,
        touched,
        {"before": before, "after": after},
        index_s=between.total_seconds(),
        training_s={},
        scenario=scenario,
    )
    return StoredDrill(lanes=lanes, run_id=after.id)
