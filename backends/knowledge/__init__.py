"""Retrieval: the documents of a scenario as vectors, and the passages nearest to a query.

The index is brought in step before it is asked (``upkeep.py``: only documents that changed are embedded
again). Vectors come from the engine, which owns the embedding model.
"""

import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from backends.engine.base import Engine
from backends.errors import KnowledgeUnavailable
from backends.knowledge.account import IndexDamaged
from backends.knowledge.documents import Chunk, document_paths
from backends.knowledge.index import Hit
from backends.knowledge.ingestion import embedded
from backends.knowledge.ranking import Candidate, diverse, fused, pool_of
from backends.knowledge.upkeep import IndexHealth, Upkeep, collection_name, silent
from backends.scenario import Scenario
from backends.settings import settings
from backends.types import Gold, Passage

__all__ = ["IndexHealth", "Knowledge", "Retrieval", "knowledge"]

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Retrieval:
    """Passages numbered from 1, best first, and what finding them cost, in milliseconds."""

    passages: tuple[Passage, ...]
    embed_ms: float
    retrieve_ms: float


class Knowledge(Upkeep):
    """What is asked of the indexes of all scenarios. Any thread may ask, except the engine's."""

    def retrieve(self, scenario: Scenario, query_text: str, engine: Engine) -> Retrieval:
        """The scenario's ``k`` best passages with at least its ``min_cosine``; maybe none.

        Building an index that is not there yet is not part of the times.

        Raises:
            KnowledgeUnavailable: no documents, no embedding model, or an index that can't even be rebuilt.
        """
        self.ensure_index(scenario, engine)
        vectors, embed_ms = engine.embed([query_text])
        started = time.perf_counter()
        found = self._searched(scenario, engine, query_text, vectors[0], thorough=False)
        passages = numbered(found[: scenario.retrieval.k])
        retrieve_ms = (time.perf_counter() - started) * 1000
        return Retrieval(passages=passages, embed_ms=embed_ms, retrieve_ms=retrieve_ms)

    def gold(self, scenario: Scenario, query_text: str, gold: Gold, engine: Engine) -> Retrieval:
        """The passage of each gold source that holds the answer: one with the expected text in it if there is
        one, the nearest to question and answer among several; none without gold sources.

        Raises:
            KnowledgeUnavailable: as for :meth:`retrieve`, or a gold source is no document.
        """
        if not gold.sources:
            return Retrieval(passages=(), embed_ms=0.0, retrieve_ms=0.0)
        self.ensure_index(scenario, engine)
        vectors, embed_ms = engine.embed([f"{query_text} {gold.expected}".strip()])
        started = time.perf_counter()
        best = []
        for source in gold.sources:
            hits = self._of_source(scenario, engine, source, vectors[0])
            holding = [hit for hit in hits if _holds(hit.chunk.text, gold.expected)]
            best.append(max(holding or hits, key=lambda hit: hit.cosine))
        passages = tuple(_passage(number, hit.chunk, hit.cosine) for number, hit in enumerate(best, 1))
        retrieve_ms = (time.perf_counter() - started) * 1000
        return Retrieval(passages=passages, embed_ms=embed_ms, retrieve_ms=retrieve_ms)

    def candidates(self, scenario: Scenario, query_text: str, engine: Engine) -> tuple[Candidate, ...]:
        """All chunks that come into question, in the order that the settings give them, with the scores of
        both rankings; those that :meth:`retrieve` takes stand first.

        Raises:
            KnowledgeUnavailable: as for :meth:`retrieve`.
        """
        self.ensure_index(scenario, engine)
        vectors, _ = engine.embed([query_text])
        return tuple(self._searched(scenario, engine, query_text, vectors[0], thorough=True))

    def rank(
        self, scenario: Scenario, queries: Sequence[str], depth: int, engine: Engine
    ) -> list[tuple[Passage, ...]]:
        """For each query the ``depth`` best passages, however little they have to do with it.

        Raises:
            KnowledgeUnavailable: as for :meth:`retrieve`.
        """
        wanted = replace(scenario.retrieval, k=depth, min_cosine=-1.0)
        asked = replace(scenario, retrieval=wanted)
        self.ensure_index(asked, engine)
        vectors, pool = embedded(queries, engine), pool_of(scenario.retrieval)
        return [
            numbered(self._searched(asked, engine, query, vector, thorough=False, pool=pool)[:depth])
            for query, vector in zip(queries, vectors, strict=True)
        ]

    def _of_source(
        self, scenario: Scenario, engine: Engine, source: str, vector: np.ndarray
    ) -> tuple[Hit, ...]:
        """All chunks of one document, with their cosines."""
        names = {path.name.casefold(): path.name for path in document_paths(scenario.knowledge)}
        document, name = names.get(source.casefold()), collection_name(scenario, engine)
        hits: tuple[Hit, ...] = ()
        if document is not None:
            found = document
            hits = self._retried(scenario, engine, lambda: self.index.of_source(name, found, vector))
        if not hits:
            raise KnowledgeUnavailable(
                f"The gold source {source} is none of the documents of {scenario.name}.",
                "Add the document, or mend the case's source.",
            )
        return hits

    def _searched(
        self,
        scenario: Scenario,
        engine: Engine,
        query: str,
        vector: np.ndarray,
        *,
        thorough: bool,
        pool: int | None = None,
    ) -> list[Candidate]:
        pool = pool or pool_of(scenario.retrieval)
        return self._retried(
            scenario,
            engine,
            lambda: self._search(scenario, engine, query, vector, thorough=thorough, pool=pool),
        )

    def _retried(self, scenario: Scenario, engine: Engine, ask: Callable[[], T]) -> T:
        for keep in (True, False):  # Another process may just have built it; else it is built anew.
            try:
                return ask()
            except IndexDamaged as error:
                log.warning("The index of %s broke while it was searched: %s", scenario.name, error)
                self.look_again(scenario, engine, silent, keep=keep)
        try:
            return ask()
        except IndexDamaged as error:
            raise self.hopeless(error) from error

    def _search(
        self,
        scenario: Scenario,
        engine: Engine,
        query: str,
        vector: np.ndarray,
        *,
        thorough: bool,
        pool: int,
    ) -> list[Candidate]:
        """What comes into question with at least the wanted cosine, best first; ``pool`` chunks of each
        ranking are fused, and variety is looked for among them.
        """
        name, wanted = collection_name(scenario, engine), scenario.retrieval
        simple = not (wanted.keywords or wanted.diversity or thorough)
        depth = wanted.k if simple else max(pool, wanted.k)
        near = [(hit.chunk, hit.cosine) for hit in self.index.search(name, vector, depth)]
        by_words = self.keywords(name).search(query, depth) if wanted.keywords or thorough else []
        known = {chunk.id for chunk, _ in near}
        if others := [chunk for chunk, _ in by_words if chunk.id not in known]:
            cosines = self.index.vectors(name, [chunk.id for chunk in others]) @ vector
            near += sorted(zip(others, map(float, cosines), strict=True), key=lambda pair: -pair[1])
        found = fused(near, by_words)
        if not wanted.keywords:
            found.sort(key=lambda each: each.cosine_rank)
        found = [each for each in found if each.cosine >= wanted.min_cosine]
        if wanted.diversity:
            among = found if wanted.keywords else [each for each in found if each.chunk.id in known]
            ids = [each.chunk.id for each in among]
            vectors = dict(zip(ids, self.index.vectors(name, ids), strict=True))
            first = diverse(among, vectors, wanted.k, wanted.diversity, by_rank=wanted.keywords)
            found = first + [each for each in found if each not in first]
        return found


def numbered(found: Sequence[Candidate]) -> tuple[Passage, ...]:
    """Candidates as passages, numbered from 1 in their order."""
    return tuple(_passage(number, each.chunk, each.cosine) for number, each in enumerate(found, 1))


def _holds(text: str, expected: str) -> bool:
    """Whether a text says these words, letter case and white space aside; 4 is not in 14."""
    words = r"\s+".join(re.escape(word) for word in expected.casefold().split())
    return bool(words) and re.search(rf"(?<!\w){words}(?!\w)", text.casefold()) is not None


def _passage(number: int, chunk: Chunk, cosine: float) -> Passage:
    return Passage(number=number, source=chunk.source, chunk_id=chunk.id, text=chunk.text, cosine=cosine)


_instances: dict[tuple[Path, str], Knowledge] = {}


def knowledge() -> Knowledge:
    """The process's one :class:`Knowledge` for the data folder of the settings."""
    path, url = settings().data_dir / "chroma", settings().chroma_url
    return _instances.setdefault((path, url), Knowledge(path, url))
