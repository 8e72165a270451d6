"""What an answer cites, and what of it stands in the passages: without a model that judges.

A citation is supported when all that its sentence states stands in a passage that the sentence cites. That
is found by form alone (``compare/mentions.py``): a sentence can be wrong with every name and number right.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from backends.types import Passage
from compare.matching import citation_marks, without_citations
from compare.mentions import Given, Mention, given, mentions_of, sentences

CitedState = Literal["supported", "unsupported", "invented", "not checked"]
_LABEL = re.compile(r"\W*+(?:\w{1,20}+:\W*+)?")
"""What a line says that only names its source: "Source: [1]"."""
Mark = tuple[int, int, tuple[int, ...]]
"""Start, end and numbers."""


@dataclass(frozen=True, kw_only=True)
class Cited:
    """One mark of an answer, such as "[1, 3]": ``text[start:end]``.

    ``invented`` are those of its ``numbers`` that no passage has; ``missing`` is what its sentence states and
    no passage that the sentence cites says, as written.
    """

    start: int
    end: int
    numbers: tuple[int, ...]
    state: CitedState
    invented: tuple[int, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Grounding:
    """What an answer states, each once and as written: what was given to it, and what was not."""

    found: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def share(self) -> float:
        """Of all that is stated, what was given, in [0, 1]; there is always something stated."""
        return len(self.found) / (len(self.found) + len(self.missing))


@dataclass(frozen=True, kw_only=True)
class Reading:
    """An answer held against its passages; ``grounding`` is None where nothing can be looked up."""

    marks: tuple[Cited, ...]
    grounding: Grounding | None


def cited_marks(text: str, passages: Sequence[Passage], question: str = "") -> tuple[Cited, ...]:
    """The citations of an answer, in order; their spans never overlap.

    A name that the question says already is no statement of the answer: it neither supports nor breaks a
    citation. A mark behind the full stop, or on a line that only names its source, belongs to the sentence
    before.
    """
    return reading(text, passages, question).marks


def grounding(text: str, passages: Sequence[Passage], question: str = "") -> Grounding | None:
    """What of the answer's numbers, dates, codes and names stands in any of the passages (``measures.md``,
    "Retrieval"). Names that the question says count as given; its numbers do not, as a question may hold a
    wrong one. None without passages, and when the answer states nothing of the kind.
    """
    return reading(text, passages, question).grounding


def reading(text: str, passages: Sequence[Passage], question: str = "") -> Reading:
    """Both at once: the answer is read only once."""
    found = list(citation_marks(text))
    if not passages:
        marks = [_cited(mark, mark[2], "invented", ()) for mark in found]
        return Reading(marks=tuple(marks), grounding=None)
    by_number = {passage.number: given(passage.text) for passage in passages}
    asked = given(question)
    spans = sentences(text)
    stated = mentions_of([text[start:end] for start, end in spans])
    return Reading(
        marks=tuple(_marks(text, spans, found, stated, by_number, asked)) if found else (),
        grounding=_grounding(stated, tuple(by_number.values()), asked),
    )


def _grounding(
    stated: Sequence[Sequence[Mention]], passages: Sequence[Given], asked: Given
) -> Grounding | None:
    each = {mention.key: mention for found in stated for mention in found}
    if not each:
        return None
    held = {key: _held(mention, passages) or _asked(mention, asked) for key, mention in each.items()}
    return Grounding(
        found=tuple(each[key].said for key, there in held.items() if there),
        missing=tuple(each[key].said for key, there in held.items() if not there),
    )


def _marks(
    text: str,
    spans: Sequence[tuple[int, int]],
    found: Sequence[Mark],
    stated: Sequence[Sequence[Mention]],
    passages: dict[int, Given],
    asked: Given,
) -> Iterator[Cited]:
    owners = list(_owners(text, spans, found))
    cited: dict[int, set[int]] = {}
    for (_, _, numbers), owner in zip(found, owners, strict=True):
        cited.setdefault(owner, set()).update(numbers)
    verdicts = {
        owner: _verdict(stated[owner], [passages[n] for n in sorted(numbers & passages.keys())], asked)
        for owner, numbers in cited.items()
    }
    for mark, owner in zip(found, owners, strict=True):
        yield _cited(mark, [number for number in mark[2] if number not in passages], *verdicts[owner])


def _cited(mark: Mark, invented: Sequence[int], state: CitedState, missing: tuple[str, ...]) -> Cited:
    start, end, numbers = mark
    return Cited(
        start=start,
        end=end,
        numbers=numbers,
        state="invented" if invented else state,
        invented=tuple(invented),
        missing=missing if len(invented) < len(numbers) else (),
    )


def _verdict(
    stated: Sequence[Mention], passages: Sequence[Given], asked: Given
) -> tuple[CitedState, tuple[str, ...]]:
    """How a sentence stands to the passages that it cites, and what they do not say."""
    told = {mention.key: mention for mention in stated if not _asked(mention, asked)}
    if not told:
        return "not checked", ()
    missing = tuple(mention.said for mention in told.values() if not _held(mention, passages))
    return ("unsupported", missing) if missing else ("supported", ())


def _owners(text: str, spans: Sequence[tuple[int, int]], marks: Sequence[Mark]) -> Iterator[int]:
    """The place of the sentence that each mark belongs to."""
    place, owner = -1, 0
    for start, _, _ in marks:
        while place < 0 or spans[place][1] <= start:
            place += 1
            if not _LABEL.fullmatch(without_citations(text[slice(*spans[place])])):
                owner = place
        yield owner


def _held(mention: Mention, passages: Sequence[Given]) -> bool:
    return any(passage.holds(mention) for passage in passages)


def _asked(mention: Mention, asked: Given) -> bool:
    return mention.name and asked.holds(mention)
