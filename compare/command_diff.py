"""``diff``: two stored scenario runs, case by case: which got better, which got worse, and by how much."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from backends.errors import BadInput
from compare.command import Outcome
from compare.comparing import calls_of, paired_scores_of
from compare.measured import StoredRun
from compare.numbers import count
from compare.statistics import CaseScores, Difference, difference
from compare.store import store

Place = tuple[str, str]
"""(lane, case)."""


@dataclass(frozen=True, kw_only=True)
class RunDifference:
    """Lanes and cases by how their mean score changed from run A to run B; those that only one run could
    judge stand apart. ``by_lane`` is B minus A, None where they share no judged case.
    """

    better: tuple[Place, ...]
    worse: tuple[Place, ...]
    same: tuple[Place, ...]
    only_a: tuple[Place, ...]
    only_b: tuple[Place, ...]
    by_lane: dict[str, Difference | None]


def compare_runs(a: StoredRun, b: StoredRun) -> RunDifference:
    """Compare two runs of one scenario on the lanes and cases that both have.

    Raises:
        BadInput: they are of different scenarios.
    """
    if a.plan.scenario != b.plan.scenario:
        raise BadInput(
            f"The runs are of different scenarios, {a.plan.scenario} and {b.plan.scenario}.",
            "Compare two runs of one scenario.",
        )
    if [case.query for case in a.plan.cases if a.live] != [case.query for case in b.plan.cases if b.live]:
        raise BadInput("These are different questions.", "Compare two runs that asked the same.")
    scores = [_scores(run) for run in (a, b)]
    before, after = ({place: case.mean for place, case in found.items() if case.scores} for found in scores)
    both = [place for place in before if place in after]
    lanes = [lane for lane in a.plan.lanes if lane in b.plan.lanes]
    return RunDifference(
        better=tuple(place for place in both if after[place] > before[place]),
        worse=tuple(place for place in both if after[place] < before[place]),
        same=tuple(place for place in both if after[place] == before[place]),
        only_a=tuple(place for place in before if place not in after),
        only_b=tuple(place for place in after if place not in before),
        by_lane={lane: difference(_of(scores[1], lane), _of(scores[0], lane)) for lane in lanes},
    )


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the command to the command line."""
    command = commands.add_parser("diff", help="compare two stored runs case by case")
    command.add_argument("run_a", metavar="RUN_A")
    command.add_argument("run_b", metavar="RUN_B")
    return command


def run(options: argparse.Namespace) -> Outcome:
    """Compare from the store alone.

    Raises:
        BadInput: there is no such run, or they can't be compared.
    """
    a, b = (store().stored_run(id) for id in (options.run_a, options.run_b))
    found = compare_runs(a, b)
    document: dict[str, object] = {
        "a": a.id,
        "b": b.id,
        **{name: _places(getattr(found, name)) for name in ("better", "worse", "same", "only_a", "only_b")},
        "difference": {
            lane: None if gain is None else {"mean": gain.value, "interval": [gain.low, gain.high]}
            for lane, gain in found.by_lane.items()
        },
    }
    return Outcome(document=document, text=_text(found))


def _scores(run: StoredRun) -> dict[Place, CaseScores]:
    scores = paired_scores_of(calls_of(run.calls, run.plan.lanes))
    return {(lane, case.case): case for lane, found in scores.items() for case in found}


def _of(scores: dict[Place, CaseScores], lane: str) -> list[CaseScores]:
    return [case for (of_lane, _), case in scores.items() if of_lane == lane]


def _places(places: Sequence[Place]) -> list[dict[str, str]]:
    return [{"backend": lane, "case": case} for lane, case in places]


def _text(found: RunDifference) -> str:
    better, worse, same = (count(len(places)) for places in (found.better, found.worse, found.same))
    lines = [f"{better} better, {worse} worse, {same} the same"]
    for lane, gain in found.by_lane.items():
        if gain is None:
            lines.append(f"{lane:14}no case that both judged")
        elif gain.enough:
            low, high = (round(100 * bound) for bound in (gain.low, gain.high))
            lines.append(f"{lane:14}{100 * gain.value:+.0f} points (95 %: {low:+d} to {high:+d})")
        else:
            lines.append(f"{lane:14}{100 * gain.value:+.0f} points, too few cases to say more")
    lines += [f"worse: {lane} {case}" for lane, case in found.worse]
    return "\n".join(lines)
