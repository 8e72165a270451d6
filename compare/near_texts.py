"""Texts that say the same in nearly the same letters: near duplicates, and cases that were trained on."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from compare.cases import normalised
from compare.mentions import given, mentions_of, sentences

SAME_LETTERS = 90.0
"""rapidfuzz ``fuzz.ratio`` from which two texts are near: the normalised Indel similarity, in percent."""
_SHORTER = SAME_LETTERS / (200 - SAME_LETTERS)
"""How long the shorter of two near texts is at least, as a share of the longer: ratio <= 200 s / (s + l)."""
_AT_ONCE = 256
"""Texts of one block; beside 10,000 others it takes 10 MB."""


@dataclass(frozen=True, kw_only=True)
class NearPair:
    """Positions in the first and the second texts; ``likeness`` is ``fuzz.ratio`` in [90, 100]."""

    first: int
    second: int
    likeness: float


def stated(texts: Sequence[str]) -> list[frozenset[str]]:
    """What of each text must be the same in a near one: its numbers, dates, codes and the words of its names.

    A word belongs to a name when any of the texts uses it as one: names are found in small letters too.
    """
    found = mentions_of([text[start:end] for text in texts for start, end in sentences(text)])
    names = {word for said in found for one in said if one.name for word in one.key.split(" ")}
    read = [given(normalised(text)) for text in texts]  # Equal for texts that are equal when compared.
    return [one.keys | (one.words & names) for one in read]


def near_pairs(texts: Sequence[str], keys: Sequence[Hashable]) -> Iterator[NearPair]:
    """All pairs among texts of one key that are near, the earlier one first, equal ones too."""
    by_key: dict[Hashable, list[int]] = {}
    for place, key in enumerate(keys):
        by_key.setdefault(key, []).append(place)
    for places in by_key.values():
        for pair in _near(texts, places, texts, places):
            if pair.first < pair.second:
                yield pair


def near_between(first: Sequence[str], second: Sequence[str]) -> Iterator[NearPair]:
    """All pairs of one of the first and one of the second texts that are near."""
    if first and second:
        yield from _near(first, range(len(first)), second, range(len(second)))


def _near(
    a: Sequence[str], a_places: Sequence[int], b: Sequence[str], b_places: Sequence[int]
) -> Iterator[NearPair]:
    """Block by block, each against those of the others that are neither too long nor too short for it."""
    from rapidfuzz import fuzz, process

    rows = sorted(((normalised(a[place]), place) for place in a_places), key=lambda row: len(row[0]))
    columns = sorted(((normalised(b[place]), place) for place in b_places), key=lambda column: len(column[0]))
    lengths = np.array([len(text) for text, _ in columns])
    for start in range(0, len(rows), _AT_ONCE):
        block = rows[start : start + _AT_ONCE]
        shortest, longest = len(block[0][0]) * _SHORTER, len(block[-1][0]) / _SHORTER
        low, high = np.searchsorted(lengths, shortest), np.searchsorted(lengths, longest, side="right")
        others = columns[low:high]
        ratios = process.cdist(
            [text for text, _ in block],
            [text for text, _ in others],
            scorer=fuzz.ratio,
            score_cutoff=SAME_LETTERS,
            dtype=np.float32,
        )
        for row, column in zip(*np.nonzero(ratios), strict=True):
            yield NearPair(first=block[row][1], second=others[column][1], likeness=float(ratios[row, column]))
