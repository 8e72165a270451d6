"""Checks on JSON answers and on an answer's form."""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Self

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match
from referencing import Registry
from referencing.exceptions import Unresolvable

from compare.judging import (
    BadCheck,
    CannotJudge,
    CheckKind,
    NoArgument,
    Subject,
    quoted,
    strict_json,
)
from compare.matching import contains, folded, split_escaped

OWN_SCHEMA = "@schema"
"""How a cell names the scenario's schema."""
OWN_VOICE = "@voice"
"""How a cell names the scenario's style rules."""


@dataclass(frozen=True, kw_only=True)
class Json(NoArgument):
    """The answer parses as JSON, with nothing around it."""

    name: ClassVar[str] = "json"
    kind: ClassVar[CheckKind] = "format"

    def judge(self, subject: Subject) -> tuple[bool, str]:
        """Says where it does not parse."""
        _, problem = subject.parsed
        return not problem, problem or "parses as JSON"


@dataclass(frozen=True, kw_only=True)
class JsonSchema:
    """The answer is JSON that a schema (JSON Schema 2020-12) accepts; nothing is fetched for it."""

    schema: str
    name: ClassVar[str] = "json_schema"
    kind: ClassVar[CheckKind] = "format"

    @classmethod
    def parse(cls, argument: str) -> Self:
        """``@schema`` for the scenario's, or a schema written here."""
        schema = split_escaped(argument, "")[0]
        if schema != OWN_SCHEMA:
            validator(schema)
        return cls(schema=schema)

    def judge(self, subject: Subject) -> tuple[bool, str]:
        """Names the first thing that the schema does not accept."""
        text = (subject.scenario.schema or "") if self.schema == OWN_SCHEMA else self.schema
        if not text:
            raise CannotJudge("the scenario has no schema")
        value, problem = subject.parsed
        if problem:
            return False, problem
        try:
            error = best_match(validator(text).iter_errors(value))
        except (BadCheck, Unresolvable) as unusable:
            raise CannotJudge(f"the schema can't be used: {unusable}") from unusable
        return error is None, "the schema accepts it" if error is None else str(error.message)


@lru_cache(maxsize=64)
def validator(schema: str) -> Draft202012Validator:
    """A validator for a schema written as text.

    Raises:
        BadCheck: it is no JSON object or no schema.
    """
    value, problem = strict_json(schema)
    if problem or not isinstance(value, dict):
        raise BadCheck("needs @schema or a JSON object")
    try:
        Draft202012Validator.check_schema(value)
    except SchemaError as error:
        raise BadCheck(f"has a bad schema: {error.message}") from error
    return Draft202012Validator(value, registry=Registry())


@dataclass(frozen=True, kw_only=True)
class JsonFields:
    """The named fields equal those of the case's ``expected``; without names all of its fields."""

    fields: tuple[str, ...]
    name: ClassVar[str] = "json_fields"
    kind: ClassVar[CheckKind] = "content"

    @classmethod
    def parse(cls, argument: str) -> Self:
        """``queue, priority``."""
        fields = tuple(field.strip() for field in split_escaped(argument, ",") if field.strip())
        return cls(fields=fields)

    def judge(self, subject: Subject) -> tuple[bool, str]:
        """Unscored when the answer is no JSON object: that is for a format check to say."""
        expected, _ = strict_json(subject.case.expected)
        if not isinstance(expected, dict):
            raise CannotJudge("the case's expected is not a JSON object")
        value, problem = subject.parsed
        if problem or not isinstance(value, dict):
            raise CannotJudge(problem or "the answer is not a JSON object")
        fields = self.fields or tuple(expected)
        unknown = [field for field in fields if field not in expected]
        if unknown:
            raise CannotJudge(f"the case's expected has no field {quoted(unknown)}")
        wrong = [
            name
            for name in fields
            if name not in value or _canonical(value[name]) != _canonical(expected[name])
        ]
        if not wrong:
            return True, f"{quoted(fields)} as expected"
        first = wrong[0]
        said = json.dumps(value[first], ensure_ascii=False) if first in value else "absent"
        return False, f"{first} is {said}, expected {json.dumps(expected[first], ensure_ascii=False)}"


def _canonical(value: object) -> str:
    """Equal for equal JSON values: 2 and 2.0 are, 1 and true are not."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, list):
        return f"[{','.join(_canonical(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{json.dumps(key)}:{_canonical(value[key])}' for key in sorted(value))}}}"
    return json.dumps(value)


@dataclass(frozen=True, kw_only=True)
class MaxWords:
    """The answer has at most so many words, divided by white space."""

    most: int
    name: ClassVar[str] = "max_words"
    kind: ClassVar[CheckKind] = "format"

    @classmethod
    def parse(cls, argument: str) -> Self:
        """A whole number above 0."""
        if not argument.isdecimal() or int(argument) < 1:
            raise BadCheck("needs a whole number above 0")
        return cls(most=int(argument))

    def judge(self, subject: Subject) -> tuple[bool, str]:
        """Counts them."""
        words = len(subject.text.split())
        return words <= self.most, f"{words} words, at most {self.most}"


@dataclass(frozen=True, kw_only=True)
class HouseVoice:
    """The answer keeps the scenario's style rules: opener, closer, wanted and banned words, length."""

    name: ClassVar[str] = "voice"
    kind: ClassVar[CheckKind] = "format"

    @classmethod
    def parse(cls, argument: str) -> Self:
        """``@voice``, for the scenario's own rules; there are no others."""
        if argument != OWN_VOICE:
            raise BadCheck(f"takes {OWN_VOICE}")
        return cls()

    def judge(self, subject: Subject) -> tuple[bool, str]:
        """Names the first rule that is broken."""
        voice = subject.scenario.voice
        if voice is None:
            raise CannotJudge("the scenario has no [voice] table")
        text, words = folded(subject.text), len(subject.text.split())
        banned = [word for word in voice.banned if contains(subject.text, word)]
        if voice.openers and not text.startswith(tuple(map(folded, voice.openers))):
            return False, "begins with none of the house's openers"
        if voice.closers and not text.endswith(tuple(map(folded, voice.closers))):
            return False, "ends with none of the house's closers"
        if voice.wanted and not any(contains(subject.text, word) for word in voice.wanted):
            return False, f"has none of the words {quoted(voice.wanted)}"
        if banned:
            return False, f"has the word {quoted(banned)}, which the house does not use"
        if voice.max_words and words > voice.max_words:
            return False, f"{words} words, at most {voice.max_words}"
        return True, "keeps the house's voice"
