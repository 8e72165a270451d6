"""Chunk sizes and k tried on the ``dev`` split. The ``test`` split stays unseen: it says afterwards what the
setting that ``retrieval_choice.py`` chooses is worth.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from compare.cases import Case
from compare.retrieval_measures import Ranked, hit, mrr, recall, reported_ks, scores, with_gold
from compare.statistics import CaseScores, Estimate, rate

CHUNK_TOKENS = (40, 70, 120, 200)
SWEEP_KS = (1, 2, 3, 5, 10)


@dataclass(frozen=True, kw_only=True, order=True)
class Setting:
    """``k`` passages of at most ``chunk_tokens`` tokens of the base model."""

    chunk_tokens: int
    k: int


@dataclass(frozen=True, kw_only=True)
class SweepPoint:
    """One setting, measured on ``dev`` cases with a gold source; ``hits`` are the cases' own.

    ``chunks`` are those of the index of this chunk size; ``prompt_tokens`` the mean tokens of the k passages
    of a question, None when they were not counted.
    """

    setting: Setting
    chunks: int
    hit_rate: Estimate
    recall: Estimate
    mrr: Estimate
    hits: tuple[CaseScores, ...]
    prompt_tokens: float | None

    @property
    def tokens_to_read(self) -> float:
        """Tokens of passages a question: as counted, else at most."""
        limit = float(self.setting.k * self.setting.chunk_tokens)
        return limit if self.prompt_tokens is None else self.prompt_tokens


def dev_only(cases: Iterable[Case]) -> tuple[Case, ...]:
    """The cases that a setting may be chosen on."""
    return tuple(case for case in cases if case.split == "dev")


def chunk_sizes(present: Setting) -> tuple[int, ...]:
    """The chunk sizes to try, in tokens, the present one among them."""
    return tuple(sorted({*CHUNK_TOKENS, present.chunk_tokens}))


def sweep_grid(chunks: Mapping[int, int], present: Setting) -> tuple[Setting, ...]:
    """The settings to measure; ``chunks`` are the index's by chunk size. k stays within a tenth of them."""
    return tuple(
        Setting(chunk_tokens=size, k=k)
        for size in sorted(chunks)
        for k in reported_ks(chunks[size], (*SWEEP_KS, present.k))
    )


def sweep_point(setting: Setting, ranked: Sequence[Ranked], chunks: int) -> SweepPoint | None:
    """One setting's figures; None when no case names a gold source.

    ``ranked`` may hold more than k passages a case, so that one retrieval serves all k of a chunk size.

    Raises:
        ValueError: a case is not of the ``dev`` split, or k is more than a tenth of the chunks.
    """
    if len(dev_only(found.case for found in ranked)) < len(ranked):
        raise ValueError("settings are chosen on the dev split only")
    k = setting.k
    if k not in reported_ks(chunks, (k,)):
        raise ValueError(f"k = {k} is more than a tenth of {chunks} chunks")
    hits = scores(ranked, k, hit)
    of_hits, of_recall, of_ranks = rate(hits, whole_groups=True), recall(ranked, k), mrr(ranked, k)
    if of_hits is None or of_recall is None or of_ranks is None:
        return None
    measured = with_gold(ranked)
    counted = all(len(found.tokens) == len(found.sources) for found in measured)
    return SweepPoint(
        setting=setting,
        chunks=chunks,
        hit_rate=of_hits,
        recall=of_recall,
        mrr=of_ranks,
        hits=hits,
        prompt_tokens=fmean(sum(found.tokens[:k]) for found in measured) if counted else None,
    )
