"""What guides and papers claim of each lever, in our own words, each with where it is said."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from compare.guidance_levers import Lever
from compare.guidance_sources import (
    ANTHROPIC_PROMPTS,
    ANTHROPIC_RETRIEVAL,
    BALAGUER,
    COGNIVAL,
    COHERE_FORMATS,
    GEKHMAN,
    HUGGING_FACE_LORA,
    LEWIS,
    MICROSOFT_STRATEGIES,
    MICROSOFT_TUNING,
    OPENAI_ACCURACY,
    OPENAI_LATENCY,
    OPENAI_MODELS,
    OPENAI_TALK,
    OPENAI_TUNING,
    OVADIA,
    Source,
)

Aspect = Literal["setup", "cost", "latency", "freshness", "consistency", "style", "expertise"]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One sentence without its full stop, and who says it."""

    text: str
    source: Source


ASPECTS: Mapping[Aspect, tuple[str, str]] = {
    "setup": ("Setup time", "What has to be built before the first answer"),
    "cost": ("Ongoing cost", "What 1,000 answers cost"),
    "latency": ("Latency", "How much later the first word comes than by prompting, in the median"),
    "freshness": ("Freshness", "Whether it is right again after a fact changed"),
    "consistency": ("Consistency", "Questions answered alike each time"),
    "style": ("Style", "Answers that keep the form asked for"),
    "expertise": ("Expertise", "Answers whose content is right"),
}
"""By aspect its name, and what is measured of it."""


def _of(source: Source, text: str) -> Claim:
    return Claim(text=text, source=source)


CLAIMS: Mapping[Aspect, Mapping[Lever, Claim]] = {
    "setup": {
        "prompting": _of(ANTHROPIC_PROMPTS, "Minutes: text that is tried at once"),
        "better_prompt": _of(ANTHROPIC_PROMPTS, "Minutes, and a few worked examples"),
        "long_context": _of(ANTHROPIC_RETRIEVAL, "Nothing to build below 200,000 tokens"),
        "retrieval": _of(ANTHROPIC_RETRIEVAL, "Documents have to be cut, embedded and indexed"),
        "fine_tuning": _of(ANTHROPIC_PROMPTS, "Hours or days, and labelled examples first"),
        "both": _of(MICROSOFT_STRATEGIES, "The work of both"),
    },
    "cost": {
        "prompting": _of(MICROSOFT_STRATEGIES, "Low: the tokens of each answer"),
        "better_prompt": _of(MICROSOFT_TUNING, "Examples make every prompt longer"),
        "long_context": _of(ANTHROPIC_RETRIEVAL, "All text in every prompt; caching saves up to 90 %"),
        "retrieval": _of(COGNIVAL, "A search and longer prompts for every answer"),
        "fine_tuning": _of(MICROSOFT_TUNING, "Shorter prompts, but training and hosting"),
        "both": _of(MICROSOFT_STRATEGIES, "The cost of both"),
    },
    "latency": {
        "prompting": _of(OPENAI_LATENCY, "Grows with the tokens to be read"),
        "better_prompt": _of(MICROSOFT_TUNING, "Long prompts of examples are slower"),
        "long_context": _of(ANTHROPIC_RETRIEVAL, "Slow; caching more than halves it"),
        "retrieval": _of(COGNIVAL, "100 to 500 ms more for the search"),
        "fine_tuning": _of(HUGGING_FACE_LORA, "No delay, once it is merged into the base"),
        "both": _of(COGNIVAL, "100 to 500 ms more for the search"),
    },
    "freshness": {
        "prompting": _of(OPENAI_ACCURACY, "Ends where the base model's training ended"),
        "better_prompt": _of(OPENAI_ACCURACY, "Ends where the base model's training ended"),
        "long_context": _of(ANTHROPIC_RETRIEVAL, "As new as the text in the prompt"),
        "retrieval": _of(LEWIS, "Current as soon as the index is exchanged"),
        "fine_tuning": _of(MICROSOFT_TUNING, "Stale until it is trained again"),
        "both": _of(LEWIS, "Current as soon as the index is exchanged"),
    },
    "consistency": {
        "prompting": _of(OPENAI_MODELS, "Differs from call to call"),
        "better_prompt": _of(COHERE_FORMATS, "A schema makes the format certain"),
        "long_context": _of(OPENAI_MODELS, "Differs from call to call"),
        "retrieval": _of(OPENAI_ACCURACY, "Improves what is known, not how it behaves"),
        "fine_tuning": _of(OPENAI_TUNING, "Behaves more reliably"),
        "both": _of(OPENAI_TUNING, "Behaves more reliably"),
    },
    "style": {
        "prompting": _of(OPENAI_TALK, "Can't keep a complex style reliably"),
        "better_prompt": _of(MICROSOFT_TUNING, "Examples show it, up to a point"),
        "long_context": _of(OPENAI_ACCURACY, "Brings facts, not style"),
        "retrieval": _of(OPENAI_ACCURACY, "Brings facts, not style"),
        "fine_tuning": _of(MICROSOFT_STRATEGIES, "What it is for: format, style, tone"),
        "both": _of(MICROSOFT_STRATEGIES, "What it is for: format, style, tone"),
    },
    "expertise": {
        "prompting": _of(MICROSOFT_STRATEGIES, "Only what the base model knows"),
        "better_prompt": _of(ANTHROPIC_PROMPTS, "Context in the prompt adapts it to a domain"),
        "long_context": _of(ANTHROPIC_RETRIEVAL, "All your facts, if they fit"),
        "retrieval": _of(OVADIA, "Best for facts, known and new"),
        "fine_tuning": _of(GEKHMAN, "Slow to learn new facts, then invents more"),
        "both": _of(BALAGUER, "They add up: 6 points by training, 5 more by retrieval"),
    },
}
