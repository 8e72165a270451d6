"""Cases: what is asked, what is expected of an answer and how it is checked; read by ``case_files.py``."""

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from backends.types import Gold
from compare.matching import split_escaped

Split = Literal["dev", "test"]
"""``dev`` is for tuning prompts, chunks and adapters; verdicts speak of ``test``."""
COLUMNS = ("id", "query", "expected", "checks", "source", "tags", "context", "notes", "group", "split")
"""The known columns; any other is kept as metadata."""
LABEL = re.compile(r"(?:^|;)\s*label\s*:\s*([^;\n]+)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One row. ``source`` is the gold source; ``checks`` the cell as written, parsed by
    ``compare/checks.py``.

    Cases of one ``group`` ask for one fact. ``labels`` are all labels that the file's ``label`` checks name.
    """

    id: str
    query: str
    expected: str = ""
    checks: str = ""
    source: str = ""
    tags: tuple[str, ...] = ()
    context: str = ""
    notes: str = ""
    group: str = ""
    split: Split = "test"
    metadata: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] = ()


def default_split(group: str) -> Split:
    """``dev`` or ``test`` by a hash of the group, half each; all cases of a group fall on one side."""
    return "dev" if hashlib.sha256(group.encode()).digest()[0] < 128 else "test"


def sources_of(case: Case) -> tuple[str, ...]:
    r"""The documents that hold a case's answer, as its cell names them between bars; ``\|`` is a bar."""
    return tuple(part.strip() for part in split_escaped(case.source, "|") if part.strip())


def gold_of(case: Case, cases: Sequence[Case]) -> Gold:
    """What controls may know of a case. The other question is that of the next of ``cases``, from their end
    on at their beginning, that has sources, and none in common.
    """
    own = set(sources_of(case))
    place = next((at for at, one in enumerate(cases) if one.id == case.id), 0)
    others = (
        one.query
        for one in (*cases[place:], *cases[:place])
        if one.source.strip() and own.isdisjoint(sources_of(one))
    )
    return Gold(sources=sources_of(case), expected=case.expected, other=next(others, ""))


def normalised(query: str) -> str:
    """A query as two are compared: NFKC, case folded, white space folded."""
    return " ".join(unicodedata.normalize("NFKC", query).casefold().split())


def matching_case(cases: Sequence[Case], query: str) -> Case | None:
    """The first case whose query is this one after normalisation: a free query then gets its checks."""
    wanted = normalised(query)
    return next((case for case in cases if normalised(case.query) == wanted), None)
