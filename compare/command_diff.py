"""``diff``: two stored scenario runs, case by case: which got better, which got worse, and by how much.
Or one lane of the first against one of the second.
"""

import argparse
from collections.abc import Sequence

from backends.errors import BadInput
from compare.command import Outcome
from compare.lane_difference import (
    LaneDifference,
    compare_lanes,
    lane_difference_document,
    lane_difference_rows,
)
from compare.numbers import count
from compare.run_difference import Place, RunDifference, compare_runs
from compare.store import store


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the command to the command line."""
    command = commands.add_parser("diff", help="compare two stored runs case by case")
    command.add_argument("run_a", metavar="RUN_A")
    command.add_argument("run_b", metavar="RUN_B")
    command.add_argument("--lane", metavar="LANE", help="only this lane of RUN_A; needs --against")
    command.add_argument("--against", metavar="LANE", help="the lane of RUN_B that --lane is compared with")
    return command


def run(options: argparse.Namespace) -> Outcome:
    """Compare from the store alone.

    Raises:
        BadInput: there is no such run or lane, or they can't be compared.
    """
    if (options.lane is None) != (options.against is None):
        raise BadInput("Two lanes are compared, and one is named.", "Give both --lane and --against.")
    a, b = (store().stored_run(id) for id in (options.run_a, options.run_b))
    if options.lane is not None:
        pair = compare_lanes(a, options.lane, b, options.against)
        document = {"a": a.id, "b": b.id, **lane_difference_document(pair)}
        return Outcome(document=document, text=_pair_text(pair))
    found = compare_runs(a, b)
    document = {
        "a": a.id,
        "b": b.id,
        "models": dict(zip(("a", "b"), found.bases, strict=True)),
        **{name: _places(getattr(found, name)) for name in ("better", "worse", "same", "only_a", "only_b")},
        "difference": {
            lane: None if gain is None else {"mean": gain.value, "interval": [gain.low, gain.high]}
            for lane, gain in found.by_lane.items()
        },
    }
    return Outcome(document=document, text=_text(found))


def _places(places: Sequence[Place]) -> list[dict[str, str]]:
    return [{"backend": lane, "case": case} for lane, case in places]


def _text(found: RunDifference) -> str:
    better, worse, same = (count(len(places)) for places in (found.better, found.worse, found.same))
    lines = [f"{found.bases[0]}, then {found.bases[1]}: {better} better, {worse} worse, {same} the same"]
    lines += [f"{what}: {before}, then {after}" for what, before, after in found.changes]
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


def _pair_text(found: LaneDifference) -> str:
    lines = [found.takeaway]
    for row in lane_difference_rows(found):
        figures = [f"{what.lower()} {value}" for what, value in row.items() if what != "Approach"]
        lines.append(f"{row['Approach']}: {', '.join(figures)}")
    return "\n".join([*lines, *(why for why in (found.no_times, found.no_cost) if why)])
