"""One fact changes in a document: which cases and training examples it touches, and what is right from then
on. Pure functions; ``compare/drill.py`` carries it out.

A case is touched when its checks accept what the document said and refuse what it says now. What is right now
is the old expectation with the words exchanged that were exchanged in the document; where that does not fit
the new text, nobody can tell but a person.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from backends.errors import BadInput
from backends.scenario import Scenario
from compare.cases import Case, sources_of
from compare.checks import run_checks
from compare.judging import combined
from compare.matching import folded

_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?](?!\s|$)[^.!?\n]*)*[.!?]?")
_TOKEN = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+|[^\w\s]")


@dataclass(frozen=True, kw_only=True)
class Change:
    """A document's text before and after an edit."""

    document: str
    before: str
    after: str

    @property
    def removed(self) -> str:
        """The sentences that only the old text has."""
        return _only_in(self.before, self.after)

    @property
    def added(self) -> str:
        """The sentences that only the new text has."""
        return _only_in(self.after, self.before)

    @property
    def exchanged(self) -> tuple[tuple[str, str], ...]:
        """The words and numbers that stand in place of others: (old, new), longest first."""
        old, new = _TOKEN.findall(self.removed), _TOKEN.findall(self.added)
        pairs = {
            (" ".join(old[a:b]), " ".join(new[c:d]))
            for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
            if kind == "replace"
        }
        return tuple(sorted(pairs, key=lambda pair: (-len(pair[0]), pair)))


@dataclass(frozen=True, kw_only=True)
class Touched:
    """A case whose right answer changed. ``after`` is None where nobody can tell what is right now."""

    before: Case
    after: Case | None


def scripted_change(scenario: Scenario, text: str) -> Change:
    """The scenario's own drill, applied to the ``text`` that its document has now.

    Raises:
        BadInput: it has none, or the text does not say once what the drill replaces.
    """
    drill = scenario.drill
    if drill is None:
        raise BadInput(
            f"The scenario {scenario.name} has no drill.", "Write a [drill] table into its scenario.toml."
        )
    if text.count(drill.old) != 1:
        raise BadInput(
            f"{drill.document} does not say once: “{drill.old}”.", "Put the document back as it was first."
        )
    return Change(document=drill.document, before=text, after=text.replace(drill.old, drill.new))


def touched_cases(cases: Sequence[Case], change: Change, scenario: Scenario) -> tuple[Touched, ...]:
    """The cases that a change touches, in their order. Checks that need embeddings say nothing here."""
    return tuple(
        Touched(before=case, after=_expecting(case, change, scenario))
        for case in cases
        if not sources_of(case) or folded(change.document) in {folded(name) for name in sources_of(case)}
        if accepts(case, change.removed, scenario) and not accepts(case, change.added, scenario)
    )


def with_answer(one: Touched, expected: str, scenario: Scenario) -> Touched:
    """The same case with what a person says is right after the change; an empty text leaves it open."""
    if not expected.strip():
        return replace(one, after=None)
    checks = f"contains_all: {expected.replace('|', chr(92) + '|').replace(';', chr(92) + ';')}"
    return replace(one, after=replace(one.before, expected=expected.strip(), checks=checks))


def changed_examples(
    jsonl: str, change: Change, touched: Sequence[Touched], scenario: Scenario
) -> tuple[str, int]:
    """Training examples, one a line, with the answers exchanged that the change made wrong, and how many."""
    lines, changed = [], 0
    for line in jsonl.split("\n"):
        try:
            example = json.loads(line)
            answer = example["messages"][-1]["content"]
        except (ValueError, KeyError, TypeError, IndexError):  # The training's own check speaks of those.
            lines.append(line)
            continue
        new = exchanged(answer, change)
        if new != answer and any(accepts(one.before, answer, scenario) for one in touched):
            example["messages"][-1]["content"] = new
            line = json.dumps(example, ensure_ascii=False)
            changed += 1
        lines.append(line)
    return "\n".join(lines), changed


def exchanged(text: str, change: Change) -> str:
    """A text with the words exchanged that the change exchanges, where they stand alone."""
    for old, new in change.exchanged:
        words = r"\s*".join(re.escape(word) for word in old.split())
        text = re.sub(rf"(?<![\w.,:]){words}(?!\w|[.,:]\d)", _literal(new), text)
    return text


def _literal(text: str) -> Callable[[re.Match[str]], str]:
    """What is put in as it stands: no backslash in it means anything."""
    return lambda _: text


def accepts(case: Case, answer: str, scenario: Scenario) -> bool:
    """Whether an answer says what the case wants: its content checks pass, whatever it cites."""
    results = run_checks(case, answer, (), scenario)
    judged = [check.result for check in results if check.kind == "content" and check.name != "citation"]
    return combined(judged) == "pass"


def _expecting(case: Case, change: Change, scenario: Scenario) -> Case | None:
    """The case with what is right after the change, if that can be told."""
    new = replace(case, expected=exchanged(case.expected, change), checks=exchanged(case.checks, change))
    right = accepts(new, change.added, scenario) and not accepts(new, change.removed, scenario)
    return new if right else None


def _only_in(text: str, other: str) -> str:
    """The sentences of a text that another one has not, in their order."""
    there = {" ".join(found.split()) for found in _SENTENCE.findall(other)}
    own = (" ".join(found.split()) for found in _SENTENCE.findall(text))
    return " ".join(found for found in own if found and found not in there)
