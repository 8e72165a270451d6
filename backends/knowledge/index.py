"""One folder of Chroma collections: create, search, check, and move aside when its files are damaged.

LlamaIndex's vector store fills and searches them. Vectors are always passed in (Chroma's default embedder
would download one) and compared by cosine. What goes wrong inside Chroma leaves as :class:`IndexDamaged`.
"""

import math
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from backends.errors import KnowledgeUnavailable
from backends.imports import load_llama_index
from backends.knowledge.documents import Chunk

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection
    from llama_index.core.schema import BaseNode

_NEAREST = 5
_SAME_VECTOR = 0.999
"""Cosine from which two vectors count as one; rounding by batch shape stays above it."""


class IndexDamaged(Exception):
    """Chroma failed, or gave back something else than was stored."""


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A chunk that was found; ``cosine`` in [-1, 1]."""

    chunk: Chunk
    cosine: float


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A collection's account of itself: hash of the documents that it was built from, what it should hold."""

    content: str
    documents: int
    chunks: int


class ChromaIndex:
    """The collections under one path. Any thread may call it; calls wait for each other.

    Other processes may use the same folder: whoever builds, checks or moves it aside does so :meth:`alone`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._client: ClientAPI | None = None
        self._folder: tuple[int, int] | None = None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes from changing the folder meanwhile; waits for one that does. A process that
        dies lets go.

        Raises:
            OSError: the lock's file can't be written beside the folder.
        """
        from filelock import FileLock

        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_name(f"{self.path.name}.lock")):
            yield

    def stored(self, name: str) -> Stored | None:
        """What the collection says of itself, None when there is none of that name."""
        with self._guarded() as client:
            if name not in {collection.name for collection in client.list_collections()}:
                return None
            told = self._collection(client, name).metadata or {}
            return Stored(
                content=str(told.get("content", "")),
                documents=int(told.get("documents", 0)),
                chunks=int(told.get("chunks", 0)),
            )

    def create(self, name: str, stored: Stored, chunks: Sequence[Chunk], vectors: np.ndarray) -> None:
        """Put chunks and their vectors (float32, a row a chunk) into a new collection, replacing an old one.

        A crash half-way leaves fewer entries than ``stored`` promises, which :meth:`verify` notices.
        """
        load_llama_index()
        from llama_index.core.schema import TextNode
        from llama_index.vector_stores.chroma import ChromaVectorStore

        nodes: list[BaseNode] = [
            TextNode(id_=chunk.id, text=chunk.text, metadata={"source": chunk.source}, embedding=row.tolist())
            for chunk, row in zip(chunks, vectors, strict=True)
        ]
        with self._guarded() as client:
            if name in {collection.name for collection in client.list_collections()}:
                client.delete_collection(name)
            collection = client.create_collection(
                name,
                embedding_function=None,
                configuration={"hnsw": {"space": "cosine"}},
                metadata={"content": stored.content, "documents": stored.documents, "chunks": stored.chunks},
            )
            store = ChromaVectorStore(chroma_collection=collection)
            size = client.get_max_batch_size()
            for start in range(0, len(nodes), size):
                store.add(nodes[start : start + size])

    def search(self, name: str, vector: np.ndarray, k: int) -> tuple[Hit, ...]:
        """The ``k`` chunks nearest to a unit vector, best first; fewer when there are fewer."""
        load_llama_index()
        from llama_index.core.vector_stores import VectorStoreQuery
        from llama_index.vector_stores.chroma import ChromaVectorStore

        with self._guarded() as client:
            store = ChromaVectorStore(chroma_collection=self._collection(client, name))
            found = store.query(VectorStoreQuery(query_embedding=vector.tolist(), similarity_top_k=k))
            return tuple(
                Hit(
                    chunk=Chunk(id=node.node_id, source=node.metadata["source"], text=node.get_content()),
                    cosine=1.0 + math.log(score),  # the store's score is exp(-distance)
                )
                for node, score in zip(found.nodes or (), found.similarities or (), strict=True)
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
        """Rename the folder, so that the next call starts an empty one; None when there was no folder."""
        with self._lock:
            self._close()
            if not self.path.exists():
                return None
            aside = self.path.with_name(f"{self.path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
            number = 1
            while aside.exists():
                number += 1
                aside = aside.with_name(f"{aside.name.partition('_')[0]}_{number}")
            return self.path.rename(aside)

    def _collection(self, client: "ClientAPI", name: str) -> "Collection":
        return client.get_collection(name, embedding_function=None)

    def _close(self) -> None:
        from chromadb.api.shared_system_client import SharedSystemClient

        self._client = None
        SharedSystemClient.clear_system_cache()

    @contextmanager
    def _guarded(self) -> Iterator["ClientAPI"]:
        with self._lock:
            try:
                if self._client is not None and self._folder != _identity(self.path):
                    self._close()  # Another process moved the folder aside, with the files that are open.
                if self._client is None:
                    self._client = _opened(self.path)
                    self._folder = _identity(self.path)
                yield self._client
            except (KeyboardInterrupt, SystemExit, OSError, MemoryError, ImportError, IndexDamaged):
                raise
            except BaseException as error:  # a panic of Chroma's Rust core is no Exception
                if not threading.main_thread().is_alive():  # Chroma's helpers stop before this thread does.
                    raise KnowledgeUnavailable("Lever is being closed.") from error
                raise IndexDamaged(f"{type(error).__name__}: {error}") from error


def same_vector(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two unit vectors are the same but for rounding; other models' vectors never are."""
    return a.shape == b.shape and float(a @ b) > _SAME_VECTOR


def _identity(path: Path) -> tuple[int, int] | None:
    """Tells a folder from another one of the same name; None when there is none."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_dev, stat.st_ino


def _opened(path: Path) -> "ClientAPI":
    load_llama_index()
    import chromadb
    from chromadb.config import Settings

    path.mkdir(parents=True, exist_ok=True)
    return chromadb.PersistentClient(path=str(path), settings=Settings(anonymized_telemetry=False))
