"""Adapters are made here: ``python -m backends.training SCENARIO`` trains all that a scenario has.

``examples.py`` reads what is to be learnt, ``supervise.py`` turns it into checked token rows, ``fit.py``
trains, ``make.py`` does all of it in order and writes the card. Importing this package loads no torch.
"""

from dataclasses import dataclass

ADAPTERS = ("lora", "lora_short", "hybrid")
"""The adapters that a scenario has: trained on the system text and the question, on the question alone, and
with the passages that its retrieval finds.
"""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train. ``max_steps`` 0 takes all epochs.

    ``held_out`` is the share of examples that are not learnt from; ``gold_share`` the share of the hybrid's
    examples that come a second time with their passage among random others.
    """

    epochs: int = 8
    learning_rate: float = 1e-3
    batch_size: int = 8
    rank: int = 16
    alpha: int = 32
    held_out: float = 0.1
    gold_share: float = 0.25
    seed: int = 0
    max_steps: int = 0


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """Mean loss over supervised tokens, in nats. ``training`` is the epoch's mean, None before the first."""

    epoch: float
    training: float | None
    held_out: float
