"""Retrieval: the documents of a scenario as vectors, and the passages nearest to a query.

The documents on disk are the truth; the index is a cache of them that may be lost at any time. It is checked
before its first use, brought in step when documents changed (only those are embedded again), and built anew
when a stored vector doesn't find itself or its files are damaged. Vectors come from the engine, which owns
the embedding model.
"""

import hashlib
import logging
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from backends.engine.base import Engine
from backends.errors import KnowledgeUnavailable, LeverError
from backends.knowledge.documents import (
    READABLE,
    Chunk,
    Document,
    FolderState,
    document_paths,
    folder_state,
    left_out,
    read_documents,
)
from backends.knowledge.index import ChromaIndex, Hit, IndexDamaged, Stored, same_vector
from backends.knowledge.ingestion import Changes, Report, changes, embedded, ingest
from backends.knowledge.ranking import POOL, Candidate, Keywords, diverse, fused
from backends.scenario import Scenario
from backends.settings import settings
from backends.types import Gold, Passage

log = logging.getLogger(__name__)
_FORM = 2
"""Of what a collection holds and how documents are cut; another one is another index."""


def _silent(done: int, planned: int) -> None:
    """Reports to nobody."""


@dataclass(frozen=True, kw_only=True)
class Retrieval:
    """Passages numbered from 1, best first, and what finding them cost, in milliseconds."""

    passages: tuple[Passage, ...]
    embed_ms: float
    retrieve_ms: float


@dataclass(frozen=True, kw_only=True)
class IndexHealth:
    """The state of one scenario's index; ``detail`` is a sentence, ``written_at`` UTC in ISO 8601."""

    scenario: str
    documents: int
    chunks: int
    healthy: bool
    detail: str
    written_at: str = ""
    vector_bytes: int = 0


@dataclass(kw_only=True)
class _Checked:
    """An index that was found good, and the folder's state (names, times, sizes) that it was good for."""

    folder_state: FolderState
    health: IndexHealth
    keywords: Keywords | None = None


class Knowledge:
    """The indexes of all scenarios, under one path or on a server. Any thread may call it, except the
    engine's.
    """

    def __init__(self, path: Path, url: str = "") -> None:
        """``url`` is a Chroma server's; empty keeps all of it under ``path``."""
        self.index = ChromaIndex(path, url)
        self._lock = threading.RLock()
        self._checked: dict[str, _Checked] = {}

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
        one, the nearest to question and answer among several; the case's own context in their place.

        Raises:
            KnowledgeUnavailable: as for :meth:`retrieve`, or a gold source is no document.
        """
        if gold.context:
            own = Passage(number=1, source="context", chunk_id="context", text=gold.context, cosine=None)
            return Retrieval(passages=(own,), embed_ms=0.0, retrieve_ms=0.0)
        if not gold.sources:
            return Retrieval(passages=(), embed_ms=0.0, retrieve_ms=0.0)
        self.ensure_index(scenario, engine)
        vectors, embed_ms = engine.embed([f"{query_text} {gold.expected}".strip()])
        started = time.perf_counter()
        best = []
        for source in gold.sources:
            hits = self._of_source(scenario, engine, source, vectors[0])
            wanted = " ".join(gold.expected.casefold().split())
            holding = [hit for hit in hits if wanted and wanted in hit.chunk.text.casefold()]
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
        vectors = embedded(queries, engine)
        return [
            numbered(self._searched(asked, engine, query, vector, thorough=False)[:depth])
            for query, vector in zip(queries, vectors, strict=True)
        ]

    def ensure_index(self, scenario: Scenario, engine: Engine, report: Report = _silent) -> IndexHealth:
        """Make sure that the index is there, fits the documents and works; at once when nothing changed.

        Raises:
            KnowledgeUnavailable: as for :meth:`retrieve`.
        """
        name = _collection_name(scenario, engine)
        state = folder_state(scenario.knowledge)
        checked = self._checked.get(name)  # Without the lock: others may be built meanwhile.
        if checked is not None and checked.folder_state == state:
            return checked.health
        with self._lock:
            checked = self._checked.get(name)
            if checked is None or checked.folder_state != state:
                checked = self._checked[name] = self._ready(scenario, engine, name, report, keep=True)
            return checked.health

    def is_current(self, scenario: Scenario, engine: Engine) -> bool:
        """Whether the index was found good, and no document changed since."""
        checked = self._checked.get(_collection_name(scenario, engine))
        return checked is not None and checked.folder_state == folder_state(scenario.knowledge)

    def rebuild(self, scenario: Scenario, engine: Engine, report: Report = _silent) -> IndexHealth:
        """Build the index again from the documents, whatever is there.

        Raises:
            KnowledgeUnavailable: as for :meth:`retrieve`.
        """
        return self._look_again(scenario, engine, report, keep=False)

    def health(self, scenario: Scenario, engine: Engine) -> IndexHealth:
        """The state after a close look that mends what it can; what it can't is a sentence, not an error."""
        try:
            return self._look_again(scenario, engine, _silent, keep=True)
        except LeverError as error:
            documents = len(document_paths(scenario.knowledge))
            return IndexHealth(
                scenario=scenario.name, documents=documents, chunks=0, healthy=False, detail=str(error)
            )

    def forget(self, scenario: str) -> None:
        """Delete what is kept of a scenario's documents.

        Raises:
            KnowledgeUnavailable: the index can't be opened.
        """
        with self._lock:
            self._checked.clear()
            try:
                self.index.forget(scenario)
            except IndexDamaged as error:
                raise self._hopeless(error) from error

    def _look_again(self, scenario: Scenario, engine: Engine, report: Report, *, keep: bool) -> IndexHealth:
        """Check the index, however good it was before; build it anew when it is bad or not to be kept."""
        with self._lock:
            name = _collection_name(scenario, engine)
            self._checked.pop(name, None)
            checked = self._checked[name] = self._ready(scenario, engine, name, report, keep=keep)
            return checked.health

    def _of_source(
        self, scenario: Scenario, engine: Engine, source: str, vector: np.ndarray
    ) -> tuple[Hit, ...]:
        """All chunks of one document, with their cosines."""
        names = {path.name.casefold(): path.name for path in document_paths(scenario.knowledge)}
        name = names.get(source.casefold())
        try:
            hits = (
                () if name is None else self.index.of_source(_collection_name(scenario, engine), name, vector)
            )
        except IndexDamaged as error:
            raise self._hopeless(error) from error
        if not hits:
            raise KnowledgeUnavailable(
                f"The gold source {source} is none of the documents of {scenario.name}.",
                "Add the document, or mend the case's source.",
            )
        return hits

    def _searched(
        self, scenario: Scenario, engine: Engine, query: str, vector: np.ndarray, *, thorough: bool
    ) -> list[Candidate]:
        for keep in (True, False):  # Another process may just have built it; else it is built anew.
            try:
                return self._search(scenario, engine, query, vector, thorough=thorough)
            except IndexDamaged as error:
                log.warning("The index of %s broke while it was searched: %s", scenario.name, error)
                self._look_again(scenario, engine, _silent, keep=keep)
        try:
            return self._search(scenario, engine, query, vector, thorough=thorough)
        except IndexDamaged as error:
            raise self._hopeless(error) from error

    def _search(
        self, scenario: Scenario, engine: Engine, query: str, vector: np.ndarray, *, thorough: bool
    ) -> list[Candidate]:
        """What comes into question with at least the wanted cosine, best first."""
        name, wanted = _collection_name(scenario, engine), scenario.retrieval
        simple = not (wanted.keywords or wanted.diversity or thorough)
        depth = wanted.k if simple else max(POOL, 4 * wanted.k)
        near = [(hit.chunk, hit.cosine) for hit in self.index.search(name, vector, depth)]
        by_words = self._keywords(name).search(query, depth) if wanted.keywords or thorough else []
        known = {chunk.id for chunk, _ in near}
        if others := [chunk for chunk, _ in by_words if chunk.id not in known]:
            cosines = self.index.vectors(name, [chunk.id for chunk in others]) @ vector
            near += sorted(zip(others, map(float, cosines), strict=True), key=lambda pair: -pair[1])
        found = fused(near, by_words)
        if not wanted.keywords:
            found.sort(key=lambda each: each.cosine_rank)
        found = [each for each in found if each.cosine >= wanted.min_cosine]
        if wanted.diversity:
            pool = found if wanted.keywords else [each for each in found if each.chunk.id in known]
            ids = [each.chunk.id for each in pool]
            vectors = dict(zip(ids, self.index.vectors(name, ids), strict=True))
            first = diverse(pool, vectors, wanted.k, wanted.diversity, by_rank=wanted.keywords)
            found = first + [each for each in found if each not in first]
        return found

    def _keywords(self, name: str) -> Keywords:
        checked = self._checked.get(name)
        if checked is None:  # It is being looked at again this moment.
            return Keywords(self.index.texts(name))
        if checked.keywords is None:
            checked.keywords = Keywords(self.index.texts(name))
        return checked.keywords

    def _ready(
        self, scenario: Scenario, engine: Engine, name: str, report: Report, *, keep: bool
    ) -> _Checked:
        """Open the index and bring it in step, or build it when it is not to be kept; a damaged folder is
        moved aside, once. Other processes wait meanwhile.
        """
        state = folder_state(scenario.knowledge)
        documents = _documents(scenario)
        try:
            with self.index.alone():
                try:
                    stored, news = self._in_step(documents, scenario, engine, name, report, keep=keep)
                except IndexDamaged as error:
                    news = self._moved_aside(error)
                    stored, _ = self._in_step(documents, scenario, engine, name, report, keep=False)
        except IndexDamaged as error:
            raise self._hopeless(error) from error
        except OSError as error:
            raise KnowledgeUnavailable(
                f"The index can't be written to {self.index.path}: {error.strerror or error}.",
                "Set LEVER_DATA_DIR to a folder with space that can be written to.",
            ) from error
        skipped = left_out(scenario.knowledge)
        if skipped:
            news += f" Left out: {', '.join(skipped)}; only {', '.join(READABLE)} files are read."
        said = f"{len(stored.documents)} documents in {stored.chunks} chunks."
        health = IndexHealth(
            scenario=scenario.name,
            documents=len(stored.documents),
            chunks=stored.chunks,
            healthy=True,
            detail=f"{said} {news}".strip(),
            written_at=stored.written_at,
            vector_bytes=stored.chunks * stored.dimensions * 4,
        )
        return _Checked(folder_state=state, health=health)

    def _in_step(
        self,
        documents: tuple[Document, ...],
        scenario: Scenario,
        engine: Engine,
        name: str,
        report: Report,
        *,
        keep: bool,
    ) -> tuple[Stored, str]:
        """The collection with just these documents in it, and a sentence on what had to be done to one that
        was there.
        """
        news = ""
        if keep:
            try:
                stored = self.index.stored(name)
                if stored is not None:
                    found = changes(stored, documents)
                    stored = ingest(self.index, name, stored, found, scenario.retrieval, engine, report)
                    self._verify(name, stored, engine)
                    return stored, f"Documents changed: {_counted(found)}." if found else ""
            except IndexDamaged as error:
                news = f"The index was damaged ({error}) and was rebuilt."
                log.warning("Index of %s: %s", scenario.name, news)
        stored = self.index.create(name, scenario.name)
        found = changes(stored, documents)
        stored = ingest(self.index, name, stored, found, scenario.retrieval, engine, report)
        self._verify(name, stored, engine)
        return stored, news

    def _verify(self, name: str, stored: Stored, engine: Engine) -> None:
        """The stored vectors find themselves, and are what the embedding model gives for their texts now."""
        if not stored.chunks:
            raise KnowledgeUnavailable(
                "The documents hold no sentence to find.", "Write something into them."
            )
        samples = self.index.verify(name, stored.chunks)
        fresh, _ = engine.embed([chunk.text for chunk, _ in samples])
        for (chunk, vector), again in zip(samples, fresh, strict=True):
            if not same_vector(vector, again):
                raise IndexDamaged(f"the vector of {chunk.id} is not the embedding model's")

    def _moved_aside(self, error: IndexDamaged) -> str:
        self._checked.clear()
        aside = self.index.move_aside()
        news = f"The index was damaged; it was moved to {aside.name} and rebuilt." if aside else "Rebuilt."
        log.warning("%s (%s)", news, error)
        return news

    def _hopeless(self, error: IndexDamaged) -> KnowledgeUnavailable:
        where = self.index.url or f"the folder {self.index.path}"
        return KnowledgeUnavailable(
            f"The index can't be used even after a rebuild: {error}.",
            f"Close other copies of Lever and delete what {where} keeps; documents stay untouched.",
        )


def numbered(found: Sequence[Candidate]) -> tuple[Passage, ...]:
    """Candidates as passages, numbered from 1 in their order."""
    return tuple(_passage(number, each.chunk, each.cosine) for number, each in enumerate(found, 1))


def _passage(number: int, chunk: Chunk, cosine: float) -> Passage:
    return Passage(number=number, source=chunk.source, chunk_id=chunk.id, text=chunk.text, cosine=cosine)


_instances: dict[tuple[Path, str], Knowledge] = {}


def knowledge() -> Knowledge:
    """The process's one :class:`Knowledge` for the data folder of the settings."""
    path, url = settings().data_dir / "chroma", settings().chroma_url
    return _instances.setdefault((path, url), Knowledge(path, url))


def _documents(scenario: Scenario) -> tuple[Document, ...]:
    documents = read_documents(scenario.knowledge)
    if not documents:
        raise KnowledgeUnavailable(
            f"The scenario {scenario.name} has no documents to retrieve from.",
            f"Put {', '.join(READABLE)} files into {scenario.knowledge}.",
        )
    return documents


def _counted(found: Changes) -> str:
    """What changed, as "1 new or edited, 2 removed"."""
    parts = ((len(found.fresh), "new or edited"), (len(found.gone), "removed"))
    return ", ".join(f"{many:,} {how}" for many, how in parts if many)


def _collection_name(scenario: Scenario, engine: Engine) -> str:
    """Named by what makes it another index: scenario, embedder, base (its tokenizer), chunk settings."""
    base = engine.wait_ready()
    wanted = scenario.retrieval
    parts = (
        _FORM,
        scenario.name,
        settings().embedding_model,
        base.base_hash,
        wanted.chunk_tokens,
        wanted.chunk_overlap,
    )
    digest = hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
    slug = re.sub(r"[^a-z0-9]+", "-", scenario.name.lower()).strip("-")[:40] or "scenario"
    return f"{slug}-{digest}"
