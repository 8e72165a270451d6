"""A scenario run in figures, lane by lane: pass rate, consistency, latency, tokens."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from types import MappingProxyType

import numpy as np

from compare.citation_figures import CitationFigures, citation_figures
from compare.consistency import fold, lexical_agreement, pass_all_k, semantic_agreement, total_agreement
from compare.judged import JudgedCall
from compare.judging import CheckKind
from compare.latency import Percentiles, percentiles, tokens_per_second
from compare.plan import Plan
from compare.statistics import CaseScores, Estimate, rate

NO_VECTORS: Mapping[str, np.ndarray] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class LaneSummary:
    """One lane's figures; None where there is nothing to measure. Times are in ms.

    ``pass_rate`` counts passes and fails only; failed and unscored calls stand apart. Agreement is None for
    single answers and for greedy copies. ``pass_k`` is pass^k with k the number of repeats.
    """

    n_cases: int
    n_calls: int
    n_failed: int
    n_unscored: int
    n_groups: int
    passes: Estimate | None
    format_valid: Estimate | None
    pass_k: float | None
    tar_raw: float | None
    tar_parsed: float | None
    modal_share: float | None
    lexical_agreement: float | None
    semantic_agreement: float | None
    ttft_ms: Percentiles | None
    total_ms: Percentiles | None
    tokens_per_second: Percentiles | None
    prompt_tokens_mean: float | None
    completion_tokens_mean: float | None
    cited: CitationFigures | None


def case_scores(
    calls: Sequence[JudgedCall], kind: CheckKind | None = None, *, judgeable: Collection[str] | None = None
) -> list[CaseScores]:
    """Each case's scores, repeat by repeat: 1 passed, 0 did not; unscored and failed calls have none.

    Comparisons give ``judgeable``, the cases that could be judged for some answer of the run: there a call
    that its lane made fail, or an answer that can't be judged (no JSON where fields are asked for), did not
    pass.
    """
    by_case: dict[str, list[float]] = {}
    groups: dict[str, str] = {}
    for call in sorted(calls, key=lambda call: call.repeat):
        groups[call.case_id] = call.group
        scores = by_case.setdefault(call.case_id, [])
        outcome = call.outcome(kind)
        invalid = call.failed_by_itself or (call.status == "done" and bool(call.checks))
        if outcome != "unscored" or (judgeable is not None and call.case_id in judgeable and invalid):
            scores.append(float(outcome == "pass"))
    return [CaseScores(case=case, group=groups[case], scores=tuple(found)) for case, found in by_case.items()]


def judgeable_cases(calls: Iterable[JudgedCall]) -> frozenset[str]:
    """The cases of which some answer could be judged: what they ask for can be."""
    return frozenset(call.case_id for call in calls if call.outcome() != "unscored")


def without_copies(calls: Sequence[JudgedCall], plan: Plan) -> list[JudgedCall]:
    """All of a lane's calls; where repeats are copies, which count once, the first finished answer of each
    case, or its first call.
    """
    if not plan.copies:
        return list(calls)
    first: dict[str, JudgedCall] = {}
    for call in sorted(calls, key=lambda call: (call.status != "done", call.repeat)):
        first.setdefault(call.case_id, call)
    return list(first.values())


def summarise(
    calls: Sequence[JudgedCall], plan: Plan, vectors: Mapping[str, np.ndarray] = NO_VECTORS
) -> dict[str, LaneSummary]:
    """Every lane of the plan with its figures, in the plan's order; ``vectors`` are answers' embeddings."""
    by_lane: dict[str, list[JudgedCall]] = {lane: [] for lane in plan.lanes}
    for call in calls:
        by_lane[call.lane].append(call)
    return {lane: _lane(found, plan, vectors) for lane, found in by_lane.items()}


def _lane(calls: Sequence[JudgedCall], plan: Plan, vectors: Mapping[str, np.ndarray]) -> LaneSummary:
    repeats = plan.repeats
    done = [call for call in calls if call.status == "done"]
    judged = without_copies(calls, plan)
    scores = case_scores(judged)
    texts: dict[str, list[str]] = {}
    for call in done:
        texts.setdefault(call.case_id, []).append(call.text)
    repeated = [] if plan.copies else [found for found in texts.values() if len(found) > 1]
    full = [case.scores for case in scores if len(case.scores) == repeats]
    passed_k = [pass_all_k(repeats, round(sum(found)), repeats) for found in full]
    return LaneSummary(
        n_cases=len({call.case_id for call in calls}),
        n_calls=len(calls),
        n_failed=sum(call.status == "failed" for call in calls),
        n_unscored=sum(call.outcome() == "unscored" for call in done),
        n_groups=len({call.group for call in calls}),
        passes=rate(scores),
        format_valid=rate(case_scores(judged, "format")),
        pass_k=None if plan.once else _mean(passed_k),
        tar_raw=total_agreement(repeated, raw=True),
        tar_parsed=total_agreement(repeated),
        modal_share=_mean([fold(found)[0].size / len(found) for found in repeated]),
        lexical_agreement=_mean([lexical_agreement(found) for found in repeated]),
        semantic_agreement=_mean([_meaning(found, vectors) for found in repeated]),
        ttft_ms=_times(done, lambda call: call.timing.ttft_ms if call.timing else None),
        total_ms=_times(done, lambda call: call.timing.total_ms if call.timing else None),
        tokens_per_second=_times(done, _speed),
        prompt_tokens_mean=_mean([call.usage.prompt_tokens for call in done if call.usage]),
        completion_tokens_mean=_mean([call.usage.completion_tokens for call in done if call.usage]),
        cited=citation_figures(judged, {case.id: case for case in plan.cases}),
    )


def _meaning(texts: Sequence[str], vectors: Mapping[str, np.ndarray]) -> float | None:
    """None when one of the answers has no embedding."""
    if any(text not in vectors for text in texts):
        return None
    return semantic_agreement(np.stack([vectors[text] for text in texts]))


def _times(calls: Sequence[JudgedCall], of: Callable[[JudgedCall], float | None]) -> Percentiles | None:
    """Percentiles of what was measured; an answer that was paused for a live question says nothing."""
    by_case: dict[str, list[float]] = {}
    for call in calls:
        value = of(call)
        if value is not None and call.undisturbed:
            by_case.setdefault(call.case_id, []).append(value)
    return percentiles(list(by_case.values()))


def _speed(call: JudgedCall) -> float | None:
    return tokens_per_second(call.timing, call.usage) if call.timing and call.usage else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def summary_document(summary: Mapping[str, LaneSummary]) -> dict[str, dict[str, object]]:
    """The figures as the command line's JSON: absent ones are null, intervals [low, high]."""
    return {lane: _document(found) for lane, found in summary.items()}


def _document(found: LaneSummary) -> dict[str, object]:
    return {
        "n_cases": found.n_cases,
        "n_calls": found.n_calls,
        "n_failed": found.n_failed,
        "n_unscored": found.n_unscored,
        "n_groups": found.n_groups,
        "pass_rate": found.passes and found.passes.value,
        "pass_rate_interval": _interval(found.passes),
        "tar_raw": found.tar_raw,
        "tar_parsed": found.tar_parsed,
        "modal_share": found.modal_share,
        "semantic_agreement": found.semantic_agreement,
        "lexical_agreement": found.lexical_agreement,
        "format_valid": found.format_valid and found.format_valid.value,
        "format_valid_interval": _interval(found.format_valid),
        "pass_k": found.pass_k,
        "ttft_ms_p50": found.ttft_ms and found.ttft_ms.p50,
        "ttft_ms_p95": found.ttft_ms and found.ttft_ms.p95,
        "total_ms_p50": found.total_ms and found.total_ms.p50,
        "tokens_per_second_p50": found.tokens_per_second and found.tokens_per_second.p50,
        "prompt_tokens_mean": found.prompt_tokens_mean,
        "completion_tokens_mean": found.completion_tokens_mean,
        **_cited(found.cited),
    }


def _cited(found: CitationFigures | None) -> dict[str, object]:
    precision, recall, grounded = (
        (None, None, None) if found is None else (found.precision, found.recall, found.grounded)
    )
    return {
        "citation_precision": precision and precision.value,
        "citation_precision_interval": _interval(precision),
        "citation_recall": recall and recall.value,
        "citation_recall_interval": _interval(recall),
        "invented_citations": found and found.invented,
        "unsupported_citations": found and found.unsupported,
        "grounded": grounded and grounded.value,
        "grounded_interval": _interval(grounded),
    }


def _interval(found: Estimate | None) -> list[float] | None:
    return None if found is None else [found.low, found.high]
