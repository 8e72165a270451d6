"""How well a lane cites: one lane's calls in, counts and shares with intervals out.

The unit is the case, repeats are averaged, groups are resampled together (``measures.md``, "Retrieval").
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from compare.cases import Case
from compare.citations import Reading, reading
from compare.judged import JudgedCall
from compare.judging import gold_sources
from compare.matching import folded
from compare.statistics import CaseScores, Estimate, rate


@dataclass(frozen=True, kw_only=True)
class CitationFigures:
    """One lane's citations. ``answers`` counts the finished answers that were given passages, ``citing`` all
    that cite. ``citations`` counts numbers, [1, 3] twice; so do ``invented`` (no passage has the number) and
    ``unsupported`` (the cited passages do not say what the sentence states).

    ``precision`` is the share of an answer's cited passages that are of the gold source, over answers that
    cite one: invented citations cite none and stand apart. ``recall`` is the share of cases with a gold
    source that cite it; an answer that was given no passages in a lane that looks them up counts as not
    citing it. ``grounded`` is the share of what an answer states that was given to it, over answers that
    state something. Estimates are None where nothing counts.
    """

    answers: int
    citing: int
    citations: int
    invented: int
    unsupported: int
    precision: Estimate | None
    recall: Estimate | None
    grounded: Estimate | None


def citation_figures(calls: Iterable[JudgedCall], cases: Mapping[str, Case]) -> CitationFigures | None:
    """The figures of one lane's calls; None when it neither was given passages nor cites anything."""
    done = sorted((call for call in calls if call.status == "done"), key=lambda call: call.repeat)
    read = list(zip(done, _readings(done, cases), strict=True))
    marks = [mark for _, one in read for mark in one.marks]
    given = sum(bool(call.passages) for call in done)
    if not given and not marks:
        return None
    gold = {case_id: gold_sources(case) for case_id, case in cases.items()}
    scored = [(call, _scores(call, one, gold.get(call.case_id, frozenset()))) for call, one in read]
    return CitationFigures(
        answers=given,
        citing=sum(bool(one.marks) for _, one in read),
        citations=sum(len(mark.numbers) for mark in marks),
        invented=sum(len(mark.invented) for mark in marks),
        unsupported=sum(len(mark.numbers) - len(mark.invented) for mark in marks if mark.missing),
        precision=_estimate((call, precision) for call, (precision, _) in scored),
        recall=_estimate((call, recall) for call, (_, recall) in scored) if given else None,
        grounded=_estimate((call, one.grounding.share if one.grounding else None) for call, one in read),
    )


def _readings(calls: Sequence[JudgedCall], cases: Mapping[str, Case]) -> list[Reading]:
    """Each call's answer held against its passages; equal answers to one prompt are read once."""
    known: dict[tuple[str, int, str], Reading] = {}
    found = []
    for call in calls:
        key = (call.case_id, id(call.passages), call.text)
        if key not in known:
            question = cases[call.case_id].query if call.case_id in cases else ""
            known[key] = reading(call.text, call.passages, question)
        found.append(known[key])
    return found


def _scores(call: JudgedCall, one: Reading, gold: frozenset[str]) -> tuple[float | None, float | None]:
    """(precision, recall) of one answer; None where it has none."""
    if not gold:
        return None, None
    sources = {passage.number: folded(passage.source) for passage in call.passages}
    cited = {number for mark in one.marks for number in mark.numbers} & sources.keys()
    right = sum(sources[number] in gold for number in cited)
    return (right / len(cited) if cited else None), float(right > 0)


def _estimate(scores: Iterable[tuple[JudgedCall, float | None]]) -> Estimate | None:
    """The mean over cases of what answers scored, repeats averaged."""
    by_case: dict[str, list[float]] = {}
    groups: dict[str, str] = {}
    for call, score in scores:
        if score is not None:
            by_case.setdefault(call.case_id, []).append(score)
            groups[call.case_id] = call.group
    return rate(
        [CaseScores(case=case, group=groups[case], scores=tuple(found)) for case, found in by_case.items()]
    )
