"""Documents cut and ranked as other settings would, in memory: a trial that leaves the index as it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from backends.engine.base import Engine
from backends.knowledge.documents import Chunk, Document, cut
from backends.knowledge.ingestion import embedded
from backends.knowledge.ranking import Candidate, Keywords, diverse, fused, pool_of
from backends.scenario import RetrievalSettings

SLICE = 64
"""Texts embedded between two reports: some seconds on a processor."""


def resized(settings: RetrievalSettings, chunk_tokens: int) -> RetrievalSettings:
    """The same with chunks of another size; an overlap that would not fit becomes half a chunk."""
    overlap = min(settings.chunk_overlap, chunk_tokens // 2)
    return replace(settings, chunk_tokens=chunk_tokens, chunk_overlap=overlap)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """The chunks of all documents by some settings, with their vectors (a row a chunk) and words."""

    settings: RetrievalSettings
    chunks: tuple[Chunk, ...]
    vectors: np.ndarray
    keywords: Keywords | None

    def rank(self, query: str, vector: np.ndarray, depth: int) -> list[Candidate]:
        """The ``depth`` best chunks, in the order of :meth:`backends.knowledge.Knowledge.rank`."""
        wanted, pool = self.settings, max(pool_of(self.settings), depth)
        cosines = self.vectors @ vector
        order = np.argsort(-cosines, kind="stable")
        by_words = self.keywords.search(query, pool) if self.keywords is not None else []
        named = {chunk.id for chunk, _ in by_words}
        near = [
            (self.chunks[place], float(cosines[place]))
            for rank, place in enumerate(order)
            if rank < pool or self.chunks[place].id in named
        ]
        found = fused(near, by_words)
        if not wanted.keywords:
            found.sort(key=lambda each: each.cosine_rank)
        if wanted.diversity:
            places = {chunk.id: place for place, chunk in enumerate(self.chunks)}
            vectors = {each.chunk.id: self.vectors[places[each.chunk.id]] for each in found}
            return diverse(found, vectors, depth, wanted.diversity, by_rank=wanted.keywords)
        return found[:depth]


def trial(
    documents: Sequence[Document],
    settings: RetrievalSettings,
    engine: Engine,
    known: dict[str, np.ndarray],
    report: Callable[[float], None],
) -> Trial:
    """Cut and embed all documents.

    Args:
        documents: what is to be found.
        settings: how it is cut, and ranked later.
        engine: embeds, behind all live questions, and counts tokens.
        known: vectors by text; those that are there are not embedded again, new ones are added.
        report: takes the share, in [0, 1], that is embedded.
    """
    chunks = cut(
        documents,
        chunk_tokens=settings.chunk_tokens,
        chunk_overlap=settings.chunk_overlap,
        count_tokens=engine.count_tokens,
    )
    new = [text for text in dict.fromkeys(chunk.text for chunk in chunks) if text not in known]
    for start in range(0, len(new), SLICE):
        report(start / len(new))
        texts = new[start : start + SLICE]
        known.update(zip(texts, embedded(texts, engine), strict=True))
    report(1.0)
    vectors = [known[chunk.text] for chunk in chunks]
    return Trial(
        settings=settings,
        chunks=chunks,
        vectors=np.stack(vectors) if vectors else np.empty((0, 0), dtype=np.float32),
        keywords=Keywords(chunks) if settings.keywords else None,
    )
