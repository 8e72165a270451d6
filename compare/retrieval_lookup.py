"""What retrieval finds for cases: in a scenario's index as it is, and in chunks of other sizes.

Whoever measures (``retrieval_measures.py``, ``retrieval_sweep.py``) gets its :class:`Ranked` here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from backends.engine.base import Engine
from backends.errors import KnowledgeUnavailable
from backends.knowledge import knowledge, numbered
from backends.knowledge.documents import read_documents
from backends.knowledge.ingestion import embedded
from backends.knowledge.trial import Trial, resized, trial
from backends.scenario import RetrievalSettings, Scenario
from backends.types import Passage
from compare.cases import Case, sources_of
from compare.matching import contains
from compare.retrieval_measures import Ranked
from compare.retrieval_sweep import Setting, SweepPoint, chunk_sizes, dev_only, sweep_grid, sweep_point

BATCH = 16
"""Cases looked up between two reports."""
Report = Callable[[int, int], None]
"""Takes how many cases were looked up, and how many there are."""
SweepReport = Callable[[int, float], None]
"""Takes the chunk size that is at work, in tokens, and which share in [0, 1] of all work is done."""


def named(cases: Sequence[Case]) -> tuple[Case, ...]:
    """The cases that name a gold source: only they can be measured."""
    return tuple(case for case in cases if sources_of(case))


def setting_of(retrieval: RetrievalSettings) -> Setting:
    """The part of a scenario's settings that is swept."""
    return Setting(chunk_tokens=retrieval.chunk_tokens, k=retrieval.k)


def ranked_cases(
    scenario: Scenario, cases: Sequence[Case], depth: int, engine: Engine, report: Report
) -> list[Ranked]:
    """For each case the ``depth`` best passages of the scenario's index, by its own settings except for the
    least similarity; nothing is looked up for cases without a gold source. Tokens are not counted.

    Raises:
        KnowledgeUnavailable: see :meth:`backends.knowledge.Knowledge.rank`.
    """
    asked = named(cases)
    found: dict[str, tuple[Passage, ...]] = {}
    for start in range(0, len(asked), BATCH):
        report(start, len(asked))
        batch = asked[start : start + BATCH]
        passages = knowledge().rank(scenario, [case.query for case in batch], depth, engine)
        found.update(zip((case.id for case in batch), passages, strict=True))
    report(len(asked), len(asked))
    return [_ranked(case, found.get(case.id, ())) for case in cases]


def sweep(scenario: Scenario, cases: Sequence[Case], engine: Engine, report: SweepReport) -> list[SweepPoint]:
    """Chunk sizes and k measured on the ``dev`` cases with a gold source; none without such cases.

    The documents are cut for each chunk size in memory and ranked by a matrix product, with the scenario's
    own BM25 and diversity: no Chroma collection is made that nobody would use again. Questions, and texts
    that several sizes have in common, are embedded once.

    Where the expected answer stands in the gold document word for word, only a passage that holds it counts
    as found: any passage of the document would do for short chunks what it does not do for the answer.

    Raises:
        KnowledgeUnavailable: no documents, no embedding model, or a document that can't be read.
    """
    asked = named(dev_only(cases))
    documents = read_documents(scenario.knowledge)
    if not documents:
        raise KnowledgeUnavailable(f"The scenario {scenario.name} has no documents to retrieve from.")
    if not asked:
        return []
    present = setting_of(scenario.retrieval)
    sizes = chunk_sizes(present)
    report(sizes[0], 0.0)
    queries = embedded([case.query for case in asked], engine)
    known: dict[str, np.ndarray] = {}
    tried: dict[int, Trial] = {}
    for number, size in enumerate(sizes):

        def said(share: float, number: int = number, size: int = size) -> None:
            report(size, (number + share) / len(sizes))

        tried[size] = trial(documents, resized(scenario.retrieval, size), engine, known, said)
    told = {document.source.casefold(): document.text for document in documents}
    return _points(asked, queries, tried, present, engine, told)


def _points(
    cases: Sequence[Case],
    queries: np.ndarray,
    tried: dict[int, Trial],
    present: Setting,
    engine: Engine,
    told: Mapping[str, str],
) -> list[SweepPoint]:
    """Every setting's figures; one search a chunk size serves all its k."""
    grid = sweep_grid({size: len(one.chunks) for size, one in tried.items()}, present)
    tokens = lru_cache(maxsize=None)(engine.count_tokens)
    verbatim = {case.id: stands_verbatim(case, told) for case in cases}
    points = []
    for size, one in tried.items():
        if not one.chunks:
            continue
        ks = [setting.k for setting in grid if setting.chunk_tokens == size]
        ranked = []
        for case, vector in zip(cases, queries, strict=True):
            passages = numbered(one.rank(case.query, vector, max(ks)))
            found = _ranked(case, passages, tuple(tokens(each.text) for each in passages))
            ranked.append(_holding(found, passages) if verbatim[case.id] else found)
        of_ks = (sweep_point(Setting(chunk_tokens=size, k=k), ranked, len(one.chunks)) for k in ks)
        points += [point for point in of_ks if point is not None]
    return points


def stands_verbatim(case: Case, told: Mapping[str, str]) -> bool:
    """Whether the case has one gold document, and its text (by folded name) holds the expected answer."""
    sources = sources_of(case)
    text = told.get(sources[0].casefold(), "") if len(sources) == 1 else ""
    return bool(case.expected.strip()) and contains(text, case.expected)


def _holding(found: Ranked, passages: Sequence[Passage]) -> Ranked:
    """The same, with passages that lack the expected answer as those of no document."""
    holds = (contains(passage.text, found.case.expected) for passage in passages)
    return replace(
        found,
        sources=tuple(source if held else "" for source, held in zip(found.sources, holds, strict=True)),
    )


def _ranked(case: Case, passages: Sequence[Passage], tokens: tuple[int, ...] = ()) -> Ranked:
    return Ranked(
        case=case,
        sources=tuple(passage.source for passage in passages),
        nearest=passages[0] if passages else None,
        tokens=tokens,
    )
