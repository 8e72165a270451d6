"""Ordinary words, and names drawn at random: plans, people, towns, files.

Does not know which names are taken; ``holdout.py`` refuses those of shipped scenarios.
"""

from functools import lru_cache
from pathlib import Path
from random import Random

from backends.pocket.tables import tables


@lru_cache(maxsize=1)
def words() -> tuple[str, ...]:
    """Ordinary English words (a frequent part of SCOWL's small list, public domain)."""
    return tuple((Path(__file__).parent / "words.txt").read_text(encoding="utf-8").split())


def word(rng: Random) -> str:
    """One ordinary word."""
    return rng.choice(words())


def invented(rng: Random, syllables: int) -> str:
    """A pronounceable invented name."""
    names = tables().names
    parts = [rng.choice(names.onsets) + rng.choice(names.vowels) for _ in range(syllables)]
    return ("".join(parts) + (rng.choice(names.codas) if rng.random() < 0.7 else "")).capitalize()


def subject_name(rng: Random) -> str:
    """A plan, product or room name: an ordinary word with a capital, or an invented one."""
    roll = rng.random()
    if roll < 0.62:
        return word(rng).capitalize()
    if roll < 0.9:
        return invented(rng, rng.choice((1, 2)))
    return f"{word(rng).capitalize()} {word(rng).capitalize()}"


def person(rng: Random) -> str:
    """A first and a family name."""
    return f"{invented(rng, rng.choice((1, 2)))} {invented(rng, rng.choice((1, 2, 2)))}"


def place(rng: Random) -> str:
    """A town."""
    return invented(rng, rng.choice((1, 2))) + rng.choice(tables().names.town_endings)


def slug(rng: Random) -> str:
    """A file-name stem."""
    return "-and-".join(word(rng) for _ in range(rng.choice((1, 1, 1, 2))))
