"""The verdict on a stored run: which of its calls count, and which are missing."""

from collections import Counter
from dataclasses import replace

from compare.comparing import LaneScores, calls_of, scores_of_answering
from compare.judged import JudgedCall
from compare.lanes import backend_of
from compare.measured import StoredRun
from compare.simultaneous import rates_together
from compare.summary import without_copies
from compare.verdict import CONTROLS, Terms, Verdict, decide, shared_confidence


def verdict_of(run: StoredRun, terms: Terms, look: int = 1) -> Verdict:
    """The verdict on a run's ``test`` cases that no adapter of the run had learnt from. A run that has not
    ended refuses: which cases were learnt from is known at its end.

    All planned calls count: what a lever spoiled by itself did not pass; what the machine lost, or what is
    not there yet, counts as lost. Repeats that are greedy copies count once. A lever that answered nothing at
    all is left out: that is no finding on it.

    Raises:
        BadInput: see :func:`compare.verdict.decide`.
    """
    calls = judged_calls(run)
    verdict = decide(
        lever_scores(run), terms, look=look, lost_share=_lost_share(run, calls), done=run.status == "done"
    )
    silent = [
        lane
        for lane in levers_of(run)
        if calls[lane] and not any(call.status == "done" for call in calls[lane])
    ]
    return replace(verdict, leaked=len(learnt(run)), silent=tuple(silent))


def meets_bar_at(run: StoredRun, lane: str, terms: Terms, levers: int) -> bool:
    """Whether a lane's own rate is shown to meet the bar as one of so many levers, though the dearer ones are
    not asked yet: so stopping there is as strict as the verdict on all of them.

    Raises:
        BadInput: see :func:`compare.verdict.decide`.
    """
    if lane not in levers_of(run) or verdict_of(run, terms).refused:
        return False
    own = rates_together({lane: lever_scores(run)[lane]}, shared_confidence(terms, levers))[lane]
    return own is not None and own.low >= terms.bar


def unfinished(run: StoredRun) -> tuple[str, ...]:
    """The run's lanes, controls too, of which calls are missing."""
    there = Counter(call.lane for call in run.calls)
    owed = len(run.plan.cases) * run.plan.repeats
    return tuple(lane for lane in run.plan.lanes if there[lane] < owed)


def levers_of(run: StoredRun) -> tuple[str, ...]:
    """The run's lanes that are no controls, in its order."""
    return tuple(lane for lane in run.plan.lanes if backend_of(lane) not in CONTROLS)


def lever_scores(run: StoredRun) -> LaneScores:
    """What a verdict rests on. A case counts if the answer of any lane could be judged, a control's too."""
    scores = scores_of_answering(judged_calls(run))
    return {lane: scores[lane] for lane in levers_of(run)}


def learnt(run: StoredRun) -> frozenset[str]:
    """The run's test cases that one of its adapters had learnt from."""
    return run.leaked & {case.id for case in run.plan.cases if case.split == "test"}


def judged_calls(run: StoredRun) -> dict[str, list[JudgedCall]]:
    """The calls that a verdict rests on, by lane; the controls' too."""
    leaked = learnt(run)
    asked = {case.id for case in run.plan.cases if case.split == "test"} - leaked
    calls = calls_of([call for call in run.calls if call.case_id in asked], run.plan.lanes)
    return {lane: without_copies(found, run.plan) for lane, found in calls.items()}


def _lost_share(run: StoredRun, calls: dict[str, list[JudgedCall]]) -> float:
    """Of the calls that the levers owe, those that neither ended well nor failed by themselves."""
    levers = levers_of(run)
    cases = sum(case.split == "test" for case in run.plan.cases) - len(learnt(run))
    owed = len(levers) * cases * (1 if run.plan.copies else run.plan.repeats)
    there = sum(call.status == "done" or call.failed_by_itself for lane in levers for call in calls[lane])
    return 1 - there / owed if owed else 0.0
