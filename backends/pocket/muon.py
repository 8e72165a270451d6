"""Muon, the optimiser of Pocket's weight matrices; embeddings and norms are left to AdamW.

Unlike ``torch.optim.Muon`` it computes in float32 where bfloat16 products are slow, and matrices of one shape
together: many small products cost more time than their sums.
"""

from collections import defaultdict
from collections.abc import Callable

import torch


class Muon(torch.optim.Optimizer):
    """Momentum with an orthogonalised update (Jordan et al. 2024) of AdamW's size (Liu et al. 2025).

    ``dtype`` is the number format of the orthogonalisation alone; weights and momentum keep theirs.
    """

    def __init__(
        self,
        params: list[torch.nn.Parameter],
        lr: float,
        momentum: float = 0.95,
        decay: float = 0.05,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "decay": decay})
        self._dtype = dtype

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update every matrix once; a closure is not called."""
        for group in self.param_groups:
            alike: dict[torch.Size, list[torch.nn.Parameter]] = defaultdict(list)
            for p in group["params"]:
                alike[p.shape].append(p)
            for shape, parameters in alike.items():
                directions = torch.stack([self._direction(p, group["momentum"]) for p in parameters])
                size = group["lr"] * 0.2 * max(shape) ** 0.5
                for p, update in zip(parameters, orthogonal(directions), strict=True):
                    p.mul_(1 - group["lr"] * group["decay"])
                    p.add_(update, alpha=-size)

    def _direction(self, p: torch.nn.Parameter, momentum: float) -> torch.Tensor:
        assert p.grad is not None
        buffer = self.state[p].setdefault("momentum", torch.zeros_like(p))
        buffer.lerp_(p.grad, 1 - momentum)
        return p.grad.lerp(buffer, momentum).to(self._dtype)


def orthogonal(matrices: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """The nearest semi-orthogonal matrices, roughly: quintic Newton-Schulz iteration (Jordan et al. 2024).

    Takes and gives the shape (..., rows, columns).
    """
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.mT if tall else x
