"""What can be said of training data: findings, each with one sentence and the rows that it is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from backends.training.examples import Example
from compare.sensitive import masked

Kind = Literal[
    "too_few", "few", "empty", "truncated", "duplicate", "near_duplicate", "conflict", "labels", "formats",
    "length", "leak", "secret",
]  # fmt: skip
Severity = Literal["refuses", "warns", "notes"]
"""Not to be trained on unless somebody insists; worth mending; worth knowing."""
SEVERITIES: tuple[Severity, ...] = ("refuses", "warns", "notes")
_QUERY_CHARS, _ANSWER_CHARS, _END_CHARS = 80, 80, 30


@dataclass(frozen=True, kw_only=True)
class FoundRow:
    """One example of a finding, by its line; ``other`` is the line of the one that it is like, 0 for none,
    and ``case`` the case's id. Secrets in ``excerpt`` and ``why`` are masked.
    """

    line: int
    excerpt: str
    why: str = ""
    other: int = 0
    case: str = ""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """``rows`` are empty where the finding is about the file as a whole."""

    kind: Kind
    severity: Severity
    sentence: str
    rows: tuple[FoundRow, ...] = ()


def row(example: Example, why: str = "", *, other: int = 0, case: str = "") -> FoundRow:
    """An example as a row of a finding."""
    query, answer = masked(example.query), masked(example.answer)
    excerpt = f"{clipped(query, _QUERY_CHARS)} → {clipped(answer, _ANSWER_CHARS)}"
    return FoundRow(line=example.line, excerpt=excerpt, why=masked(why), other=other, case=case)


def clipped(text: str, most: int) -> str:
    """The beginning of a text on one line, at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def ending(text: str) -> str:
    """The end of a text on one line."""
    line = " ".join(text.split())
    return line if len(line) <= _END_CHARS else "…" + line[-_END_CHARS:].lstrip()


def finding(kind: Kind, severity: Severity, sentence: str, rows: Sequence[FoundRow]) -> list[Finding]:
    """One finding, or none without rows."""
    return [Finding(kind=kind, severity=severity, sentence=sentence, rows=tuple(rows))] if rows else []
