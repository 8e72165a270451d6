"""One folder of Chroma collections (or a server's): fill, search, check, and move aside when damaged.

LlamaIndex's vector store fills them; they are read as Chroma gives them, which is faster. Vectors are always
passed in (Chroma's default embedder would download one) and compared by cosine. What goes wrong inside Chroma
leaves as :class:`IndexDamaged`.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from backends.errors import KnowledgeUnavailable, LeverError
from backends.imports import load_llama_index
from backends.knowledge.account import IndexDamaged, Part, Stored, account, read_account
from backends.knowledge.client import folder_identity, is_away, local_client, no_server, server_client
from backends.knowledge.documents import Chunk

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection
    from llama_index.core.schema import BaseNode

_ACCOUNT, _SCENARIO = "lever_account", "lever_scenario"
"""Keys of a collection's metadata."""
_SOURCES_AT_ONCE = 100
PATIENCE_S = 120.0
"""How long another process may be at the index before a question says so, in seconds."""
_EFFORT = 200
"""How thoroughly the graph of neighbours is made. With Chroma's 100, one passage in some thousands that has
nothing in common with the others was never found again; with 200, none of 20,500."""
_NEAREST = 5
_SAME_VECTOR = 0.999
"""Cosine from which two vectors count as one; rounding by batch shape stays above it."""


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A chunk that was found; ``cosine`` in [-1, 1]."""

    chunk: Chunk
    cosine: float


class ChromaIndex:
    """The collections under one path, or of the Chroma server at ``url``. Any thread may call it; calls wait
    for each other.

    Other processes may use the same folder: whoever builds, checks or moves it aside does so :meth:`alone`.
    """

    def __init__(self, path: Path, url: str = "") -> None:
        self.path, self.url = path, url
        self.patience_s = PATIENCE_S
        self._lock = threading.RLock()
        self._client: ClientAPI | None = None
        self._folder: tuple[int, int] | None = None
        self._seen: dict[str, str] = {}
        """Each collection's account as this process last read or wrote it."""

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes from changing the folder meanwhile; waits for one that does, but not for ever.
        A process that dies lets go.

        Raises:
            KnowledgeUnavailable: another process is at it for longer than ``patience_s``.
            OSError: the lock's file can't be written beside the folder.
        """
        from filelock import FileLock, Timeout

        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path.with_name(f"{self.path.name}.lock"), timeout=self.patience_s)
        try:
            lock.acquire()
        except Timeout as error:
            raise KnowledgeUnavailable(
                f"Another copy of Lever holds the index for longer than {self.patience_s:g} s.",
                "Wait until it has built it, or close it.",
            ) from error
        try:
            yield
        finally:
            lock.release()

    def stored(self, name: str) -> Stored | None:
        """What the collection says of itself, None when there is none of that name."""
        with self._guarded() as client:
            if name not in {collection.name for collection in client.list_collections()}:
                return None
            found = client.get_collection(name, embedding_function=None)
            said = str((found.metadata or {}).get(_ACCOUNT, ""))
            if self._seen.get(name, said) != said and not self.url:
                self._close()  # Another process wrote: what is open here would go on finding the old.
            self._seen[name] = said
            return read_account(said)

    def create(self, name: str, scenario: str) -> Stored:
        """Make an empty collection, in place of an old one of this name."""
        with self._guarded() as client:
            if name in {collection.name for collection in client.list_collections()}:
                client.delete_collection(name)
            said = account(Stored())
            client.create_collection(
                name,
                embedding_function=None,
                configuration={"hnsw": {"space": "cosine", "ef_construction": _EFFORT}},
                metadata={_ACCOUNT: said, _SCENARIO: scenario},
            )
            self._seen[name] = said
        return Stored()

    def put(self, name: str, before: Stored, part: Part) -> Stored:
        """Replace documents; gives the collection's new account of itself.

        Nobody in this process searches meanwhile. A crash half-way leaves the documents ``open``, so that
        they are put again: what is in them by then goes first.
        """
        load_llama_index()
        from llama_index.core.schema import TextNode
        from llama_index.vector_stores.chroma import ChromaVectorStore

        started = time.perf_counter()
        nodes: list[BaseNode] = [
            TextNode(id_=chunk.id, text=chunk.text, metadata={"source": chunk.source}, embedding=row.tolist())
            for chunk, row in zip(part.chunks, part.vectors, strict=True)
        ]
        counts = Counter(chunk.source for chunk in part.chunks)
        kept = {source: told for source, told in before.documents.items() if source not in part.digests}
        new = {source: (digest, counts[source]) for source, digest in part.digests.items() if digest}
        still_open = tuple(sorted(set(before.open) - part.digests.keys()))
        now = datetime.now(UTC).isoformat(timespec="seconds")
        after = Stored(
            documents={**kept, **new},
            open=still_open,
            written_at=now,
            dimensions=part.vectors.shape[1] or before.dimensions,
        )
        with self._guarded() as client:
            collection = self._collection(client, name)
            opened = sorted({*before.open, *part.digests})
            self._tell(collection, replace(before, documents=kept, open=tuple(opened)))
            there = [source for source in part.digests if source in before.documents or source in before.open]
            for start in range(0, len(there), _SOURCES_AT_ONCE):
                some = there[start : start + _SOURCES_AT_ONCE]
                collection.delete(where={"source": {"$in": some}})  # type: ignore[dict-item]
            store = ChromaVectorStore(chroma_collection=collection)
            size = client.get_max_batch_size()
            for start in range(0, len(nodes), size):
                store.add(nodes[start : start + size])
            took = part.work_s + time.perf_counter() - started
            after = replace(after, work_s=before.work_s + took)
            self._tell(collection, after)
        return after

    def of_source(self, name: str, source: str, vector: np.ndarray) -> tuple[Hit, ...]:
        """All chunks of a document with their cosines to a unit vector, in no order that means anything."""
        with self._guarded() as client:
            collection = self._collection(client, name)
            found = collection.get(where={"source": source}, include=["documents", "embeddings"])
            told = found["embeddings"]
            rows = zip(found["ids"], found["documents"] or (), () if told is None else told, strict=True)
            return tuple(
                Hit(
                    chunk=Chunk(id=id_, source=source, text=text),
                    cosine=float(np.asarray(row, dtype=np.float32) @ vector),
                )
                for id_, text, row in rows
            )

    def texts(self, name: str) -> tuple[Chunk, ...]:
        """All chunks, in no order that means anything."""
        with self._guarded() as client:
            found = self._collection(client, name).get(include=["documents", "metadatas"])
            rows = zip(found["ids"], found["documents"] or (), found["metadatas"] or (), strict=True)
            return tuple(Chunk(id=id_, source=str(meta["source"]), text=text) for id_, text, meta in rows)

    def vectors(self, name: str, ids: Sequence[str]) -> np.ndarray:
        """The stored vectors of these chunks, float32, a row a chunk in the order of ``ids``.

        Raises:
            IndexDamaged: one of them is not there.
        """
        with self._guarded() as client:
            found = self._collection(client, name).get(ids=list(ids), include=["embeddings"])
            rows = (
                {}
                if found["embeddings"] is None
                else dict(zip(found["ids"], found["embeddings"], strict=True))
            )
            if missing := [id_ for id_ in ids if id_ not in rows]:
                raise IndexDamaged(f"the chunk {missing[0]} is gone")
            return np.asarray([rows[id_] for id_ in ids], dtype=np.float32)

    def forget(self, scenario: str) -> None:
        """Delete all collections of a scenario."""
        with self._guarded() as client:
            for collection in client.list_collections():
                if (collection.metadata or {}).get(_SCENARIO) == scenario:
                    client.delete_collection(collection.name)
                    self._seen.pop(collection.name, None)

    def _tell(self, collection: "Collection", stored: Stored) -> None:
        self._seen[collection.name] = said = account(stored)
        collection.modify(metadata={**(collection.metadata or {}), _ACCOUNT: said})

    def search(self, name: str, vector: np.ndarray, k: int) -> tuple[Hit, ...]:
        """The ``k`` chunks nearest to a unit vector, best first; fewer when there are fewer."""
        with self._guarded() as client:
            found = self._collection(client, name).query(
                query_embeddings=[vector],
                n_results=k,
                include=["documents", "metadatas", "distances"],
            )
            rows = (
                found["ids"],
                found["documents"] or [[]],
                found["metadatas"] or [[]],
                found["distances"] or [[]],
            )
            return tuple(
                Hit(chunk=Chunk(id=id_, source=str(meta["source"]), text=text), cosine=1.0 - distance)
                for id_, text, meta, distance in zip(*(row[0] for row in rows), strict=True)
            )

    def samples(self, name: str, count: int) -> tuple[tuple[Chunk, np.ndarray], ...]:
        """First, middle and last of ``count`` chunks with their stored vectors."""
        with self._guarded() as client:
            collection = self._collection(client, name)
            if collection.count() != count:
                raise IndexDamaged(f"it holds {collection.count()} chunks instead of {count}")
            samples = []
            for offset in sorted({0, count // 2, count - 1}):
                row = collection.get(limit=1, offset=offset, include=["documents", "embeddings"])
                if not row["ids"] or row["documents"] is None or row["embeddings"] is None:
                    raise IndexDamaged(f"chunk {offset} can't be read")
                chunk = Chunk(id=row["ids"][0], source="", text=row["documents"][0])
                samples.append((chunk, np.asarray(row["embeddings"][0], dtype=np.float32)))
            return tuple(samples)

    def verify(self, name: str, count: int) -> tuple[tuple[Chunk, np.ndarray], ...]:
        """Check that sampled vectors find their own chunk, and give the samples back.

        Raises:
            IndexDamaged: the number of chunks is wrong, or a stored vector does not find itself.
        """
        samples = self.samples(name, count)
        for chunk, vector in samples:
            hits = self.search(name, vector, min(_NEAREST, count))
            copies = hits and all(hit.cosine > _SAME_VECTOR for hit in hits)
            if chunk.id not in {hit.chunk.id for hit in hits} and not copies:
                raise IndexDamaged(f"the vector of {chunk.id} does not find itself")
        return samples

    def move_aside(self) -> Path | None:
        """Rename the folder, so that the next call starts an empty one; None when there was no folder, or a
        server keeps it.
        """
        with self._lock:
            self._close()
            if self.url or not self.path.exists():
                return None
            aside = self.path.with_name(f"{self.path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
            number = 1
            while aside.exists():
                number += 1
                aside = aside.with_name(f"{aside.name.partition('_')[0]}_{number}")
            return self.path.rename(aside)

    def _collection(self, client: "ClientAPI", name: str) -> "Collection":
        """The collection as this process knows it.

        Raises:
            IndexDamaged: another process changed it, and may be at it still.
        """
        collection = client.get_collection(name, embedding_function=None)
        said = str((collection.metadata or {}).get(_ACCOUNT, ""))
        if self._seen.get(name, said) != said:
            raise IndexDamaged("another copy of Lever changed it")
        return collection

    def _close(self) -> None:
        from chromadb.api.shared_system_client import SharedSystemClient

        self._client = None
        SharedSystemClient.clear_system_cache()

    @contextmanager
    def _guarded(self) -> Iterator["ClientAPI"]:
        with self._lock:
            try:
                if self._client is not None and not self.url and self._folder != folder_identity(self.path):
                    self._close()  # Another process moved the folder aside, with the files that are open.
                if self._client is None:
                    self._client = server_client(self.url) if self.url else local_client(self.path)
                    self._folder = folder_identity(self.path)
                yield self._client
            except (
                KeyboardInterrupt,
                SystemExit,
                OSError,
                MemoryError,
                ImportError,
                IndexDamaged,
                LeverError,
            ):
                raise
            except BaseException as error:  # a panic of Chroma's Rust core is no Exception
                if not threading.main_thread().is_alive():  # Chroma's helpers stop before this thread does.
                    raise KnowledgeUnavailable("Lever is being closed.") from error
                if self.url and is_away(error):
                    self._close()
                    raise no_server(self.url, error) from error
                raise IndexDamaged(f"{type(error).__name__}: {error}") from error


def same_vector(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two unit vectors are the same but for rounding; other models' vectors never are."""
    return a.shape == b.shape and float(a @ b) > _SAME_VECTOR
