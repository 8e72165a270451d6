"""How alike repeats are. Repeats are stored as plain calls; groups are computed here, when somebody looks."""

import json
import string
from collections.abc import Sequence
from dataclasses import dataclass

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
