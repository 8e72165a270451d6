"""In which order chunks answer a query: by meaning, by words in common, fused, and thinned for variety.

Pure functions over a collection's chunks; what is fetched from where stands in ``__init__.py``.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backends.knowledge.documents import Chunk
from backends.scenario import RetrievalSettings

RRF_K = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009)."""
POOL = 20
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A chunk that a query may mean. Ranks count from 1; ``bm25`` and its rank are None when words were not
    looked at or have nothing in common; ``fused`` is the sum of 1 / (60 + rank) over the rankings.
    """

    chunk: Chunk
    cosine: float
    cosine_rank: int
    bm25: float | None = None
    bm25_rank: int | None = None
    fused: float = 0.0


def pool_of(settings: RetrievalSettings) -> int:
    """How many chunks of each ranking are fused, or looked at for variety: 20, or 4 k if that is more."""
    return max(POOL, 4 * settings.k)


class Keywords:
    """The chunks of a collection by their words (BM25 as Lucene has it, by ``bm25s``)."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        """Takes some milliseconds for a thousand chunks."""
        import bm25s

        self.chunks = tuple(chunks)
        words = [words_of(chunk.text) for chunk in chunks]
        self._known = {word for said in words for word in said}
        self._index = bm25s.BM25()
        if self._known:
            self._index.index(words, show_progress=False)

    def search(self, query: str, most: int) -> list[tuple[Chunk, float]]:
        """The chunks that share words with the query, best first, with their scores (above 0)."""
        words = [word for word in words_of(query) if word in self._known]
        if not words:
            return []
        scores = self._index.get_scores(words)
        best = np.argsort(-scores, kind="stable")[:most]
        return [(self.chunks[place], float(scores[place])) for place in best if scores[place] > 0]


def words_of(text: str) -> list[str]:
    """A text's words and numbers, NFKC and case folded; "HX-214" is two."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def fused(
    by_cosine: Sequence[tuple[Chunk, float]], by_words: Sequence[tuple[Chunk, float]]
) -> list[Candidate]:
    """Reciprocal rank fusion of two rankings, best first. ``by_cosine`` holds every candidate; those that
    words alone found stand at its end.
    """
    words = {chunk.id: (rank, score) for rank, (chunk, score) in enumerate(by_words, 1)}
    found = []
    for rank, (chunk, cosine) in enumerate(by_cosine, 1):
        word_rank, score = words.get(chunk.id, (None, None))
        found.append(
            Candidate(
                chunk=chunk,
                cosine=cosine,
                cosine_rank=rank,
                bm25=score,
                bm25_rank=word_rank,
                fused=1 / (RRF_K + rank) + (1 / (RRF_K + word_rank) if word_rank else 0.0),
            )
        )
    return sorted(found, key=lambda each: (-each.fused, each.cosine_rank))


def diverse(
    candidates: Sequence[Candidate],
    vectors: Mapping[str, np.ndarray],
    k: int,
    diversity: float,
    *,
    by_rank: bool,
) -> list[Candidate]:
    """The first ``k`` by maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998).

    Each next one has the largest (1 - d) relevance - d x its largest cosine to those before it. Relevance is
    the cosine to the query, or with ``by_rank`` the fused score as a share of the best one.
    """
    top = max((each.fused for each in candidates), default=1.0) or 1.0
    relevance = {each.chunk.id: each.fused / top if by_rank else each.cosine for each in candidates}
    left, taken = list(candidates), list[Candidate]()
    while left and len(taken) < k:

        def worth(each: Candidate) -> float:
            vector = vectors[each.chunk.id]
            near = max((float(vector @ vectors[one.chunk.id]) for one in taken), default=0.0)
            return (1 - diversity) * relevance[each.chunk.id] - diversity * near

        best = max(left, key=worth)
        taken.append(best)
        left.remove(best)
    return taken
