"""The levers that guidance speaks of, and the rows of its tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from compare.guidance_sources import Source

Lever = Literal["prompting", "better_prompt", "long_context", "retrieval", "fine_tuning", "both"]
LANES: Mapping[Lever, tuple[str, ...]] = {
    "prompting": ("zero_shot", "prompt"),
    "better_prompt": ("few_shot", "cot", "json_mode"),
    "long_context": ("long_context",),
    "retrieval": ("rag",),
    "fine_tuning": ("lora", "lora_short"),
    "both": ("hybrid",),
}
"""The backends that pull each lever, from cheap to dear."""
MUST, WANT, LEAN = 3, 2, 1
"""What a need weighs that is not met."""
UNTRAINED: tuple[Lever, ...] = ("prompting", "better_prompt", "long_context", "retrieval")
TRAINED: tuple[Lever, ...] = ("fine_tuning", "both")
READING: tuple[Lever, ...] = ("long_context", "retrieval", "both")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One of these ``answers`` states a ``need`` of some weight, which the levers in ``met_by`` meet."""

    question: str
    answers: tuple[str, ...]
    weight: int
    met_by: tuple[Lever, ...]
    need: str
    because: str
    source: Source


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One of these ``answers`` puts ``levers`` out of reach."""

    question: str
    answers: tuple[str, ...]
    levers: tuple[Lever, ...]
    because: str
    source: Source


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """Answers that can't all be met: any of the given ones to each question."""

    answers: Mapping[str, tuple[str, ...]] = field(hash=False)
    sentence: str
