"""Did an adapter help? The test questions without it, with the one before it, and with it; and what of
another scenario it forgot.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from backends.adapter_places import AS_SHIPPED, MARK
from backends.adapters import Registered, find, registered
from backends.base import READS
from backends.errors import BadInput
from backends.knowledge.documents import document_paths
from backends.registry import registry
from backends.scenario import Scenario
from backends.types import Sampling
from compare.cases import Case
from compare.checks import CheckProblem, checks_of
from compare.comparing import calls_of, paired_scores_of, together
from compare.failure_classes import POINTS_TO, FailureClass, count_classes
from compare.judged import JudgedCall
from compare.judging import CheckKind
from compare.measured import StoredRun
from compare.plan import Plan
from compare.scenario_run import make_plan
from compare.statistics import CaseScores, Difference, Estimate, difference, rate
from compare.summary import without_copies

BARE: Mapping[str, tuple[str, ...]] = {
    "lora": ("prompt",),
    "lora_short": ("zero_shot", "prompt"),
    "hybrid": ("rag",),
}
"""By kind, what answers the same prompt without an adapter, first; then what the adapter is to replace."""


@dataclass(frozen=True, kw_only=True)
class CheckChange:
    """One check by its name, over all cases that have it: shares of answers that meet it, case by case, and
    after minus before. None where nothing was judged in both lanes.
    """

    name: str
    kind: CheckKind
    before: Estimate | None
    after: Estimate | None
    gain: Difference | None


@dataclass(frozen=True, kw_only=True)
class BeforeAfter:
    """Two lanes of one run over the same cases. Rates and ``gain`` (after minus before, as shares of cases)
    are of the cases that both lanes have scores for; ``gain`` has McNemar's p where each was asked once.

    ``checks`` stand in the order in which cases name them; their intervals hold together. ``classes`` count
    the answers that did not pass, before and after. ``better``, ``worse`` and ``same`` are cases by how their
    mean score changed. ``proof`` is the contamination proof's state after the adapters of the run were
    loaded: "passed", "failed", or "not run".
    """

    before: str
    after: str
    before_rate: Estimate | None
    after_rate: Estimate | None
    gain: Difference | None
    checks: tuple[CheckChange, ...]
    classes: Mapping[FailureClass, tuple[int, int]]
    better: tuple[str, ...]
    worse: tuple[str, ...]
    same: tuple[str, ...]
    once: bool
    proof: str


def plan_before_after(
    scenario: Scenario,
    kind: str,
    number: int,
    before: int | None = None,
    *,
    repeats: int = 1,
    seed: int = 0,
    sampling: Sampling | None = None,
) -> Plan:
    """The scenario's test cases, asked without an adapter, with the one ``before`` and with this one.

    When ``before`` is None it is the one in use, or, when that is this one, the one that shipped; there may
    be none.

    Raises:
        BadInput: there is no such adapter, or the scenario has no test cases.
    """
    find(scenario, kind, number)
    if before is None:
        before = adapter_before(scenario, kind, number)
    elif before != number:
        find(scenario, kind, before)
    numbers = dict.fromkeys(one for one in (before, number) if one is not None)
    lanes = [*BARE[kind], *(f"{kind}{MARK}{one}" for one in numbers)]
    return _plan(scenario, lanes, repeats, seed, sampling)


def plan_regression(
    other: Scenario,
    owner: str,
    kind: str,
    number: int,
    *,
    repeats: int = 1,
    seed: int = 0,
    sampling: Sampling | None = None,
) -> Plan:
    """Another scenario's test cases, asked with and without an adapter that was made for ``owner``: what it
    forgot.

    Raises:
        BadInput: both are the same scenario, the other has no test cases, or it lacks the documents that the
            adapter is to read.
    """
    if other.name == owner:
        raise BadInput("What an adapter forgot shows on another scenario.", "Choose another one.")
    bare = BARE[kind][0]
    if READS & set(registry()[bare].layers) and not document_paths(other.knowledge):
        raise BadInput(f"The scenario {other.name} has no documents to read.", "Choose another one.")
    return _plan(other, [bare, f"{kind}{MARK}{owner}/{number}"], repeats, seed, sampling)


def adapter_before(scenario: Scenario, kind: str, number: int) -> int | None:
    """The adapter for the same base that another one is compared with: that in use, else the one that
    shipped; None when it is itself both, or there is none.
    """
    known = [one for one in registered(scenario) if one.kind == kind]
    base = {one.card.base_hash for one in known if one.number == number}
    others = [one for one in known if one.number != number and not one.problem and one.card.base_hash in base]
    chosen = next((one for one in others if one.in_use), None) or _shipped(others)
    return None if chosen is None else chosen.number


def before_after(
    run: StoredRun, before: str, after: str, *, leave_out: Collection[str] = frozenset()
) -> BeforeAfter:
    """What changed from one lane of a run to another; ``leave_out`` are the ids of cases that don't count, as
    those that an adapter learnt from.

    Raises:
        BadInput: the run did not ask one of the lanes.
    """
    if missing := [lane for lane in (before, after) if lane not in run.plan.lanes]:
        raise BadInput(f"This run did not ask {missing[0]}.", f"It asked {', '.join(run.plan.lanes)}.")
    calls = {
        lane: without_copies(found, run.plan)
        for lane, found in calls_of(
            [call for call in run.calls if call.case_id not in leave_out], run.plan.lanes
        ).items()
    }
    cases = [case for case in run.plan.cases if case.id not in leave_out]
    scores = paired_scores_of(calls)
    one, other = _shared(scores[before], scores[after])
    change = {case.case: case.mean - was.mean for was, case in zip(one, other, strict=True)}
    everything = [call for found in calls.values() for call in found]
    counts = [count_classes(cases, everything, lane) for lane in (before, after)]
    return BeforeAfter(
        before=before,
        after=after,
        before_rate=rate(one),
        after_rate=rate(other),
        gain=difference(other, one),
        checks=_checks(cases, calls, before, after),
        classes={
            kind: (counts[0].get(kind, 0), counts[1].get(kind, 0))
            for kind in POINTS_TO
            if kind in counts[0] or kind in counts[1]
        },
        better=tuple(case for case, gain in change.items() if gain > 0),
        worse=tuple(case for case, gain in change.items() if gain < 0),
        same=tuple(case for case, gain in change.items() if gain == 0),
        once=run.plan.once,
        proof="not run" if run.provenance is None else run.provenance.proof,
    )


def _plan(
    scenario: Scenario, lanes: Sequence[str], repeats: int, seed: int, sampling: Sampling | None
) -> Plan:
    return make_plan(scenario, lanes, which="test", repeats=repeats, seed=seed, sampling=sampling)


def _shipped(adapters: Sequence[Registered]) -> Registered | None:
    return next((one for one in adapters if one.number == AS_SHIPPED), None)


def _shared(a: Sequence[CaseScores], b: Sequence[CaseScores]) -> tuple[list[CaseScores], list[CaseScores]]:
    """The cases for which both have scores, in the same order."""
    others = {case.case: case for case in b if case.scores}
    first = [case for case in a if case.scores and case.case in others]
    return first, [others[case.case] for case in first]


def _checks(
    cases: Sequence[Case], calls: Mapping[str, Sequence[JudgedCall]], before: str, after: str
) -> tuple[CheckChange, ...]:
    """Each check as if its cases had no other one."""
    places: dict[tuple[str, CheckKind], dict[str, list[int]]] = {}
    for case in cases:
        for place, check in enumerate(checks_of(case)):
            kind = "content" if isinstance(check, CheckProblem) else check.kind
            places.setdefault((check.name, kind), {}).setdefault(case.id, []).append(place)
    found = []
    for (name, kind), of_case in places.items():
        alone = {
            lane: [
                replace(call, checks=tuple(call.checks[at] for at in of_case[call.case_id] if call.checks))
                for call in of
                if call.case_id in of_case
            ]
            for lane, of in calls.items()
        }
        scores = paired_scores_of(alone)
        one, other = _shared(scores[before], scores[after])
        found.append(
            CheckChange(
                name=name,
                kind=kind,
                before=rate(one),
                after=rate(other),
                gain=difference(other, one, together(len(places))),
            )
        )
    return tuple(found)
