"""What every check has in common: what it judges, what it answers, and why it may not be able to.

``compare/checks.py`` is the way in; the checks themselves stand in ``text_checks.py`` and ``form_checks.py``.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal, Protocol, Self

import numpy as np

from backends.scenario import Scenario
from backends.types import Passage
from compare.cases import Case, sources_of
from compare.matching import folded

CheckKind = Literal["content", "format"]
"""Content: is it right? Format: has it the right form? The two are counted apart."""
CheckOutcome = Literal["pass", "fail", "unscored"]


def combined(outcomes: Iterable[CheckOutcome]) -> CheckOutcome:
    """Of several checks: a fail fails all, an unscored one leaves it open; none at all is unscored."""
    found = set(outcomes)
    return "fail" if "fail" in found else "pass" if found == {"pass"} else "unscored"


Embed = Callable[[Sequence[str]], np.ndarray]
"""Texts to unit vectors, float32 of shape (texts, dimensions)."""


class BadCheck(ValueError):
    """A check that can't be understood; the text says why."""


class CannotJudge(Exception):
    """A check found nothing that it could judge: ``unscored``; the text says why."""


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What one check found. ``reason`` is a short sentence for a person; ``unscored`` counts neither way."""

    name: str
    kind: CheckKind
    result: CheckOutcome
    reason: str


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is judged: the answer's text with its case, its passages and its scenario."""

    text: str
    case: Case
    passages: tuple[Passage, ...]
    scenario: Scenario
    embed: Embed | None = None
    """Gives sentence embeddings, or None where there is no model for them."""

    @cached_property
    def parsed(self) -> tuple[object, str]:
        """The answer as JSON and an empty text, or None and why it is none. Nothing may stand around it."""
        return strict_json(self.text)

    def sibling_labels(self, label: str) -> tuple[str, ...]:
        """The choices ("enum") of the scenario's schema among which ``label`` stands."""
        schema, _ = strict_json(self.scenario.schema or "null")
        return tuple(text for choices in _enums(schema) if label in choices for text in choices)


class Check(Protocol):
    """A parsed check; a small frozen class each."""

    name: ClassVar[str]
    """How cells name it."""

    @property
    def kind(self) -> CheckKind:
        """Content or format."""

    @classmethod
    def parse(cls, argument: str) -> Self:
        """Read what stands behind the colon; the check's class says how.

        Raises:
            BadCheck: it can't be understood.
        """

    def judge(self, subject: Subject) -> tuple[bool, str]:
        """Whether one answer passes, and why.

        Raises:
            CannotJudge: it is unscored.
        """


class NoArgument:
    """What the checks without an argument share."""

    @classmethod
    def parse(cls, argument: str) -> Self:
        """Takes no argument."""
        if argument:
            raise BadCheck("takes no argument")
        return cls()


def strict_json(text: str) -> tuple[object, str]:
    """A text as JSON and "", or None and why it is none: no text around it, no NaN, no key twice."""
    try:
        value: object = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_twins)
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        return None, f"not JSON: {reason}" if text.strip() else "not JSON: the answer is empty"
    return value, ""


def _enums(schema: object) -> list[list[str]]:
    """All lists of texts under an "enum" key, anywhere in a schema."""
    if isinstance(schema, list):
        return [found for item in schema for found in _enums(item)]
    if not isinstance(schema, dict):
        return []
    own = schema.get("enum")
    here = [[item for item in own if isinstance(item, str)]] if isinstance(own, list) else []
    return here + [found for value in schema.values() for found in _enums(value)]


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON value")


def _no_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands in an object twice")
    return found


def gold_sources(case: Case) -> frozenset[str]:
    r"""The documents that answer the case, folded: its ``source`` between bars, ``\|`` is a bar; none when
    the cell is empty.
    """
    return frozenset(map(folded, sources_of(case)))


def quoted(texts: list[str] | tuple[str, ...]) -> str:
    """“a”, “b”: texts as a reason names them."""
    return ", ".join(f"“{text}”" for text in texts)
