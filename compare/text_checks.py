"""Checks on what an answer says: texts, patterns, numbers, labels, citations."""

from dataclasses import dataclass
from typing import ClassVar, Self

import regex

from compare.judging import (
    BadCheck,
    CannotJudge,
    CheckKind,
    NoArgument,
    Subject,
    gold_sources,
    quoted,
)
from compare.matching import citations, contains, folded, numbers_in, split_escaped, without_citations

PATTERN_S = 1.0
"""How long a ``regex`` may search one answer, in seconds, before it counts as unscored."""


@dataclass(frozen=True, kw_only=True)
class Texts:
    """What the checks with texts between bars share."""

    texts: tuple[str, ...]
    kind: ClassVar[CheckKind] = "content"

    @classmethod
    def parse(cls, argument: str) -> Self:
        r"""``a | b``; ``\|`` is a bar."""
        texts = tuple(text.strip() for text in split_escaped(argument, "|"))
        if not all(texts):
            raise BadCheck("needs a text, or several between bars")
        return cls(texts=texts)

    def found(self, subject: Subject) -> list[str]:
        """Those of the texts that occur in the answer."""
        return [text for text in self.texts if contains(subject.text, text)]


class ContainsAll(Texts):
    """Every text occurs."""

    name: ClassVar[str] = "contains_all"

    def judge(self, subject: Subject) -> tuple[bool, str]:
        """Names the texts that are missing."""
        found = self.found(subject)
        missing = [text for text in self.texts if text not in found]
        return not missing, f"{quoted(missing)} missing" if missing else f"found {quoted(found)}"


class ContainsAny(Texts):
    """At least one text occurs."""

    name: ClassVar[str] = "contains_any"

    def judge(self, subject: Subject) -> tuple[bool, str]:
        """Names the texts that were found."""
        found = self.found(subject)
        return bool(found), f"found {quoted(found)}" if found else f"none of {quoted(self.texts)} found"


class NotContains(Texts):
    """No text occurs."""

    name: ClassVar[str] = "not_contains"

    def judge(self, subject: Subject) -> tuple[bool, str]:
        """Names the texts that should not be there."""
        found = self.found(subject)
        return not found, f"found {quoted(found)}" if found else f"none of {quoted(self.texts)} found"


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Each label begins a line of the answer ("Plan: ..."), and that line holds its text."""

    wanted: tuple[tuple[str, str], ...]
    name: ClassVar[str] = "lines"
    kind: ClassVar[CheckKind] = "content"

    @classmethod
    def parse(cls, argument: str) -> Self:
        r"""``label = text | label = text``; ``\|`` is a bar."""
        halves = [part.partition("=") for part in split_escaped(argument, "|")]
        wanted = tuple((label.strip(), text.strip()) for label, _, text in halves)
        if not all(label and text for label, text in wanted):
            raise BadCheck("needs label = text, or several between bars")
        return cls(wanted=wanted)

    def judge(self, subject: Subject) -> tuple[bool, str]:
        """Names the labels whose line is missing or says something else; the last line of a label counts."""
        parts = (line.partition(":") for line in subject.text.splitlines())
        said = {folded(label): text for label, colon, text in parts if colon}
        wrong = [label for label, text in self.wanted if not contains(said.get(folded(label), ""), text)]
        labels = wrong or [label for label, _ in self.wanted]
        return not wrong, f"{quoted(labels)} {'wrong or missing' if wrong else 'right'}"


@dataclass(frozen=True, kw_only=True)
class Exact:
    """The answer is this text and nothing else; outer white space does not count."""

    wanted: str
    name: ClassVar[str] = "exact"
    kind: ClassVar[CheckKind] = "content"

    @classmethod
    def parse(cls, argument: str) -> Self:
        r"""The text; ``\;`` is a semicolon."""
        if not argument:
            raise BadCheck("needs the text")
        return cls(wanted=split_escaped(argument, "")[0])

    def judge(self, subject: Subject) -> tuple[bool, str]:
        """Compares character by character."""
        same = subject.text.strip() == self.wanted
        return same, "the same text" if same else f"not exactly {quoted((self.wanted,))}"


class IExact(Exact):
    """The same without regard to case, spacing and typographic variants."""

    name: ClassVar[str] = "iexact"

    def judge(self, subject: Subject) -> tuple[bool, str]:
        """Compares after folding."""
        same = folded(subject.text) == folded(self.wanted)
        return same, "the same text" if same else f"not {quoted((self.wanted,))}"


@dataclass(frozen=True, kw_only=True)
class Regex:
    """The pattern is found somewhere in the answer."""

    pattern: str
    kind: CheckKind = "content"
    name: ClassVar[str] = "regex"

    @classmethod
    def parse(cls, argument: str) -> Self:
        """The pattern, with ``format:`` before it for a format check."""
        before, colon, after = argument.partition(":")
        is_format = bool(colon) and before.strip() == "format"
        pattern = after.strip() if is_format else argument
        if not pattern:
            raise BadCheck("needs a pattern")
        try:
            regex.compile(pattern)
        except regex.error as error:
            raise BadCheck(f"has a bad pattern: {error}") from error
        return cls(pattern=pattern, kind="format" if is_format else "content")

    def judge(self, subject: Subject) -> tuple[bool, str]:
        """Searches for at most ``PATTERN_S`` seconds: a pattern may take for ever."""
        try:
            found = regex.search(self.pattern, subject.text, timeout=PATTERN_S)
        except TimeoutError as error:
            raise CannotJudge(f"the pattern searched longer than {PATTERN_S:.0f} s") from error
        return found is not None, f"found {quoted((found[0],))}" if found else "the pattern is not found"


@dataclass(frozen=True, kw_only=True)
class Number:
    """A number of the answer lies within ``tolerance`` (absolute) of ``value``."""

    value: float
    tolerance: float
    name: ClassVar[str] = "number"
    kind: ClassVar[CheckKind] = "content"

    @classmethod
    def parse(cls, argument: str) -> Self:
        """``49``, ``49 ± 0.5`` or ``49 ± 2 %``; ``+-`` and ``+/-`` are read as ``±``."""
        value, sign, tolerance = argument.replace("+/-", "±").replace("+-", "±").partition("±")
        try:
            wanted = float(value)
            allowed = float(tolerance.strip().removesuffix("%")) if sign else 0.0
        except ValueError as error:
            raise BadCheck("needs a number, such as 49 or 49 ± 0.5") from error
        if tolerance.strip().endswith("%"):
            allowed *= abs(wanted) / 100
        if not abs(wanted) < float("inf") or not 0 <= allowed < float("inf"):
            raise BadCheck("needs a finite number and a tolerance of 0 or more")
        return cls(value=wanted, tolerance=allowed)

    def judge(self, subject: Subject) -> tuple[bool, str]:
        """Citations such as [1] are no numbers of the answer."""
        found = numbers_in(without_citations(subject.text))
        slack = self.tolerance + 1e-9 * max(1.0, abs(self.value))
        near = [number for number in found if abs(number - self.value) <= slack]
        said = ", ".join(f"{number:.10g}" for number in near or found) or "no number"
        return bool(near), f"found {said}" if near else f"found {said}, not {self.value:.10g}"


@dataclass(frozen=True, kw_only=True)
class Label:
    """The label is the whole answer, a field of its JSON, or the only label named.

    The labels are those that the file's ``label`` checks name and the choices of the scenario's schema.
    """

    wanted: str
    name: ClassVar[str] = "label"
    kind: ClassVar[CheckKind] = "content"

    @classmethod
    def parse(cls, argument: str) -> Self:
        """The right label."""
        if not argument:
            raise BadCheck("needs the label")
        return cls(wanted=argument)

    def judge(self, subject: Subject) -> tuple[bool, str]:
        """Names the labels that the answer names."""
        choices = (self.wanted, *subject.case.labels, *subject.sibling_labels(self.wanted))
        labels = {folded(label): label for label in reversed(choices)}
        value, _ = subject.parsed
        whole = folded(subject.text).strip(" .!\"'")
        if isinstance(value, dict):
            named = {folded(item) for item in value.values() if isinstance(item, str)} & labels.keys()
        elif whole in labels:
            named = {whole}
        else:
            named = {key for key, label in labels.items() if contains(subject.text, label)}
        said = quoted(sorted(labels[key] for key in named)) if named else "no known label"
        return named == {folded(self.wanted)}, f"named {said}"


@dataclass(frozen=True, kw_only=True)
class Citation(NoArgument):
    """At least one passage of the gold source is cited, and none is invented."""

    name: ClassVar[str] = "citation"
    kind: ClassVar[CheckKind] = "content"

    def judge(self, subject: Subject) -> tuple[bool, str]:
        """Without passages every citation is invented, and none can be right."""
        gold = gold_sources(subject.case)
        if not gold:
            raise CannotJudge("the case names no gold source")
        sources = {passage.number: passage.source for passage in subject.passages}
        cited = dict.fromkeys(citations(subject.text))
        invented = [f"[{number}]" for number in cited if number not in sources]
        if invented:
            return False, f"{', '.join(invented)} is no passage"
        if not cited:
            return False, "nothing is cited"
        right = [f"[{number}]" for number in cited if folded(sources[number]) in gold]
        return bool(right), f"{right[0]} is the gold source" if right else "the gold source is not cited"
