"""How well passages are found: hit rate, recall and mean reciprocal rank at k, over cases with a gold source.

Definitions: Manning, Raghavan and Schütze, Introduction to Information Retrieval (2008), chapter 8; the
reciprocal rank: Voorhees, TREC-8 Question Answering Track Report (1999). What is relevant is the document,
what is ranked are its chunks. Pure functions: whoever has the index brings the :class:`Ranked`. Settings are
compared in ``retrieval_sweep.py``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from backends.types import Passage
from compare.cases import Case
from compare.judging import gold_sources
from compare.matching import folded
from compare.statistics import CaseScores, Estimate, rate

REPORTED_KS = (1, 3, 5, 10)
LARGEST_SHARE = 10
"""At most one in so many chunks is read."""


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """What was found for one case. ``sources`` are the passages' documents, best first, as many as were asked
    for (at least the largest k that is looked at, or fewer where the index gave no more).

    ``nearest`` is the passage at rank 1, None when nothing was found. ``tokens`` are the passages' lengths in
    tokens of the base model, in the order of ``sources``; empty when they were not counted.
    """

    case: Case
    sources: tuple[str, ...]
    nearest: Passage | None
    tokens: tuple[int, ...] = ()


Score = Callable[[Ranked, int], float]
"""One case's score in [0, 1] at k; the case names a gold source."""


@dataclass(frozen=True, kw_only=True)
class AtK:
    """The three measures at one k, means over the cases in [0, 1]."""

    hit_rate: Estimate
    recall: Estimate
    mrr: Estimate


@dataclass(frozen=True, kw_only=True)
class RetrievalFigures:
    """The measures by k, in rising order; empty without a case that names a gold source.

    ``cases`` (of ``groups`` different facts) are those measured, ``without_source`` those left out, as they
    name no document. ``several`` of the cases name more than one. ``chunks`` are those of the index.
    """

    at: dict[int, AtK]
    cases: int
    groups: int
    several: int
    without_source: int
    chunks: int


def reported_ks(chunks: int, among: Sequence[int] = REPORTED_KS) -> tuple[int, ...]:
    """Those of ``among`` that are at most a tenth of the chunks, and always 1.

    With k near the number of chunks every retrieval hits, whatever it ranks first: the figure would praise
    the size of the knowledge, not the search. At a tenth, chance finds a document of one chunk one time in
    ten. k = 1 stays, as it says most about the ranking and there must be something to show.
    """
    return tuple(k for k in sorted({1, *among}) if k == 1 or 1 < k <= chunks // LARGEST_SHARE)


def hit(found: Ranked, k: int) -> float:
    """1 when a passage of a gold document is among the first k, else 0 ("success at k")."""
    return float(reciprocal_rank(found, k) > 0)


def recalled(found: Ranked, k: int) -> float:
    """Share of the gold documents of which a passage is among the first k; several chunks of one document
    count once.
    """
    gold = gold_sources(found.case)
    return len(gold & {folded(source) for source in found.sources[:k]}) / len(gold)


def reciprocal_rank(found: Ranked, k: int) -> float:
    """1 / rank of the first passage of any gold document; 0 when it is not among the first k."""
    gold = gold_sources(found.case)
    ranks = (rank for rank, source in enumerate(found.sources[:k], 1) if folded(source) in gold)
    return 1 / next(ranks, float("inf"))


def scores(ranked: Sequence[Ranked], k: int, score: Score = hit) -> tuple[CaseScores, ...]:
    """Each case's score; cases without a gold source are left out.

    Raises:
        ValueError: k is below 1.
    """
    if k < 1:
        raise ValueError(f"k must be 1 or more, not {k}")
    return tuple(
        CaseScores(case=found.case.id, group=found.case.group or found.case.id, scores=(score(found, k),))
        for found in with_gold(ranked)
    )


def hit_rate(ranked: Sequence[Ranked], k: int) -> Estimate | None:
    """Share of cases with a passage of a gold document among the first k; None without gold sources.

    Intervals of all three measures take the groups as what was observed, since nothing here is left to
    chance and the phrasings of one fact mostly hit or miss together.
    """
    return rate(scores(ranked, k), whole_groups=True)


def recall(ranked: Sequence[Ranked], k: int) -> Estimate | None:
    """Mean share of the gold documents found among the first k; with one gold document it is the hit rate."""
    return rate(scores(ranked, k, recalled), whole_groups=True)


def mrr(ranked: Sequence[Ranked], k: int) -> Estimate | None:
    """Mean reciprocal rank of the first passage of a gold document; beyond k it counts as 0."""
    return rate(scores(ranked, k, reciprocal_rank), whole_groups=True)


def measure_retrieval(ranked: Sequence[Ranked], chunks: int) -> RetrievalFigures:
    """All measures at the k that an index of so many ``chunks`` allows.

    Which cases enter is the caller's choice: ``test`` to report, ``dev`` to tune.
    """
    measured = with_gold(ranked)
    at = {}
    for k in reported_ks(chunks):
        of_hits, of_recall, of_ranks = (measure(measured, k) for measure in (hit_rate, recall, mrr))
        if of_hits is not None and of_recall is not None and of_ranks is not None:
            at[k] = AtK(hit_rate=of_hits, recall=of_recall, mrr=of_ranks)
    return RetrievalFigures(
        at=at,
        cases=len(measured),
        groups=len({found.case.group or found.case.id for found in measured}),
        several=sum(len(gold_sources(found.case)) > 1 for found in measured),
        without_source=len(ranked) - len(measured),
        chunks=chunks,
    )


def misses(ranked: Sequence[Ranked], k: int) -> tuple[Ranked, ...]:
    """The cases with a gold source of which nothing is among the first k, in the given order."""
    return tuple(found for found in with_gold(ranked) if not hit(found, k))


def with_gold(ranked: Sequence[Ranked]) -> tuple[Ranked, ...]:
    """The cases that name a gold source: only they can be measured."""
    return tuple(found for found in ranked if gold_sources(found.case))
