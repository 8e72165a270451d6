"""Is an answer right, and in the right form? The way in: read a ``checks`` cell, judge an answer by it.

``scenarios/README.md`` explains every check to the person who writes one. A check that can't be judged is
``unscored`` with a reason, never a failure. Adding a check is adding a class and its name here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from backends.scenario import Scenario
from backends.types import Passage
from compare.cases import Case
from compare.form_checks import HouseVoice, Json, JsonFields, JsonSchema, MaxWords
from compare.judging import (
    BadCheck,
    CannotJudge,
    Check,
    CheckKind,
    CheckOutcome,
    CheckResult,
    Embed,
    Subject,
    strict_json,
)
from compare.likeness_checks import RougeL, Similarity
from compare.text_checks import (
    Citation,
    ContainsAll,
    ContainsAny,
    Exact,
    IExact,
    Label,
    Lines,
    NotContains,
    Number,
    Regex,
)

__all__ = ["CHECKS", "CheckKind", "CheckOutcome", "CheckProblem", "CheckResult", "parse_checks", "run_checks"]

KINDS: tuple[type[Check], ...] = (
    Exact,
    IExact,
    ContainsAll,
    ContainsAny,
    NotContains,
    Lines,
    Regex,
    Number,
    Label,
    Json,
    JsonSchema,
    JsonFields,
    Citation,
    Similarity,
    RougeL,
    MaxWords,
    HouseVoice,
)
CHECKS: dict[str, type[Check]] = {kind.name: kind for kind in KINDS}
"""Every check by the name that cells use."""


@dataclass(frozen=True, kw_only=True)
class CheckProblem:
    """A check of a cell that can't be used: ``name`` as written, ``reason`` for a person."""

    name: str
    reason: str


def run_checks(
    case: Case,
    answer_text: str,
    passages: Sequence[Passage],
    scenario: Scenario,
    embed: Embed | None = None,
) -> tuple[CheckResult, ...]:
    """Judge one answer by all checks of its case, in their order; empty when the case has none.

    ``embed`` gives sentence embeddings; without it ``similarity`` is unscored.
    """
    subject = Subject(text=answer_text, case=case, passages=tuple(passages), scenario=scenario, embed=embed)
    return tuple(_judge(check, subject) for check in checks_of(case))


def final_answer(text: str) -> str:
    """What a model says after it reasoned: all behind the last "Answer:", else the last line with words.

    An empty text is given back as it is.
    """
    _, mark, said = text.rpartition("Answer:")
    lines = [line for line in text.splitlines() if line.strip()]
    return said.strip() if mark else (lines[-1].strip() if lines else text)


def checked_part(text: str, layers: Sequence[str]) -> str:
    """What of an answer is judged: where it was told to reason first, what comes after that."""
    return final_answer(text) if "cot" in layers else text


def checks_of(case: Case) -> tuple[Check | CheckProblem, ...]:
    """A case's checks. Without any, ``expected`` is compared: its fields when it is JSON, else as a text."""
    if case.checks.strip():
        return parse_checks(case.checks)
    if not case.expected.strip():
        return ()
    expected, _ = strict_json(case.expected)
    return (JsonFields(fields=()),) if isinstance(expected, dict) else (ContainsAll(texts=(case.expected,)),)


@lru_cache(maxsize=4096)
def parse_checks(cell: str) -> tuple[Check | CheckProblem, ...]:
    r"""The checks of a cell, one a line or separated by ``;``; ``\;`` is a semicolon.

    ``regex`` takes the rest of its line as it stands. What can't be understood comes back as a problem in its
    place; nothing is raised.
    """
    found: list[Check | CheckProblem] = []
    for line in cell.splitlines():
        rest = line
        while rest.strip():
            piece, rest = _first_piece(rest.strip())
            if piece.strip():
                found.append(_parse(piece.strip()))
    return tuple(found)


def _first_piece(line: str) -> tuple[str, str]:
    """The line up to its first unescaped semicolon, and what follows it; a pattern takes all."""
    if re.match(r"regex\s*:", line):
        return line, ""
    end = re.search(r"(?<!\\);", line)
    return (line, "") if end is None else (line[: end.start()], line[end.end() :])


def _parse(piece: str) -> Check | CheckProblem:
    name, _, argument = piece.partition(":")
    name = name.strip()
    kind = CHECKS.get(name)
    if kind is None:
        return CheckProblem(
            name=name, reason=f"there is no check called {name!r}; known are {', '.join(CHECKS)}"
        )
    try:
        return kind.parse(argument.strip())
    except BadCheck as error:
        return CheckProblem(name=name, reason=f"{name} {error}")
    except Exception as error:  # What a cell holds must not take the answer with it.
        return CheckProblem(name=name, reason=f"{name} can't be read: {type(error).__name__}: {error}")


def _judge(check: Check | CheckProblem, subject: Subject) -> CheckResult:
    if isinstance(check, CheckProblem):
        return CheckResult(name=check.name, kind="content", result="unscored", reason=check.reason)
    try:
        passes, reason = check.judge(subject)
    except CannotJudge as error:
        return CheckResult(name=check.name, kind=check.kind, result="unscored", reason=str(error))
    except Exception as error:  # A check that breaks must not take the answer with it.
        reason = f"the check broke: {type(error).__name__}: {error}"
        return CheckResult(name=check.name, kind=check.kind, result="unscored", reason=reason)
    return CheckResult(name=check.name, kind=check.kind, result="pass" if passes else "fail", reason=reason)
