"""An index is kept in step with its documents, checked before it is used, and built anew when it is bad.

The documents on disk are the truth; the index is a cache of them that may be lost at any time.
"""

import hashlib
import logging
import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from backends.engine.base import Engine
from backends.errors import KnowledgeUnavailable, LeverError
from backends.knowledge.documents import (
    READABLE,
    Document,
    FolderState,
    document_paths,
    folder_state,
    left_out,
    read_documents,
)
from backends.knowledge.index import ChromaIndex, IndexDamaged, Stored, same_vector
from backends.knowledge.ingestion import Changes, Report, changes, ingest
from backends.knowledge.ranking import Keywords
from backends.scenario import Scenario
from backends.settings import settings

log = logging.getLogger(__name__)
_SHORT_S, _REST = 0.001, 100
"""A look at the files that takes longer, in seconds, is followed by a rest of so many times its length."""
_FORM = 3
"""Of what a collection holds and how documents are cut; another one is another index."""


def silent(done: int, planned: int) -> None:
    """Reports to nobody."""


@dataclass(frozen=True, kw_only=True)
class IndexHealth:
    """The state of one scenario's index; ``detail`` is a sentence, ``written_at`` UTC in ISO 8601, ``work_s``
    the seconds that went into it since it was made, 0 where that is not known.
    """

    scenario: str
    documents: int
    chunks: int
    healthy: bool
    detail: str
    written_at: str = ""
    vector_bytes: int = 0
    work_s: float = 0.0


@dataclass(kw_only=True)
class _Checked:
    """An index that was found good, and the folder's state (names, times, sizes) that it was good for.

    ``folder_ns`` is the folder's own time: whoever replaces, adds or removes a file changes it. Before
    ``rest_until`` (``time.monotonic()``) nothing else is looked at.
    """

    folder_state: FolderState
    health: IndexHealth
    folder_ns: int
    rest_until: float = 0.0
    keywords: Keywords | None = None


class Upkeep:
    """The indexes of all scenarios, under one path or on a server, and their state."""

    def __init__(self, path: Path, url: str = "") -> None:
        """``url`` is a Chroma server's; empty keeps all of it under ``path``."""
        self.index = ChromaIndex(path, url)
        self._lock = threading.RLock()
        self._checked: dict[str, _Checked] = {}

    def ensure_index(self, scenario: Scenario, engine: Engine, report: Report = silent) -> IndexHealth:
        """Make sure that the index is there, fits the documents and works; at once when nothing changed.

        Raises:
            KnowledgeUnavailable: as for :meth:`retrieve`.
        """
        name = collection_name(scenario, engine)
        checked = self._checked.get(name)  # Without the lock: others may be built meanwhile.
        if checked is not None and _unchanged(checked, scenario.knowledge):
            return checked.health
        with self._lock:
            checked = self._checked.get(name)
            if checked is None or checked.folder_state != folder_state(scenario.knowledge):
                checked = self._checked[name] = self._ready(scenario, engine, name, report, keep=True)
            return checked.health

    def current(self, scenario: Scenario, engine: Engine) -> IndexHealth | None:
        """The index's state when it was found good and no document changed since; None before that."""
        checked = self._checked.get(collection_name(scenario, engine))
        good = checked is not None and _unchanged(checked, scenario.knowledge)
        return checked.health if checked is not None and good else None

    def work_s(self, scenario: Scenario, base: str) -> float | None:
        """The seconds that went into the index as it is stored for a base model (its hash); None without a
        whole one, or where that is not known. Needs no engine and mends nothing.
        """
        if not self.index.url and not self.index.path.exists():
            return None
        try:
            stored = self.index.stored(_collection_name(scenario, base))
        except (IndexDamaged, LeverError, OSError):
            return None
        return None if stored is None or stored.open else stored.work_s or None

    def rebuild(self, scenario: Scenario, engine: Engine, report: Report = silent) -> IndexHealth:
        """Build the index again from the documents, whatever is there.

        Raises:
            KnowledgeUnavailable: as for :meth:`retrieve`.
        """
        return self.look_again(scenario, engine, report, keep=False)

    def health(self, scenario: Scenario, engine: Engine) -> IndexHealth:
        """The state after a close look that mends what it can; what it can't is a sentence, not an error."""
        try:
            return self.look_again(scenario, engine, silent, keep=True)
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
                raise self.hopeless(error) from error

    def look_again(self, scenario: Scenario, engine: Engine, report: Report, *, keep: bool) -> IndexHealth:
        """Check the index, however good it was before; build it anew when it is bad or not to be kept."""
        with self._lock:
            name = collection_name(scenario, engine)
            self._checked.pop(name, None)
            checked = self._checked[name] = self._ready(scenario, engine, name, report, keep=keep)
            return checked.health

    def keywords(self, name: str) -> Keywords:
        """A collection's chunks by their words; made at the first use after a change."""
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
        folder_ns, state = _folder_ns(scenario.knowledge), folder_state(scenario.knowledge)
        documents = _documents(scenario)
        try:
            with self.index.alone():
                try:
                    stored, news = self._in_step(documents, scenario, engine, name, report, keep=keep)
                except IndexDamaged as error:
                    news = self._moved_aside(error)
                    stored, _ = self._in_step(documents, scenario, engine, name, report, keep=False)
        except IndexDamaged as error:
            raise self.hopeless(error) from error
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
            work_s=stored.work_s,
        )
        return _Checked(folder_state=state, health=health, folder_ns=folder_ns)

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

    def hopeless(self, error: IndexDamaged) -> KnowledgeUnavailable:
        """What to say when even building it again did not help."""
        where = self.index.url or f"the folder {self.index.path}"
        return KnowledgeUnavailable(
            f"The index can't be used even after a rebuild: {error}.",
            f"Close other copies of Lever and delete what {where} keeps; documents stay untouched.",
        )


def _unchanged(checked: _Checked, folder: Path) -> bool:
    """Whether the documents are those that the index was found good for.

    Looking at thousands of files takes longer than finding passages among them: after a long look, only the
    folder's own time is looked at for a while. What Lever writes, and any editor that replaces files, changes
    it; a file that is written in place is noticed after that while, some tenths of a second.
    """
    began = time.monotonic()
    if checked.folder_ns != _folder_ns(folder):
        return checked.folder_state == folder_state(folder)
    if began < checked.rest_until:
        return True
    same = checked.folder_state == folder_state(folder)
    took = time.monotonic() - began
    if same and took > _SHORT_S:
        checked.rest_until = began + _REST * took
    return same


def _folder_ns(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


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


def collection_name(scenario: Scenario, engine: Engine) -> str:
    """Named by what makes it another index: scenario, embedder, base or what else counts its tokens,
    chunk settings.
    """
    base = engine.wait_ready()
    return _collection_name(scenario, base.base_hash or base.counted_by)


def _collection_name(scenario: Scenario, counted_by: str) -> str:
    wanted = scenario.retrieval
    parts = (
        _FORM,
        scenario.name,
        settings().embedding_model,
        counted_by,
        wanted.chunk_tokens,
        wanted.chunk_overlap,
    )
    digest = hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
    slug = re.sub(r"[^a-z0-9]+", "-", scenario.name.lower()).strip("-")[:40] or "scenario"
    return f"{slug}-{digest}"
