"""Cases that an adapter has seen, or whose very words stand in the documents: answers that prove too little.

A case leaks into training examples when its question is one of theirs, or nearly: in letters or in meaning,
with the same numbers and names. Documents are there to hold the answer; only a question that stands in one
word for word is a leak.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from backends.training.examples import Example
from compare.cases import Case, normalised
from compare.near_texts import near_between, stated

SAME_MEANING = 0.95
"""Cosine of sentence embeddings from which two questions are near."""
WORDS_IN_A_ROW = 8
"""Of a question, that make it stand verbatim in a document."""
LETTERS_ONLY = "Meanings were not compared, only letters: a paraphrase of an example is not found."
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True)
class Leak:
    """One case and what it was found in: an example, by its ``line``, or a document, by its ``source``.

    ``text`` is the example's question, or the words in the document; ``likeness`` in [0, 1] is that of the
    letters, or of the meanings where only these are near.
    """

    case: str
    kind: Literal["exact", "near", "verbatim"]
    where: Literal["training", "knowledge"]
    text: str
    likeness: float
    line: int = 0
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Leakage:
    """All leaks, in the order of cases; ``note`` says what was not looked for, and is empty when nothing was
    left out.
    """

    leaks: tuple[Leak, ...]
    note: str = ""


def training_leaks(
    cases: Sequence[Case], examples: Sequence[Example], vectors: Mapping[str, np.ndarray] | None = None
) -> Leakage:
    """Every pair of a case and an example whose questions are the same or near.

    ``vectors`` are unit embeddings by text, of the questions of cases and examples; a pair of which one has
    none is compared by its letters only, and without ``vectors`` the result says so.
    """
    queries, inputs = [case.query for case in cases], [example.query for example in examples]
    found = _near_in_meaning(queries, inputs, vectors or {})
    found |= {(pair.first, pair.second): pair.likeness / 100 for pair in near_between(queries, inputs)}
    keys = stated([*queries, *inputs]) if found else []  # Slow, and mostly there is nothing to tell apart.
    leaks = tuple(
        Leak(
            case=cases[first].id,
            kind="exact" if normalised(queries[first]) == normalised(inputs[second]) else "near",
            where="training",
            text=inputs[second],
            likeness=likeness,
            line=examples[second].line,
        )
        for (first, second), likeness in sorted(found.items())
        if keys[first] == keys[len(queries) + second]
    )
    return Leakage(leaks=leaks, note="" if vectors is not None else LETTERS_ONLY)


def worth_embedding(cases: Sequence[Case], examples: Sequence[Example]) -> list[str]:
    """The different questions of both sides whose numbers and names stand on the other side too: only these
    can be near in meaning.
    """
    queries, inputs = [case.query for case in cases], [example.query for example in examples]
    keys = stated([*queries, *inputs])
    shared = set(keys[: len(queries)]) & set(keys[len(queries) :])
    return list(dict.fromkeys(t for t, key in zip([*queries, *inputs], keys, strict=True) if key in shared))


def knowledge_leaks(cases: Sequence[Case], documents: Mapping[str, str]) -> Leakage:
    """The cases of whose question eight words stand in a row in a document; ``documents`` are texts by
    source.

    A shorter question can't be told from common speech, and is none.
    """
    wanted: dict[tuple[str, ...], list[int]] = {}
    for place, case in enumerate(cases):
        for words in _rows_of(_words(case.query)):
            wanted.setdefault(words, []).append(place)
    found: dict[tuple[int, str], str] = {}
    for source, text in documents.items():
        for words in _rows_of(_words(text)):
            for place in wanted.get(words, ()):
                found.setdefault((place, source), " ".join(words))
    leaks = (
        Leak(case=cases[at].id, kind="verbatim", where="knowledge", text=text, likeness=1.0, source=source)
        for (at, source), text in sorted(found.items())
    )
    return Leakage(leaks=tuple(leaks))


def _near_in_meaning(
    first: Sequence[str], second: Sequence[str], vectors: Mapping[str, np.ndarray]
) -> dict[tuple[int, int], float]:
    """The cosine of each pair of places whose texts are near."""
    rows, columns = ([at for at, text in enumerate(texts) if text in vectors] for texts in (first, second))
    if not rows or not columns:
        return {}
    a, b = np.stack([vectors[first[at]] for at in rows]), np.stack([vectors[second[at]] for at in columns])
    cosines = a @ b.T
    near = zip(*np.nonzero(cosines >= SAME_MEANING), strict=True)
    return {(rows[i], columns[j]): min(1.0, float(cosines[i, j])) for i, j in near}


def _words(text: str) -> list[str]:
    return _WORD.findall(normalised(text))


def _rows_of(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return zip(*(words[start:] for start in range(WORDS_IN_A_ROW)), strict=False)
