"""The lanes of a run against each other, and a lane against itself: what the charts of a run draw.

Several comparisons that stand beside each other hold together: with ``m`` of them each interval is at
1 - 0.05 / m (Bonferroni; ``measures.md``, "Verdict").
"""

from collections.abc import Mapping, Sequence
from statistics import median

from compare.consistency import drift, fold, wording_likeness
from compare.judged import JudgedCall
from compare.judging import CheckKind
from compare.statistics import CONFIDENCE, CaseScores, Difference, Estimate, Lead, difference, rate
from compare.summary import case_scores, judgeable_cases
from compare.takeaways import best_first
from compare.variance import VarianceSplit, split

LaneScores = Mapping[str, Sequence[CaseScores]]


def calls_of(calls: Sequence[JudgedCall], lanes: Sequence[str]) -> dict[str, list[JudgedCall]]:
    """The calls by lane, in the lanes' order."""
    found: dict[str, list[JudgedCall]] = {lane: [] for lane in lanes}
    for call in calls:
        if call.lane in found:
            found[call.lane].append(call)
    return found


def scores_of(calls: Mapping[str, Sequence[JudgedCall]], kind: CheckKind | None = None) -> LaneScores:
    """By lane: each case's passes and fails; see :func:`compare.summary.case_scores`."""
    return {lane: case_scores(found, kind) for lane, found in calls.items()}


def paired_scores_of(calls: Mapping[str, Sequence[JudgedCall]]) -> LaneScores:
    """The same for comparisons between lanes: what a lane spoiled by itself did not pass."""
    judgeable = judgeable_cases(call for found in calls.values() for call in found)
    return {lane: case_scores(found, judgeable=judgeable) for lane, found in calls.items()}


def scores_of_answering(calls: Mapping[str, Sequence[JudgedCall]]) -> dict[str, tuple[CaseScores, ...]]:
    """By lane, its scores; none for one that answered nothing, whose adapter was refused, say: that is no
    finding on its examples.
    """
    return {
        lane: tuple(scores) if any(call.status == "done" for call in calls[lane]) else ()
        for lane, scores in paired_scores_of(calls).items()
    }


def agreement_of(calls: Mapping[str, Sequence[JudgedCall]]) -> LaneScores:
    """By lane: the share of each case's most frequent answer, of cases with two finished answers or more."""
    return {lane: [_agreement(case, found) for case, found in _repeated(of)] for lane, of in calls.items()}


def likeness_of(calls: Mapping[str, Sequence[JudgedCall]]) -> LaneScores:
    """By lane: how like each answer's wording is to its case's most frequent one, repeat by repeat."""
    return {lane: [_likeness(case, found) for case, found in _repeated(of)] for lane, of in calls.items()}


def rates_of(scores: LaneScores) -> dict[str, Estimate | None]:
    """By lane: the mean over cases with its 95 % interval."""
    return {lane: rate(found) for lane, found in scores.items()}


def gains_over(baseline: str, scores: LaneScores) -> dict[str, Difference | None]:
    """Each other lane minus the baseline; the intervals hold together."""
    others = [lane for lane in scores if lane != baseline]
    confidence = together(len(others))
    return {lane: difference(scores[lane], scores[baseline], confidence) for lane in others}


def lead_of(scores: LaneScores) -> Lead | None:
    """The best lane against the one that it is least surely ahead of; None when fewer than two have scores.

    As it was picked from all, the interval is one of as many as there are pairs.
    """
    known = {lane: found for lane, found in rates_of(scores).items() if found is not None}
    pairs = len(known) * (len(known) - 1) // 2
    best = best_first(known)[0] if known else ""
    gains = {
        lane: gain
        for lane in known
        if lane != best and (gain := difference(scores[best], scores[lane], together(pairs))) is not None
    }
    if not gains:
        return None
    rival = min(gains, key=lambda lane: gains[lane].low)
    return Lead(best=best, rival=rival, gain=gains[rival])


def splits_of(scores: LaneScores) -> dict[str, VarianceSplit | None]:
    """By lane: where its scores vary."""
    return {
        lane: split([case.scores for case in found], len({case.group for case in found if case.scores}))
        for lane, found in scores.items()
    }


def drifts_of(scores: LaneScores) -> dict[str, Difference | None]:
    """By lane: the last third of a case's repeats minus the first; the intervals hold together."""
    return {lane: drift(found, together(len(scores))) for lane, found in scores.items()}


def by_repeat(scores: LaneScores, most: int = 20) -> dict[str, list[tuple[float, float, int]]]:
    """By lane: (mean place of the repeats from 1, mean score, how many) of up to ``most`` equal stretches."""
    found: dict[str, list[tuple[float, float, int]]] = {}
    for lane, cases in scores.items():
        longest = max((len(case.scores) for case in cases), default=0)
        width = -(-longest // most) if longest else 1
        stretches: list[tuple[float, float, int]] = []
        for first in range(0, longest, width):
            values = [score for case in cases for score in case.scores[first : first + width]]
            last = min(first + width, longest)
            stretches.append(((first + 1 + last) / 2, sum(values) / len(values), len(values)))
        found[lane] = stretches
    return found


def prompt_points(calls: Mapping[str, Sequence[JudgedCall]]) -> list[tuple[str, str, float, float]]:
    """(lane, case, prompt tokens, ms until the first text): the medians of each case that has both."""
    points = []
    for lane, of in calls.items():
        by_case: dict[str, list[tuple[int, float]]] = {}
        for call in of:
            tokens = call.usage.prompt_tokens if call.usage else None
            first = call.timing.ttft_ms if call.timing else None
            if call.undisturbed and tokens is not None and first is not None:
                by_case.setdefault(call.case_id, []).append((tokens, first))
        for case, found in by_case.items():
            read, waited = (median(values) for values in zip(*found, strict=True))
            points.append((lane, case, float(read), float(waited)))
    return points


def together(comparisons: int) -> float:
    """The confidence of each of so many intervals that are to hold together."""
    return 1 - (1 - CONFIDENCE) / max(1, comparisons)


def _repeated(calls: Sequence[JudgedCall]) -> list[tuple[str, list[JudgedCall]]]:
    by_case: dict[str, list[JudgedCall]] = {}
    for call in calls:
        if call.status == "done":
            by_case.setdefault(call.case_id, []).append(call)
    return [(case, found) for case, found in by_case.items() if len(found) > 1]


def _agreement(case: str, calls: Sequence[JudgedCall]) -> CaseScores:
    share = fold([call.text for call in calls])[0].size / len(calls)
    return CaseScores(case=case, group=calls[0].group, scores=(share,))


def _likeness(case: str, calls: Sequence[JudgedCall]) -> CaseScores:
    texts = [call.text for call in sorted(calls, key=lambda call: call.repeat)]
    usual = fold(texts)[0].text
    alike = wording_likeness([usual, *texts])[0, 1:]
    return CaseScores(case=case, group=calls[0].group, scores=tuple(float(value) for value in alike))
