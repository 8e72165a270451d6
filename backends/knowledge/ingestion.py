"""Bring a collection in step with the documents: only those that changed are cut and embedded again.

Documents go in by groups, each whole or not at all: a process that dies loses the group that it was at.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backends.engine.base import Engine
from backends.imports import load_llama_index
from backends.knowledge.documents import Chunk, Document, cut, digest_of
from backends.knowledge.index import ChromaIndex, Part, Stored
from backends.scenario import RetrievalSettings

EMBED_BATCH = 16
GROUP_CHUNKS = 256
"""Chunks after which a group is stored: some seconds of embedding on a processor."""
Report = Callable[[int, int], None]
"""Takes how many changed documents are in the index by now, and how many there are."""


@dataclass(frozen=True, kw_only=True)
class Changes:
    """In what the documents differ from what a collection holds; ``gone`` are names."""

    fresh: tuple[Document, ...]
    gone: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.fresh or self.gone)


def changes(stored: Stored, documents: Sequence[Document]) -> Changes:
    """What has to be put into a collection, or taken out of it."""
    good = {source: digest for source, (digest, _) in stored.documents.items() if source not in stored.open}
    names = {document.source for document in documents}
    return Changes(
        fresh=tuple(each for each in documents if good.get(each.source) != digest_of(each)),
        gone=tuple(sorted((stored.documents.keys() | set(stored.open)) - names)),
    )


def ingest(
    index: ChromaIndex,
    name: str,
    stored: Stored,
    found: Changes,
    settings: RetrievalSettings,
    engine: Engine,
    report: Report,
) -> Stored:
    """Carry out the changes; gives the collection's new account of itself."""
    done, planned = 0, len(found.fresh)
    report(done, planned)
    if found.gone:
        nothing = np.empty((0, 0), dtype=np.float32)
        stored = index.put(
            name, stored, Part(digests=dict.fromkeys(found.gone, None), chunks=(), vectors=nothing)
        )
    load_llama_index()  # Importing it is no work on the index.
    started = time.perf_counter()
    for documents, chunks in _groups(found.fresh, settings, engine):
        digests: Mapping[str, str | None] = {each.source: digest_of(each) for each in documents}
        vectors = embedded([chunk.text for chunk in chunks], engine)
        took = time.perf_counter() - started
        stored = index.put(name, stored, Part(digests=digests, chunks=chunks, vectors=vectors, work_s=took))
        started = time.perf_counter()
        done += len(documents)
        report(done, planned)
    return stored


def embedded(texts: Sequence[str], engine: Engine) -> np.ndarray:
    """Their vectors, a row a text, embedded behind all live questions."""
    starts = range(0, len(texts), EMBED_BATCH)
    batches = [engine.embed(texts[start : start + EMBED_BATCH], background=True)[0] for start in starts]
    return np.concatenate(batches) if batches else np.empty((0, 0), dtype=np.float32)


def _groups(
    documents: Sequence[Document], settings: RetrievalSettings, engine: Engine
) -> Iterator[tuple[list[Document], list[Chunk]]]:
    group: list[Document] = []
    chunks: list[Chunk] = []
    for document in documents:
        group.append(document)
        chunks += cut(
            [document],
            chunk_tokens=settings.chunk_tokens,
            chunk_overlap=settings.chunk_overlap,
            count_tokens=engine.count_tokens,
        )
        if len(chunks) >= GROUP_CHUNKS:
            yield group, chunks
            group, chunks = [], []
    if group:
        yield group, chunks
