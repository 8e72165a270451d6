"""Retrieval: the documents of a scenario as vectors, and the passages nearest to a query.

The documents on disk are the truth; the index is a cache of them that may be lost at any time. It is checked
before its first use and built again when documents or settings changed, when a stored vector doesn't find
itself, or when its files are damaged. Vectors come from the engine, which owns the embedding model.
"""

import hashlib
import logging
import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backends.engine.base import Engine
from backends.errors import KnowledgeUnavailable, LeverError
from backends.knowledge.documents import (
    READABLE,
    Document,
    FolderState,
    content_hash,
    cut,
    document_paths,
    folder_state,
    left_out,
    read_documents,
)
from backends.knowledge.index import ChromaIndex, IndexDamaged, Stored, same_vector
from backends.scenario import Scenario
from backends.settings import settings
from backends.types import Passage

log = logging.getLogger(__name__)
_EMBED_BATCH = 16


@dataclass(frozen=True, kw_only=True)
class Retrieval:
    """Passages numbered from 1, best first, and what finding them cost, in milliseconds."""

    passages: tuple[Passage, ...]
    embed_ms: float
    retrieve_ms: float


@dataclass(frozen=True, kw_only=True)
class IndexHealth:
    """The state of one scenario's index; ``detail`` is a sentence."""

    scenario: str
    documents: int
    chunks: int
    healthy: bool
    detail: str


@dataclass(frozen=True, kw_only=True)
class _Checked:
    """An index that was found good, and the folder's state (names, times, sizes) that it was good for."""

    folder_state: FolderState
    health: IndexHealth


class Knowledge:
    """The indexes of all scenarios, under one path. Any thread may call it, except the engine's."""

    def __init__(self, path: Path) -> None:
        self.index = ChromaIndex(path)
        self._lock = threading.RLock()
        self._checked: dict[str, _Checked] = {}

    def retrieve(self, scenario: Scenario, query_text: str, engine: Engine) -> Retrieval:
        """The scenario's ``k`` nearest passages with at least its ``min_cosine``; maybe none.

        Building an index that is not there yet is not part of the times.

        Raises:
            KnowledgeUnavailable: no documents, no embedding model, or an index that can't even be rebuilt.
        """
        self.ensure_index(scenario, engine)
        vectors, embed_ms = engine.embed([query_text])
        for keep in (True, False):  # Another process may just have built it; else it is built anew.
            try:
                return self._search(scenario, vectors[0], embed_ms, engine)
            except IndexDamaged as error:
                log.warning("The index of %s broke while it was searched: %s", scenario.name, error)
                self._look_again(scenario, engine, keep=keep)
        try:
            return self._search(scenario, vectors[0], embed_ms, engine)
        except IndexDamaged as error:
            raise self._hopeless(error) from error

    def ensure_index(self, scenario: Scenario, engine: Engine) -> IndexHealth:
        """Make sure that the index is there, fits the documents and works; at once when nothing changed.

        Raises:
            KnowledgeUnavailable: as for :meth:`retrieve`.
        """
        with self._lock:
            name = _collection_name(scenario, engine)
            state = folder_state(_folder(scenario))
            checked = self._checked.get(name)
            if checked is None or checked.folder_state != state:
                checked = self._checked[name] = self._ready(scenario, engine, name, keep=True)
            return checked.health

    def rebuild(self, scenario: Scenario, engine: Engine) -> IndexHealth:
        """Build the index again from the documents, whatever is there.

        Raises:
            KnowledgeUnavailable: as for :meth:`retrieve`.
        """
        return self._look_again(scenario, engine, keep=False)

    def health(self, scenario: Scenario, engine: Engine) -> IndexHealth:
        """The state after a close look that mends what it can; what it can't is a sentence, not an error."""
        try:
            return self._look_again(scenario, engine, keep=True)
        except LeverError as error:
            documents = len(document_paths(_folder(scenario)))
            return IndexHealth(
                scenario=scenario.name, documents=documents, chunks=0, healthy=False, detail=str(error)
            )

    def _look_again(self, scenario: Scenario, engine: Engine, *, keep: bool) -> IndexHealth:
        """Check the index, however good it was before; build it anew when it is bad or not to be kept."""
        with self._lock:
            name = _collection_name(scenario, engine)
            self._checked.pop(name, None)
            checked = self._checked[name] = self._ready(scenario, engine, name, keep=keep)
            return checked.health

    def _search(self, scenario: Scenario, vector: np.ndarray, embed_ms: float, engine: Engine) -> Retrieval:
        wanted = scenario.retrieval
        started = time.perf_counter()
        hits = self.index.search(_collection_name(scenario, engine), vector, wanted.k)
        near = [hit for hit in hits if hit.cosine >= wanted.min_cosine]
        passages = tuple(
            Passage(
                number=number,
                source=hit.chunk.source,
                chunk_id=hit.chunk.id,
                text=hit.chunk.text,
                cosine=hit.cosine,
            )
            for number, hit in enumerate(near, 1)
        )
        retrieve_ms = (time.perf_counter() - started) * 1000
        return Retrieval(passages=passages, embed_ms=embed_ms, retrieve_ms=retrieve_ms)

    def _ready(self, scenario: Scenario, engine: Engine, name: str, *, keep: bool) -> _Checked:
        """Open the index, or build it when it is not to be kept; a damaged folder is moved aside, once. Other
        processes wait meanwhile.
        """
        state = folder_state(_folder(scenario))
        documents = _documents(scenario)
        try:
            with self.index.alone():
                try:
                    stored, news = self._opened(documents, scenario, engine, name, keep=keep)
                except IndexDamaged as error:
                    news = self._moved_aside(error)
                    stored, _ = self._opened(documents, scenario, engine, name, keep=False)
        except IndexDamaged as error:
            raise self._hopeless(error) from error
        except OSError as error:
            raise KnowledgeUnavailable(
                f"The index can't be written to {self.index.path}: {error.strerror or error}.",
                "Set LEVER_DATA_DIR to a folder with space that can be written to.",
            ) from error
        skipped = left_out(_folder(scenario))
        if skipped:
            news += f" Left out: {', '.join(skipped)}; only {', '.join(READABLE)} files are read."
        detail = f"{stored.documents} documents in {stored.chunks} chunks. {news}".strip()
        health = IndexHealth(
            scenario=scenario.name,
            documents=stored.documents,
            chunks=stored.chunks,
            healthy=True,
            detail=detail,
        )
        return _Checked(folder_state=state, health=health)

    def _opened(
        self, documents: tuple[Document, ...], scenario: Scenario, engine: Engine, name: str, *, keep: bool
    ) -> tuple[Stored, str]:
        """The collection that fits the documents, and a sentence when an old one had to go."""
        content = content_hash(documents)
        stored = self.index.stored(name)
        news = ""
        if stored is not None and keep:
            if stored.content == content:
                try:
                    self._verify(name, stored, engine)
                    return stored, ""
                except IndexDamaged as error:
                    news = f"The index was damaged ({error}) and was rebuilt."
                    log.warning("Index of %s: %s", scenario.name, news)
            else:
                news = "The documents changed, so the index was rebuilt."
        stored = self._build(documents, content, scenario, engine, name)
        self._verify(name, stored, engine)
        return stored, news

    def _build(
        self, documents: tuple[Document, ...], content: str, scenario: Scenario, engine: Engine, name: str
    ) -> Stored:
        chunks = cut(
            documents,
            chunk_tokens=scenario.retrieval.chunk_tokens,
            chunk_overlap=scenario.retrieval.chunk_overlap,
            count_tokens=engine.count_tokens,
        )
        texts = [chunk.text for chunk in chunks]
        batches = [texts[start : start + _EMBED_BATCH] for start in range(0, len(texts), _EMBED_BATCH)]
        vectors = np.concatenate([engine.embed(batch, background=True)[0] for batch in batches])
        stored = Stored(content=content, documents=len(documents), chunks=len(chunks))
        self.index.create(name, stored, chunks, vectors)
        return stored

    def _verify(self, name: str, stored: Stored, engine: Engine) -> None:
        """The stored vectors find themselves, and are what the embedding model gives for their texts now."""
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
        return KnowledgeUnavailable(
            f"The index can't be used even after a rebuild: {error}.",
            f"Close other copies of Lever and delete the folder {self.index.path}; documents stay untouched.",
        )


_instances: dict[Path, Knowledge] = {}


def knowledge() -> Knowledge:
    """The process's one :class:`Knowledge` for the data folder of the settings."""
    path = settings().data_dir / "chroma"
    return _instances.setdefault(path, Knowledge(path))


def _folder(scenario: Scenario) -> Path:
    return scenario.path / "knowledge"


def _documents(scenario: Scenario) -> tuple[Document, ...]:
    documents = read_documents(_folder(scenario))
    if not documents:
        raise KnowledgeUnavailable(
            f"The scenario {scenario.name} has no documents to retrieve from.",
            f"Put {', '.join(READABLE)} files into {_folder(scenario)}.",
        )
    return documents


def _collection_name(scenario: Scenario, engine: Engine) -> str:
    """Named by what makes it another index: scenario, embedder, base (its tokenizer), chunk settings."""
    base = engine.wait_ready()
    wanted = scenario.retrieval
    parts = (
        scenario.name,
        settings().embedding_model,
        base.base_hash,
        wanted.chunk_tokens,
        wanted.chunk_overlap,
    )
    digest = hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
    slug = re.sub(r"[^a-z0-9]+", "-", scenario.name.lower()).strip("-")[:40] or "scenario"
    return f"{slug}-{digest}"
