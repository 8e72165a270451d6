"""Invented companies and their facts: sentences that state them and questions that ask for them.

Does not know about chats, tasks or training. One fact, as an example::

    Fact(name="Bramble", noun="plan", thing="kettle", people="customers", attribute="notice period",
         kind="duration", value=Value(text="14 days", key="14", compact="14-day", unit="days"))

Every name is drawn at random. A fact without a noun is about the company itself.
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from random import Random
from typing import Literal

from backends.pocket.names import subject_name, word
from backends.pocket.tables import Sentences, tables
from backends.pocket.values import Value, draw_value, lasting


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One (subject, attribute, value): what holds for a ``name`` ``noun``, its ``thing`` and ``people``."""

    name: str
    noun: str
    thing: str
    people: str
    attribute: str
    kind: str
    value: Value

    @property
    def subject(self) -> str:
        """The subject in full: "the Bramble plan", or the company's name."""
        return f"the {self.name} {self.noun}" if self.noun else self.name


def draw_attribute(rng: Random) -> tuple[str, str]:
    """(kind, attribute phrase): a usual one or a compound of ordinary words."""
    kinds = tables().kinds
    name = rng.choices(list(kinds), [kind.weight for kind in kinds.values()])[0]
    kind = kinds[name]
    if rng.random() < (0.7 if name == "count" else 0.5):
        return name, rng.choice(kind.attributes)
    return name, f"{word(rng)} {rng.choice(kind.suffixes or kind.attributes)}"


def capitalised(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[0].upper() + text[1:]


def _filled(rng: Random, template: str, fact: Fact) -> str:
    form = rng.random()
    subject = fact.name if form < 0.3 else fact.subject if form < 0.8 else _thing(fact)
    people = f"{fact.name} {fact.people}" if form < 0.8 else f"{fact.people} of {subject}"
    slots = {
        "{S}": subject,
        "{C}": capitalised(subject),
        "{P^}": capitalised(people),
        "{P}": people,
        "{N}": fact.name,
        "{n}": fact.name.lower(),
        "{a}": fact.attribute.lower(),
        "{A}": fact.attribute,
        "{V^}": capitalised(fact.value.text),
        "{V}": fact.value.text,
        "{H}": fact.value.compact,
        "{U}": fact.value.unit,
    }
    for slot, text in slots.items():
        template = template.replace(slot, text)
    return re.sub(r"\b([Aa]) (?=(?:8|11|18|[aeiou])(?!\d))", r"\1n ", template)


def _thing(fact: Fact) -> str:
    return f"the {fact.name} {fact.thing}" if fact.noun else fact.name


def statement(rng: Random, fact: Fact) -> str:
    """One sentence that states the fact."""
    pool = tables().kinds[fact.kind].statements
    near = _near("retold", fact.kind, fact.attribute)
    if near and rng.random() < 0.5:
        pool = near
    elif not fact.noun and rng.random() < 0.6:
        pool = _company_sentences(fact).statements
    elif fact.kind != "count" and rng.random() < 0.3:
        pool = tables().any_kind.statements
    return _filled(rng, rng.choice(pool), fact)


def _company_sentences(fact: Fact) -> Sentences:
    ours = tables().company
    return ours.get(fact.kind, ours["any"])


def question(rng: Random, fact: Fact) -> str:
    """One question whose answer is the fact's value."""
    pool = tables().kinds[fact.kind].questions
    near = _near("paraphrases", fact.kind, fact.attribute)
    if not fact.noun and rng.random() < 0.75:
        pool = _company_sentences(fact).questions
    elif near and rng.random() < 0.5:
        pool = near
    elif fact.kind != "count" and rng.random() < 0.4:
        pool = tables().any_kind.questions
    text = _filled(rng, rng.choice(pool), fact)
    if rng.random() < 0.15:
        text = text.replace(f"the {fact.name} ", f"{rng.choice(('my', 'my', 'our', 'a'))} {fact.name} ")
    return text


@lru_cache(maxsize=1 << 15)
def _near(table: Literal["retold", "paraphrases"], kind: str, attribute: str) -> tuple[str, ...]:
    """The table's sentences under a part of the attribute, or under its kind and such a part."""
    found: list[str] = []
    for key, templates in getattr(tables(), table).items():
        of_kind, _, part = key.rpartition("/")
        if of_kind in ("", kind) and part in attribute:
            found += templates
    return tuple(found)


def fact_table(rng: Random, subjects: int, attributes: int) -> list[list[Fact]]:
    """Facts of one company, one row an attribute and one column a subject; no value twice in a row."""
    names = list(dict.fromkeys(subject_name(rng) for _ in range(subjects)))
    rng.shuffle(names)
    noun, people = rng.choice(tables().names.subjects), rng.choice(tables().names.people)
    thing = word(rng)
    rows: dict[str, list[Fact]] = {}
    while len(rows) < attributes:
        kind, attribute = draw_attribute(rng)
        if attribute in rows:
            continue
        values = _different_values(rng, kind, attribute, len(names))
        rows[attribute] = [
            Fact(
                name=name, noun=noun, thing=thing, people=people, attribute=attribute, kind=kind, value=value
            )
            for name, value in zip(names, values, strict=True)
        ]
    return list(rows.values())


def company_facts(rng: Random, company: str, count: int) -> list[Fact]:
    """``count`` facts about the company as such, each of another attribute."""
    rows = fact_table(rng, 1, count)
    return [replace(fact, name=company, noun="", people="customers") for (fact,) in rows]


def _different_values(rng: Random, kind: str, attribute: str, count: int) -> list[Value]:
    # two rows of durations in three have one unit, as real tables of facts have it
    one_unit = rng.getrandbits(32) % 3 != 0
    values: list[Value] = []
    while len(values) < count:
        value = draw_value(rng, kind, attribute)
        if all(value.text != other.text for other in values):
            values.append(value)
    if kind == "duration" and one_unit:
        return [lasting(n, values[0].unit) for n in rng.sample(range(2, 60), count)]
    return values
