"""What is claimed of each lever beside what was measured here, with the run behind each figure. Pure.

What was not measured says what to run to get it; it is never 0 and never empty.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from backends.registry import registry
from compare import numbers
from compare.claims_published import ASPECTS, CLAIMS, Aspect, Claim
from compare.drill_results import INDEXED, LaneDrill
from compare.drill_stored import StoredDrill
from compare.guidance import lever_of
from compare.lane_names import lane_name
from compare.lanes import backend_of
from compare.run_facts import right
from compare.run_measures import Measured
from compare.statistics import ONE_CASE, Estimate, rate
from compare.summary import case_scores

BASELINE = "prompt"
"""The lane that latency is told against."""
OFTEN = 5
"""How often to ask each question, to see whether answers agree."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the cells are made of: the run, and what is stored elsewhere. ``training_s`` is by lane, of the
    adapter that answered; ``cost`` by lane, for 1,000 answers, as it is shown. What is not known is None or
    left out.
    """

    measured: Measured | None = None
    index_s: float | None = None
    training_s: Mapping[str, float] = field(default_factory=dict)
    cost: Mapping[str, str] = field(default_factory=dict)
    drill: StoredDrill | None = None


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One aspect of one lane. ``measured`` is the figure in words, or without ``known`` what to run to get
    it; ``detail`` says what it rests on; ``run_id`` is the stored run behind it, empty where there is none.
    """

    claim: Claim
    measured: str
    known: bool = True
    detail: str = ""
    run_id: str = ""


@dataclass(frozen=True, kw_only=True)
class ClaimRow:
    """One aspect over the lanes; ``title`` and ``about`` are for people."""

    aspect: Aspect
    title: str
    about: str
    cells: Mapping[str, Cell]


def matrix(lanes: Sequence[str], known: Known) -> tuple[ClaimRow, ...]:
    """Every aspect over these lanes; controls, of which nobody claims anything, are left out."""
    levers = {lane: lever for lane in lanes if (lever := lever_of(lane)) is not None}
    return tuple(
        ClaimRow(
            aspect=aspect,
            title=title,
            about=about,
            cells={
                lane: _CELLS[aspect](CLAIMS[aspect][lever], lane, known) for lane, lever in levers.items()
            },
        )
        for aspect, (title, about) in ASPECTS.items()
    )


def _open(claim: Claim, todo: str) -> Cell:
    return Cell(claim=claim, measured=todo, known=False)


def _not_asked(claim: Claim, lane: str) -> Cell:
    return _open(claim, f"Climb to {lane_name(lane)}.")


def _setup(claim: Claim, lane: str, known: Known) -> Cell:
    layers = set(registry()[backend_of(lane)].layers)
    parts: dict[str, float] = {}
    if layers & INDEXED:
        if known.index_s is None:
            return _open(claim, "Rebuild the index (Knowledge, “Documents”).")
        parts["index"] = known.index_s
    if "adapter" in layers:
        if lane not in known.training_s:
            return _open(claim, "Train the adapter here (Adapters, “Train”).")
        parts["training"] = known.training_s[lane]
    if not parts:
        return Cell(claim=claim, measured="Nothing to build", detail="Its texts are written by hand.")
    detail = " + ".join(f"{what} {numbers.seconds(1000 * took)}" for what, took in parts.items())
    return Cell(claim=claim, measured=numbers.seconds(1000 * sum(parts.values())), detail=detail)


def _cost(claim: Claim, lane: str, known: Known) -> Cell:
    if known.measured is None or lane not in known.measured.lanes:
        return _not_asked(claim, lane)
    if lane not in known.cost:
        return _open(claim, "Set the prices under “Cost”.")
    return Cell(
        claim=claim,
        measured=f"{known.cost[lane]} per 1,000 answers",
        run_id=known.measured.run.id,
    )


def _latency(claim: Claim, lane: str, known: Known) -> Cell:
    found = known.measured
    if found is None or lane not in found.lanes:
        return _not_asked(claim, lane)
    took = found.summary[lane].ttft_ms
    if took is None:
        return _open(claim, "Ask again: no answer was timed.")
    alone = found.run.plan.mode == "bench"
    mode = "one answer at a time" if alone else "answers shared the machine"
    detail = f"{numbers.plural(took.n, 'answer')}, {mode}"
    base = found.summary[BASELINE].ttft_ms if BASELINE in found.lanes else None
    said = f"{numbers.seconds(took.p50)} to the first word"
    if base is not None and lane != BASELINE:
        said, detail = numbers.later(took.p50 - base.p50), f"{said}; {detail}"
    return Cell(claim=claim, measured=said, detail=detail, run_id=found.run.id)


def _freshness(claim: Claim, lane: str, known: Known) -> Cell:
    drill = known.drill
    found = None if drill is None else next((one for one in drill.lanes if one.lane == lane), None)
    if drill is None or found is None or found.after is None:
        return _open(claim, "Run the drill (Knowledge, “When a fact changes”).")
    after = found.after
    detail = f"{numbers.share(after.right, after.asked)} right after the change, {after.stale} say the old"
    return Cell(claim=claim, measured=_again(found, lane), detail=detail, run_id=drill.run_id)


def _again(found: LaneDrill, lane: str) -> str:
    assert found.after is not None
    if found.right_again_s is not None:
        most = "at most " if set(registry()[backend_of(lane)].layers) & INDEXED else ""
        return f"Right again after {most}{numbers.seconds(1000 * found.right_again_s)}"
    return {"stale": "Still says the old", "wrong": "Wrong after the change"}.get(
        found.after.mostly, "Not mostly right after the change"
    )


def _consistency(claim: Claim, lane: str, known: Known) -> Cell:
    found = known.measured
    if found is None or lane not in found.lanes:
        return _not_asked(claim, lane)
    alike = found.summary[lane].tar_parsed
    if found.run.plan.copies:
        return _open(claim, "Ask with a temperature above 0: these answers are copies.")
    if alike is None:
        return _open(claim, f"Ask each question {OFTEN} times.")
    detail = f"{numbers.plural(found.run.plan.repeats, 'answer')} to each question, parsed"
    return Cell(claim=claim, measured=f"{numbers.percent(alike)} alike", detail=detail, run_id=found.run.id)


def _style(claim: Claim, lane: str, known: Known) -> Cell:
    found = known.measured
    if found is None or lane not in found.lanes:
        return _not_asked(claim, lane)
    kept = found.summary[lane].format_valid
    return _share(claim, kept, found, "Give the cases a format check, such as json_schema or voice.")


def _expertise(claim: Claim, lane: str, known: Known) -> Cell:
    found = known.measured
    if found is None or lane not in found.lanes:
        return _not_asked(claim, lane)
    passed = rate(case_scores(found.judged[lane], "content"))
    return _share(claim, passed, found, "Give the cases a content check, such as contains_all.")


def _share(claim: Claim, found: Estimate | None, measured: Measured, todo: str) -> Cell:
    """A share of answers, with its interval where there may be one."""
    if found is None:
        return _open(claim, todo)
    bounded = found.enough or found.method == ONE_CASE
    detail = (
        f"of {numbers.plural(found.cases, 'case')}, {'95 % interval' if bounded else 'too few to say more'}"
    )
    said = right(found, once=measured.once)
    return Cell(claim=claim, measured=said, detail=detail, run_id=measured.run.id)


_CELLS: Mapping[Aspect, Callable[[Claim, str, Known], Cell]] = {
    "setup": _setup,
    "cost": _cost,
    "latency": _latency,
    "freshness": _freshness,
    "consistency": _consistency,
    "style": _style,
    "expertise": _expertise,
}
