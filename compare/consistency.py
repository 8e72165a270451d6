"""How alike repeats are. Repeats are stored as plain calls; groups are computed here, when somebody looks."""

import json
import string
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import comb, log
from statistics import fmean, stdev

import numpy as np

from backends.imports import load_statistics
from compare.statistics import CONFIDENCE, CaseScores, Difference, difference

SAME_MEANING = 0.90
"""Cosine from which two answers' embeddings are taken to mean the same."""
_OUTER = string.punctuation + string.whitespace + "“”‘’…"


@dataclass(frozen=True, kw_only=True)
class AnswerGroup:
    """Equal answers. ``text`` is the first one as it was written; ``members`` are positions in the given
    texts.
    """

    text: str
    members: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many answers are in it."""
        return len(self.members)


def parsed(text: str) -> str:
    """What counts as the same answer: canonical JSON, else folded case and white space without outer
    punctuation.

    Source: the parsed form of "total agreement rate" (TARa@N), Atil et al. 2024, arXiv 2408.04667.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return " ".join(text.casefold().split()).strip(_OUTER)
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def fold(texts: Sequence[str]) -> tuple[AnswerGroup, ...]:
    """Equal answers together, the largest group first, ties in order of first appearance."""
    members: dict[str, list[int]] = {}
    for position, text in enumerate(texts):
        members.setdefault(parsed(text), []).append(position)
    groups = [AnswerGroup(text=texts[places[0]], members=tuple(places)) for places in members.values()]
    return tuple(sorted(groups, key=lambda group: -group.size))


def modal_share(texts: Sequence[str]) -> float | None:
    """Share of the largest group, in (0, 1]; None without texts."""
    return fold(texts)[0].size / len(texts) if texts else None


def normalised_entropy(sizes: Sequence[int]) -> float | None:
    """Entropy of groups of equal answers over that of N different ones, in [0, 1]; None below two answers.

    0 is always the same, 1 all different.
    """
    whole = sum(sizes)
    if whole < 2:
        return None
    return -sum(size / whole * log(size / whole) for size in sizes if size) / log(whole)


def total_agreement(cases: Sequence[Sequence[str]], *, raw: bool = False) -> float | None:
    """Share of cases whose texts are all equal: TARa@N, or TARr@N by the ``raw`` texts (arXiv 2408.04667).

    Cases with fewer than two texts say nothing and don't count; None when no other is there.
    """
    repeated = [case for case in cases if len(case) > 1]
    if not repeated:
        return None
    alike = [len(set(case) if raw else {parsed(text) for text in case}) == 1 for case in repeated]
    return fmean(alike)


def lexical_agreement(texts: Sequence[str]) -> float | None:
    """Mean over all pairs of rapidfuzz's normalised Indel similarity, in [0, 1]; None below two texts."""
    return _mean_of_pairs(wording_likeness(texts)) if len(texts) > 1 else None


def wording_likeness(texts: Sequence[str]) -> np.ndarray:
    """Rapidfuzz's normalised Indel similarity of every pair, shape (texts, texts)."""
    from rapidfuzz.distance import Indel
    from rapidfuzz.process import cdist

    return cdist(texts, texts, scorer=Indel.normalized_similarity, dtype=np.float64)


def semantic_agreement(vectors: np.ndarray) -> float | None:
    """Mean cosine over all pairs of unit vectors (float, shape (texts, dimensions)); None below two."""
    return _mean_of_pairs(cosines(vectors)) if len(vectors) > 1 else None


def cosines(vectors: np.ndarray) -> np.ndarray:
    """The cosine of every pair of unit vectors, shape (texts, texts)."""
    wide = vectors.astype(np.float64)
    return np.clip(wide @ wide.T, -1.0, 1.0)


def embedding_groups(vectors: np.ndarray, threshold: float = SAME_MEANING) -> tuple[int, ...]:
    """Sizes, largest first, of the groups that pairs of at least ``threshold`` cosine connect.

    Not semantic entropy: that needs entailment (Farquhar et al., Nature 2024).
    """
    load_statistics()
    from scipy.sparse.csgraph import connected_components

    if not len(vectors):
        return ()
    _, labels = connected_components(cosines(vectors) >= threshold, directed=False)
    return tuple(sorted((int(size) for size in np.bincount(labels)), reverse=True))


def pass_at_k(n: int, passes: int, k: int) -> float | None:
    """Chance that at least one of ``k`` answers passes, from ``passes`` of ``n`` (Chen et al. 2021).

    1 - C(n - c, k) / C(n, k); None when ``k`` is more than ``n``.
    """
    return None if k > n else 1 - comb(n - passes, k) / comb(n, k)


def pass_all_k(n: int, passes: int, k: int) -> float | None:
    """pass^k: the chance that all of ``k`` answers pass, C(c, k) / C(n, k) (tau-bench 2024)."""
    return None if k > n else comb(passes, k) / comb(n, k)


def length_spread(tokens: Sequence[int]) -> float | None:
    """Coefficient of variation of completion tokens; None below two answers or when all are empty."""
    if len(tokens) < 2 or not any(tokens):
        return None
    return stdev(tokens) / fmean(tokens)


def drift(cases: Sequence[CaseScores], confidence: float = CONFIDENCE) -> Difference | None:
    """Last third of a case's repeats minus their first third, over the cases; calls are stateless: expect 0.

    None when no case has three repeats.
    """
    long = [case for case in cases if len(case.scores) >= 3]
    last = [replace(case, scores=case.scores[-(len(case.scores) // 3) :]) for case in long]
    first = [replace(case, scores=case.scores[: len(case.scores) // 3]) for case in long]
    return difference(last, first, confidence)


def _mean_of_pairs(square: np.ndarray) -> float:
    return float(square[np.triu_indices(len(square), 1)].mean())
