"""Draw the next token of every row at once: temperature, top-k, top-p and a counter-based random number per
row.

Each row has its own 64-bit seed and its own filters, and what is drawn for it depends on nothing but its own
logits, its seed and the step, whatever else is in the batch. Top-k is applied before top-p, as in
transformers.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from backends.types import Sampling

GREEDY_BELOW = 1e-5
"""Temperatures below this would overflow a float32 softmax; they take the likeliest token, as in vLLM."""
NO_TOP_K = 2**31 - 1
"""Larger than any vocabulary: no limit."""
CANDIDATES = (64, 1024)
"""Tokens looked at before a whole vocabulary is sorted; the first is enough for nearly every nucleus."""


def uniforms(seed: int, steps: int) -> np.ndarray:
    """Uniform numbers in [0, 1), float64 of shape (steps,); element s is the first draw of ``Philox(key=seed,
    counter=s)``.

    A counter block of Philox holds four numbers, so the stream is read at every fourth
    (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
    """
    return np.random.Generator(np.random.Philox(key=seed)).random(4 * steps)[::4]


class Sampler:
    """The sampling state of a batch: one row a call, for ``steps`` tokens at most."""

    def __init__(
        self, samplings: Sequence[Sampling], seeds: Sequence[int], device: torch.device, *, steps: int
    ) -> None:
        greedy = [s.temperature < GREEDY_BELOW for s in samplings]
        draws = np.stack([uniforms(seed, steps) for seed in seeds])
        precise = torch.float32 if device.type == "mps" else torch.float64
        self._draws = torch.from_numpy(draws).to(device=device, dtype=precise)
        column = [[1.0 if g else s.temperature] for g, s in zip(greedy, samplings, strict=True)]
        self._temperature = torch.tensor(column, dtype=torch.float32, device=device)
        self._greedy = torch.tensor(greedy, device=device)
        self._top_p = torch.tensor([[min(s.top_p, 1.0)] for s in samplings], dtype=precise, device=device)
        self._top_k = torch.tensor([[s.top_k if s.top_k > 0 else NO_TOP_K] for s in samplings], device=device)
        self._plain = [s.top_p >= 1 and s.top_k <= 0 for s in samplings]
        self._greedy_rows = greedy

    def select(self, rows: Sequence[int]) -> "Sampler":
        """The sampler of these rows alone, in this order."""
        chosen = object.__new__(Sampler)
        index = torch.tensor(list(rows), device=self._draws.device)
        for name in ("_draws", "_temperature", "_greedy", "_top_p", "_top_k"):
            setattr(chosen, name, getattr(self, name)[index])
        chosen._plain = [self._plain[r] for r in rows]
        chosen._greedy_rows = [self._greedy_rows[r] for r in rows]
        return chosen

    def draw(self, logits: Tensor, step: int) -> Tensor:
        """Token ids, int64 of shape (rows,), from logits of shape (rows, vocabulary) at generation step
        ``step``.
        """
        if all(self._greedy_rows):
            return logits.argmax(-1)
        scaled = logits.float() / self._temperature
        draws = self._draws[:, step : step + 1]
        if all(self._plain):
            drawn = _by_cdf(torch.softmax(scaled, -1).to(draws.dtype), draws)
        elif not any(self._plain):
            drawn = self._filtered(scaled, draws)
        else:
            plain = torch.tensor(self._plain, device=logits.device)
            drawn = torch.empty(len(logits), dtype=torch.int64, device=logits.device)
            drawn[plain] = _by_cdf(torch.softmax(scaled[plain], -1).to(draws.dtype), draws[plain])
            rest = [row for row, is_plain in enumerate(self._plain) if not is_plain]
            drawn[~plain] = self.select(rest)._filtered(scaled[~plain], draws[~plain])
        return torch.where(self._greedy, logits.argmax(-1), drawn) if any(self._greedy_rows) else drawn

    def _filtered(self, scaled: Tensor, draws: Tensor) -> Tensor:
        """Rows with a top-k or top-p filter: the few likeliest tokens first, more where they do not hold the
        row's set.
        """
        log_total = torch.logsumexp(scaled, -1, keepdim=True)
        drawn = torch.empty(len(scaled), dtype=torch.int64, device=scaled.device)
        left, part = torch.arange(len(scaled), device=scaled.device), self
        for size in (*(c for c in CANDIDATES if c < scaled.shape[-1]), scaled.shape[-1]):
            rows = scaled if part is self else scaled[left]
            top, ids = (
                torch.topk(rows, size) if size < scaled.shape[-1] else torch.sort(rows, descending=True)
            )
            found, enough = part._nucleus(top, ids, log_total[left], draws[left], size == scaled.shape[-1])
            drawn[left] = found
            if bool(enough.all()):
                break
            short = (~enough).nonzero().flatten()
            left, part = left[short], part.select(short.tolist())
        return drawn

    def _nucleus(
        self, top: Tensor, ids: Tensor, log_total: Tensor, draws: Tensor, whole: bool
    ) -> tuple[Tensor, Tensor]:
        """Draw among sorted candidates; also whether they cover the row's whole set."""
        share = torch.exp(top - log_total).to(draws.dtype)
        rank = torch.arange(top.shape[-1], device=top.device)
        share = share.masked_fill(rank >= self._top_k, 0.0)
        summed = share.cumsum(-1)
        covered = (self._top_k <= top.shape[-1]) | whole
        wanted = self._top_p * torch.where(covered, summed[:, -1:], torch.ones_like(self._top_p))
        unlimited = self._top_k == NO_TOP_K
        enough = (covered | (unlimited & (summed[:, -1:] >= wanted))).flatten()
        kept = share.masked_fill(summed - share >= wanted, 0.0)
        return ids.gather(-1, _by_cdf(kept, draws)[:, None]).flatten(), enough


def _by_cdf(weights: Tensor, draws: Tensor) -> Tensor:
    """Inverse of each row's cumulative weights at its draw; never a token of weight zero. Shape (rows,)."""
    summed = weights.cumsum(-1)
    index = torch.searchsorted(summed, draws * summed[:, -1:], right=True).flatten()
    last = torch.where(weights > 0, torch.arange(weights.shape[-1], device=weights.device), 0).amax(-1)
    return torch.minimum(index, last)
