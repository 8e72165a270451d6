"""Leaked cases in words and as tables: what screens, reports and the command line say. Plain text."""

from dataclasses import asdict

from compare import numbers
from compare.judged import JudgedCall
from compare.lane_names import lane_title
from compare.lanes import is_trained
from compare.leakage import Leak
from compare.measured import StoredRun
from compare.run_facts import right
from compare.run_leakage import TrainedOn
from compare.run_measures import Measured
from compare.statistics import Estimate, rate
from compare.summary import case_scores, without_copies

_HOW = {"exact": "the same question", "near": "nearly the same question", "verbatim": "word for word"}


def of_leakage(run: StoredRun) -> str:
    """How many cases the adapters had learnt from; empty where no lane has an adapter or the run goes on."""
    found = run.leakage
    if found is None:
        over = run.ledger is not None and any(map(is_trained, run.plan.lanes))
        return "Whether the adapters had learnt from these cases was not looked for." if over else ""
    if not found.trained_on:
        return ""
    files = [file for file in found.trained_on if file.examples is not None]
    unknown = ", ".join(key for file in found.trained_on if file.examples is None for key in file.adapters)
    said = [f"What {unknown} learnt from is not known, so nothing was compared with it."] if unknown else []
    if files:
        many = numbers.plural(sum(file.examples or 0 for file in files), "training example")
        cases, leaked = len(run.plan.cases), len(found.cases)
        stand = "stands" if leaked == 1 else "stand"
        said.insert(0, f"{numbers.share(leaked, cases)} cases {stand} among the {many} of the adapters."
                    if leaked else f"No case stands among the {many} of the adapters.")  # fmt: skip
    return " ".join([*said, found.note] if found.note else said)


def leak_rows(run: StoredRun) -> list[dict[str, str]]:
    """One row a case and example; none without leaks."""
    queries = {case.id: case.query for case in run.plan.cases}
    files = () if run.leakage is None else run.leakage.trained_on
    return [_row(leak, queries.get(leak.case, ""), file) for file in files for leak in file.leaks]


def _row(leak: Leak, query: str, file: TrainedOn) -> dict[str, str]:
    return {
        "Case": leak.case,
        "Question": query,
        "Is": _HOW[leak.kind],
        "Likeness": numbers.percent(leak.likeness),
        "Example": leak.text,
        "Line": numbers.count(leak.line),
        "Learnt by": ", ".join(file.adapters),
    }


def rates_without(run: StoredRun) -> dict[str, Estimate | None]:
    """Each lane's pass rate over the cases that no adapter of the run had learnt from."""
    leaked = run.leaked
    by_lane: dict[str, list[JudgedCall]] = {lane: [] for lane in run.plan.lanes}
    for call in run.calls:
        if call.case_id not in leaked:
            by_lane[call.lane].append(call)
    return {lane: rate(case_scores(without_copies(calls, run.plan))) for lane, calls in by_lane.items()}


def rate_rows(found: Measured) -> list[dict[str, str]]:
    """How often each lane is right with and without leaked cases; none without leaks."""
    if not found.run.leaked:
        return []
    without = rates_without(found.run)
    return [
        {
            "Approach": lane_title(lane),
            "Right, all cases": right(found.summary[lane].passes, once=found.once),
            "Right, without these": right(without[lane], once=found.once),
        }
        for lane in found.lanes
    ]


def leakage_document(run: StoredRun) -> dict[str, object] | None:
    """All of it as JSON; None where it was not looked for."""
    if run.leakage is None:
        return None
    without = rates_without(run)
    return {
        "note": run.leakage.note,
        "cases": sorted(run.leaked),
        "trained_on": [asdict(file) for file in run.leakage.trained_on],
        "without_leaked": {
            lane: {
                "n_cases": 0 if one is None else one.cases,
                "pass_rate": one and one.value,
                "pass_rate_interval": None if one is None else [one.low, one.high],
            }
            for lane, one in without.items()
        },
    }
