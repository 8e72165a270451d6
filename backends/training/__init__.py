"""Adapters are made here, in a process of their own, so that the engine goes on answering.

``examples.py`` reads what is to be learnt, ``supervise.py`` turns it into checked token rows, ``fit.py``
trains, ``make.py`` does all of it in order and writes the card; ``jobs.py`` is the folder through which
others start, watch, pause and take up a training. Importing this package loads no torch.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

ADAPTERS = ("lora", "lora_short", "hybrid")
"""The adapters that a scenario has: trained on the system text and the question, on the question alone, and
with the passages that its retrieval finds.
"""
Layers = Literal["all", "attention"]
Wish = Literal["go on", "pause", "stop"]
"""What people want of a running training: ``pause`` can be taken up again, ``stop`` keeps the best so far."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train; LoRA (Hu et al. 2021).

    ``rslora`` divides by the root of the rank (Kalajdzievski 2023); ``layers`` are the linear ones that
    learn; ``four_bit`` holds the base in 4 bits while training (QLoRA, Dettmers et al. 2023), on CUDA only.
    ``held_out`` is the share of examples that are not learnt from; ``gold_share`` the share of the hybrid's
    examples that come a second time with their passage among random others. Training ends when the held-out
    loss has not become lower for ``patience`` epochs (0: never); ``max_steps`` 0 takes all epochs.
    """

    epochs: int = 8
    learning_rate: float = 1e-3
    batch_size: int = 8
    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0
    rslora: bool = False
    layers: Layers = "all"
    four_bit: bool = False
    held_out: float = 0.1
    gold_share: float = 0.25
    patience: int = 3
    seed: int = 0
    max_steps: int = 0


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the optimiser: mean loss over its supervised tokens, in nats; tokens read and seconds spent
    since training began, pauses left out.
    """

    step: int
    steps: int
    epoch: float
    loss: float
    tokens: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """Mean loss over supervised tokens, in nats. ``training`` is the epoch's mean, None before the first."""

    epoch: float
    training: float | None
    held_out: float


class Watch(Protocol):
    """Follows a training and says what is wanted of it."""

    def say(self, line: str) -> None:
        """Take a line for people."""

    def step(self, step: Step) -> None:
        """Take a step of the optimiser."""

    def epoch(self, epoch: Epoch, left_s: float | None) -> None:
        """Take a measured epoch and the seconds that are left, if they can be told."""

    def wish(self) -> Wish:
        """What people want now; asked after each step."""
