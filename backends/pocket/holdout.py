"""What the corpus must not hold: names, facts and wording of the shipped scenarios.

Does not know how samples are drawn; :func:`allowed` judges a finished text.
"""

import csv
import re
from functools import lru_cache
from pathlib import Path

SCENARIOS = Path(__file__).parent.parent.parent / "scenarios"
RUN = 8


def allowed(text: str) -> bool:
    """Whether the text holds no name, fact or wording (8 words in a row) of a shipped scenario."""
    return not _names_something(text) and held_out_runs().isdisjoint(runs_of_words(text))


def _names_something(text: str) -> bool:
    # the search of some hundred names is slow, and rarely needed: each begins with a whole word of the text
    words = set(re.findall(r"\w+", text))
    return not held_out_words().isdisjoint(words) and held_out().search(text) is not None


@lru_cache(maxsize=1)
def held_out() -> re.Pattern[str]:
    """The names and facts of every shipped scenario, as one pattern (case-sensitive, at word boundaries)."""
    ordered = sorted(_names(), key=len, reverse=True) or ["\0"]
    return re.compile(r"(?<!\w)(?:" + "|".join(re.escape(name) for name in ordered) + r")(?!\w)")


@lru_cache(maxsize=1)
def held_out_words() -> frozenset[str]:
    """The first word of every held-out name or fact."""
    return frozenset(found.group() for name in _names() if (found := re.search(r"\w+", name)))


def _names() -> set[str]:
    return {
        line.strip()
        for file in SCENARIOS.glob("*/holdout.txt")
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.strip()
    }


@lru_cache(maxsize=1)
def held_out_runs() -> frozenset[tuple[str, ...]]:
    """Every run of 8 words in the shipped scenarios' cases and knowledge, lower-cased."""
    texts = [
        file.read_text(encoding="utf-8")
        for file in SCENARIOS.glob("*/knowledge/*")
        if file.suffix in (".md", ".txt", ".csv")
    ]
    for file in SCENARIOS.glob("*/cases.csv"):
        with file.open(encoding="utf-8-sig", newline="") as rows:
            texts += [row["query"] for row in csv.DictReader(rows)]
    return frozenset(run for text in texts for run in runs_of_words(text))


def runs_of_words(text: str, length: int = RUN) -> list[tuple[str, ...]]:
    """Every ``length`` words in a row, lower-cased, without punctuation."""
    found = re.findall(r"[a-z0-9]+", text.lower())
    return [tuple(found[i : i + length]) for i in range(len(found) - length + 1)]
