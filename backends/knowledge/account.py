"""What a collection holds, as it says of itself, and what is put into it at once."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from backends.knowledge.documents import Chunk


class IndexDamaged(Exception):
    """Chroma failed, or gave back something else than was stored."""


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A collection's account of itself: digest and number of chunks of every document in it, by name.

    ``open`` are the documents that were being replaced when this was written: whatever is there of them may
    be half of it. ``written_at`` is UTC, ISO 8601; ``work_s`` the seconds that went into it since it was made
    (cutting, embedding, storing), 0 where older versions of Lever made it.
    """

    documents: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    open: tuple[str, ...] = ()
    written_at: str = ""
    dimensions: int = 0
    work_s: float = 0.0

    @property
    def chunks(self) -> int:
        """How many chunks it should hold."""
        return sum(count for _, count in self.documents.values())


@dataclass(frozen=True, kw_only=True)
class Part:
    """Documents that go into a collection together, in place of what is there of them: digests by name (None
    takes the document out), the chunks of all, and their vectors (float32, a row a chunk).
    """

    digests: Mapping[str, str | None]
    chunks: Sequence[Chunk]
    vectors: np.ndarray
    work_s: float = 0.0
    """What cutting and embedding them took, in seconds."""


def account(stored: Stored) -> str:
    """As one line of JSON."""
    return json.dumps(asdict(stored), sort_keys=True)


def read_account(said: str) -> Stored:
    """What :func:`account` wrote.

    Raises:
        IndexDamaged: it is something else.
    """
    try:
        told = json.loads(said)
        rows = told["documents"].items()
        return Stored(
            documents={source: (str(digest), int(count)) for source, (digest, count) in rows},
            open=tuple(told["open"]),
            written_at=str(told["written_at"]),
            dimensions=int(told["dimensions"]),
            work_s=float(told.get("work_s", 0.0)),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IndexDamaged("its account of itself can't be read") from error
