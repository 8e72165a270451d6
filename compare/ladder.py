"""The ladder: what each rung adds to the cheaper one below it, and why it fails where it fails.

Rates and gains are the verdict's own, with its bounds, so that the page, the report and the verdict agree.
Controls are no rungs; their rows stand apart.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from compare.cost import LaneCost
from compare.failure_classes import POINTS_TO, FailureClass, failure_classes, points_to
from compare.judged import JudgedCall
from compare.lanes import backend_of
from compare.run_measures import Measured
from compare.run_verdict import judged_calls
from compare.statistics import Difference, Estimate
from compare.summary import LaneSummary
from compare.verdict import CONTROLS, Verdict, in_order


@dataclass(frozen=True, kw_only=True)
class Example:
    """One failing answer; ``answer`` is empty where there was none."""

    case: str
    query: str
    answer: str


@dataclass(frozen=True, kw_only=True)
class Failures:
    """A lane's answers of one class, one of them, and what the class suggests to try."""

    kind: FailureClass
    count: int
    example: Example
    points_to: str


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One lane. ``gain`` is over the rung ``below``, the next cheaper one that was judged, as are the
    changes; None on the lowest, and where one of the two is not known. Times are medians in ms, tokens means.

    ``cost_per_1000`` is of 1,000 answers at the prices given; ``setup_s`` is the machine's time before the
    first answer, None when it was not all measured. ``answers`` are those that its rate rests on.
    """

    lane: str
    right: Estimate | None
    below: str | None
    gain: Difference | None
    ttft_ms: float | None
    ttft_change_ms: float | None
    prompt_tokens: float | None
    prompt_tokens_change: float | None
    completion_tokens: float | None
    completion_tokens_change: float | None
    cost_per_1000: float | None
    setup_s: float | None
    answers: int
    failures: tuple[Failures, ...]


def ladder_of(found: Measured, verdict: Verdict, costs: Mapping[str, LaneCost]) -> tuple[Rung, ...]:
    """The rungs, cheapest first, in the verdict's order; one that nothing judged has no rates, and is below
    none.
    """
    failures = failures_of(found)
    answers = judged_calls(found.run)
    rungs: list[Rung] = []
    for lane in in_order(found.lanes, verdict.terms):
        below = next((rung.lane for rung in reversed(rungs) if rung.right is not None), None)
        rungs.append(_rung(found, lane, below, verdict, costs.get(lane), failures[lane], len(answers[lane])))
    return tuple(rungs)


def controls_of(found: Measured) -> tuple[str, ...]:
    """The lanes of a run that nobody can use: they only tell why others fail."""
    return tuple(lane for lane in found.lanes if backend_of(lane) in CONTROLS)


def failures_of(found: Measured) -> dict[str, tuple[Failures, ...]]:
    """By lane: its failing answers among those that the verdict rests on, by class, in the order of
    :data:`compare.failure_classes.POINTS_TO`, each with the first of them.
    """
    calls = [call for of in judged_calls(found.run).values() for call in of]
    places = {(call.case_id, call.lane, call.repeat): call for call in calls}
    by_case: dict[str, list[JudgedCall]] = {}
    for call in calls:
        by_case.setdefault(call.case_id, []).append(call)
    counts: Counter[tuple[str, FailureClass]] = Counter()
    examples: dict[tuple[str, FailureClass], Example] = {}
    for case in found.run.plan.cases:
        for (lane, repeat), kind in sorted(failure_classes(case, by_case.get(case.id, ())).items()):
            counts[lane, kind] += 1
            answer = places[case.id, lane, repeat].text
            examples.setdefault((lane, kind), Example(case=case.id, query=case.query, answer=answer))
    return {
        lane: tuple(
            Failures(
                kind=kind,
                count=counts[lane, kind],
                example=examples[lane, kind],
                points_to=points_to(kind, lane),
            )
            for kind in POINTS_TO
            if counts[lane, kind]
        )
        for lane in found.lanes
    }


def _rung(
    found: Measured,
    lane: str,
    below: str | None,
    verdict: Verdict,
    cost: LaneCost | None,
    failures: tuple[Failures, ...],
    answers: int,
) -> Rung:
    own = _pace(found.summary[lane])
    under = (None, None, None) if below is None else _pace(found.summary[below])
    per_answer = None if cost is None else cost.per_answer
    return Rung(
        lane=lane,
        right=verdict.rates.get(lane),
        below=below,
        gain=None if below is None else verdict.differences.get((lane, below)),
        ttft_ms=own[0],
        ttft_change_ms=_change(own[0], under[0]),
        prompt_tokens=own[1],
        prompt_tokens_change=_change(own[1], under[1]),
        completion_tokens=own[2],
        completion_tokens_change=_change(own[2], under[2]),
        cost_per_1000=None if per_answer is None else 1000 * per_answer.value,
        setup_s=None if cost is None else cost.setup.seconds,
        answers=answers,
        failures=failures,
    )


def _pace(one: LaneSummary) -> tuple[float | None, float | None, float | None]:
    """The time to the first text, tokens read, tokens written."""
    first = None if one.ttft_ms is None else one.ttft_ms.p50
    return first, one.prompt_tokens_mean, one.completion_tokens_mean


def _change(value: float | None, before: float | None) -> float | None:
    return None if value is None or before is None else value - before
