"""Invented companies and their facts: sentences that state them and questions that ask for them.

Does not know about chats, tasks or training. One fact, as an example::

    Fact(name="Bramble", noun="plan", people="customers", attribute="notice period", kind="duration",
         value=Value(text="14 days", key="14", compact="14-day", unit="days"))

Every name is drawn at random.
"""

import re
from dataclasses import dataclass
from random import Random

from backends.pocket.names import subject_name, word
from backends.pocket.tables import tables
from backends.pocket.values import Value, draw_value, lasting


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One (subject, attribute, value): what holds for the ``name`` ``noun`` and its ``people``."""

    name: str
    noun: str
    people: str
    attribute: str
    kind: str
    value: Value

    @property
    def subject(self) -> str:
        """The subject in full: "the Bramble plan"."""
        return f"the {self.name} {self.noun}"


def draw_attribute(rng: Random) -> tuple[str, str]:
    """(kind, attribute phrase): a usual one or a compound of ordinary words."""
    kinds = tables().kinds
    name = rng.choices(list(kinds), [kind.weight for kind in kinds.values()])[0]
    kind = kinds[name]
    if rng.random() < (0.7 if name == "count" else 0.5):
        return name, rng.choice(kind.attributes)
    return name, f"{word(rng)} {rng.choice(kind.suffixes or kind.attributes)}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _filled(rng: Random, template: str, fact: Fact) -> str:
    form = rng.random()
    subject = fact.name if form < 0.3 else fact.subject
    people = f"{fact.name} {fact.people}" if form < 0.8 else f"{fact.people} of {subject}"
    slots = {
        "{S}": subject,
        "{C}": _capital(subject),
        "{P^}": _capital(people),
        "{P}": people,
        "{N}": fact.name,
        "{n}": fact.name.lower(),
        "{a}": fact.attribute.lower(),
        "{A}": fact.attribute,
        "{V^}": _capital(fact.value.text),
        "{V}": fact.value.text,
        "{H}": fact.value.compact,
        "{U}": fact.value.unit,
    }
    for slot, text in slots.items():
        template = template.replace(slot, text)
    return re.sub(r"\b([Aa]) (?=(?:8|11|18|[aeiou])(?!\d))", r"\1n ", template)


def statement(rng: Random, fact: Fact) -> str:
    """One sentence that states the fact."""
    pool = tables().kinds[fact.kind].statements
    if fact.kind != "count" and rng.random() < 0.3:
        pool = tables().any_kind.statements
    return _filled(rng, rng.choice(pool), fact)


def question(rng: Random, fact: Fact) -> str:
    """One question whose answer is the fact's value."""
    pool = tables().kinds[fact.kind].questions
    near = tuple(ask for part, asks in tables().paraphrases.items() if part in fact.attribute for ask in asks)
    if near and rng.random() < 0.45:
        pool = near
    elif fact.kind != "count" and rng.random() < 0.4:
        pool = tables().any_kind.questions
    return _filled(rng, rng.choice(pool), fact)


def fact_table(rng: Random, subjects: int, attributes: int) -> list[list[Fact]]:
    """Facts of one company, one row an attribute and one column a subject; no value twice in a row."""
    names = list(dict.fromkeys(subject_name(rng) for _ in range(subjects)))
    rng.shuffle(names)
    noun, people = rng.choice(tables().names.subjects), rng.choice(tables().names.people)
    rows: dict[str, list[Fact]] = {}
    while len(rows) < attributes:
        kind, attribute = draw_attribute(rng)
        if attribute in rows:
            continue
        values = _different_values(rng, kind, attribute, len(names))
        rows[attribute] = [
            Fact(name=name, noun=noun, people=people, attribute=attribute, kind=kind, value=value)
            for name, value in zip(names, values, strict=True)
        ]
    return list(rows.values())


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
