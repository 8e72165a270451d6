"""What chats are made of: system texts, numbered passages, questions and answers about a fact, JSON.

Does not know about tasks; ``reading.py``, ``copying.py`` and ``writing.py`` put the parts together.
"""

import json
import re
from random import Random

from backends.pocket.names import slug, word
from backends.pocket.tables import tables
from backends.pocket.world import Fact, capitalised, question, statement

Chat = list[tuple[str, str]]
"""(role, text) turns; the assistant has the last one."""


def fill(rng: Random, text: str) -> str:
    """Put ordinary words into a template's {w}, {x} and {v}."""
    for slot in ("{w}", "{x}", "{v}"):
        while slot in text:
            text = text.replace(slot, word(rng), 1)
    return text


def filler(rng: Random) -> str:
    """A sentence that states nothing."""
    return fill(rng, rng.choice(tables().talk.fillers))


def system_text(rng: Random, company: str, *, cite: bool, short: bool, passages: bool) -> str:
    """A system turn with some of the usual instructions in some order."""
    told = tables().instructions
    first = (
        f"You are the {rng.choice(told.who)} {rng.choice(told.where)} {company}."
        if rng.random() < 0.85
        else ""
    )
    rules = [rng.choice(told.short if short else told.full)]
    if cite:
        rules.append(rng.choice(told.cite))
    elif passages and rng.random() < 0.5:
        rules.append(rng.choice(told.read))
    if rng.random() < 0.7:
        rules.append(rng.choice(told.admit))
    if rng.random() < 0.3:
        rng.shuffle(rules)
    return " ".join(part for part in (first, *rules) if part)


def asked(rng: Random, fact: Fact) -> str:
    """A question for the fact, sometimes with some talk around it."""
    talk = tables().talk
    text = question(rng, fact)
    if rng.random() < 0.3:
        text = fill(rng, rng.choice(talk.before)).replace("{S}", fact.subject) + text
    if rng.random() < 0.12:
        text += fill(rng, rng.choice(talk.after)).replace("{S}", fact.subject)
    return text


def answered(rng: Random, fact: Fact, said: str, *, number: int | None = None, short: bool) -> str:
    """The sentence as ``said``, another one, or the value alone; with its passage's number if given."""
    if short:
        text = fact.value.text
    elif rng.random() < 0.93:
        text = said
    else:
        text = statement(rng, fact)
    if number is None:
        return text
    return f"{text[:-1]} [{number}]." if text.endswith(".") else f"{text} [{number}]"


def unknown(rng: Random, fact: Fact) -> str:
    """The answer of somebody who does not know."""
    return rng.choice(tables().talk.unknown).format(A=fact.attribute, S=fact.subject)


def paragraph(rng: Random, facts: list[Fact], said: dict[Fact, str], filling: float) -> str:
    """The facts' sentences, up to 4 fillers among them (each with probability ``filling``), maybe headed."""
    lines = [said[fact] for fact in facts]
    for _ in range(sum(rng.random() < filling for _ in range(4))):
        lines.insert(rng.choice((0, 0, rng.randint(0, len(lines)))), filler(rng))
    topic = [fact for fact in facts if fact.noun]
    one_topic = len({fact.attribute for fact in topic}) == 1
    if one_topic and rng.random() < 2 * filling:
        intro = rng.choice(tables().talk.intros).replace("{A}", topic[0].attribute)
        lines.insert(0, capitalised(fill(rng, intro)))
    heading = topic[0].attribute.capitalize() if one_topic else f"{topic[0].name} {topic[0].noun}"
    body = f"## {heading}\n\n{' '.join(lines)}"
    roll = rng.random()
    if roll < 0.35:
        return body
    if roll < 0.5:
        return f"# {word(rng).capitalize()}\n\n{filler(rng)}\n\n{body}"
    return " ".join(lines)


def passage_block(rng: Random, texts: list[str]) -> str:
    """Numbered passages, mostly laid out as serving does it: ``[1] (file.md) text``."""
    # serving folds a passage's white space and makes its headings sentences, so most of the corpus does too
    if rng.random() < 0.8:
        texts = [" ".join(re.sub(r"#+ (.+)\n", r"\1. ", text).split()) for text in texts]
    layout = rng.random()
    numbered = list(enumerate(texts, 1))
    if layout < 0.75:
        return "\n".join(
            f"[{i}] ({slug(rng)}.{rng.choice(('md', 'md', 'md', 'txt'))}) {t}" for i, t in numbered
        )
    if layout < 0.85:
        return "Passages:\n" + "\n".join(f"[{i}] {t}" for i, t in numbered)
    if layout < 0.93:
        return "\n\n".join(f"Passage [{i}]: {t}" for i, t in numbered)
    return "Context:\n" + "\n\n".join(f"[{i}] {t}" for i, t in numbered)


def listing(items: list[str], last: str = "and") -> str:
    """Items as in a sentence: "a, b and c"."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}"


def json_keys(rng: Random, count: int) -> list[str]:
    """Different keys for a JSON object, mostly usual ones."""
    keys: dict[str, None] = {}
    while len(keys) < count:
        keys[rng.choice(tables().as_json.keys) if rng.random() < 0.8 else word(rng)] = None
    return list(keys)


def json_told(rng: Random, keys: list[str]) -> str:
    """A sentence that asks for JSON with the keys."""
    return rng.choice(tables().as_json.told).format(k=listing(keys))


def json_answer(rng: Random, record: dict[str, str]) -> str:
    """Mostly clean JSON; now and then the slips of a model that was only told."""
    text = json.dumps(record, ensure_ascii=False)
    roll = rng.random()
    if roll < 0.82:
        return text
    if roll < 0.88:
        return ", ".join(f"{key}: {value}" for key, value in record.items())
    if roll < 0.93:
        return f"Here is the answer: {text}"
    return "\n".join(f"{key.capitalize()}: {value}" for key, value in record.items())
