"""Corpus tasks about writing: extract fields, rewrite in a voice, summarise a note, follow a format, greet.

Does not know about training. Told formats are followed about four times out of five, as small real models do.
"""

import json
from random import Random

from backends.pocket.chats import Chat, filler, json_answer, json_keys, json_told, listing
from backends.pocket.names import invented, person, place, word
from backends.pocket.tables import tables
from backends.pocket.values import draw_value
from backends.pocket.world import fact_table, statement


def extract(rng: Random, level: float) -> Chat:
    """Pull told fields out of a sentence."""
    drawn = {
        "name": person(rng),
        "city": place(rng),
        "item": f"{word(rng)} {rng.choice(('lamp', 'box', 'set', 'cable', 'table', 'kit'))}",
        "count": str(rng.randint(2, 99)),
        "code": draw_value(rng, "code", "").text,
        "date": draw_value(rng, "date", "").text,
        "amount": draw_value(rng, "money", "").text,
        "email": draw_value(rng, "email", "").text,
        "phone": f"{rng.randint(100, 999)}-{rng.randint(1000, 9999)}",
    }
    fields = rng.sample(list(drawn), rng.randint(2, 5))
    text = " ".join(rng.choice(tables().fields[field]).format(drawn[field]) for field in fields)
    asked = rng.sample(fields, rng.randint(1, len(fields)))
    record = {field: drawn[field] for field in asked}
    if rng.random() < 0.65:
        told, answer = json_told(rng, asked), json_answer(rng, record)
    else:
        told, answer = f"List {listing(asked)}, one a line.", _lines(record)
    lead = rng.choice(("Read the message. ", "Take the fields from the text. ", ""))
    return [("system", lead + told), ("user", text), ("assistant", answer)]


def _lines(record: dict[str, str]) -> str:
    return "\n".join(f"{field.capitalize()}: {value}" for field, value in record.items())


def rewrite(rng: Random, level: float) -> Chat:
    """Say a plain sentence again in a told voice."""
    name = rng.choice(list(tables().voices))
    voice = tables().voices[name]
    tells = (
        f"Rewrite in a {name} voice.",
        f"Say it again, {name}.",
        f"Make this sound {name}.",
        f"Our voice is {name}. Rewrite the text.",
    )
    chat: Chat = [("system", rng.choice(tells))]
    for _ in range(rng.randint(1, 3)):
        facts = fact_table(rng, 1, rng.choice((1, 1, 2, 3)))
        plain = " ".join(statement(rng, fact) if rng.random() < 0.7 else filler(rng) for (fact,) in facts)
        answer = f"{rng.choice(voice.openers)}{plain}{rng.choice(voice.closers)}"
        chat += [("user", plain), ("assistant", answer)]
    return chat


def summarise(rng: Random, level: float) -> Chat:
    """Turn a visit or inspection note into told, labelled lines."""
    visit = _visit(rng)
    said = {label: rng.choice(note.sentences).format(**visit) for label, note in tables().notes.items()}
    kept = [label for label in said if rng.random() < 0.85] or list(said)[:2]
    usual = rng.random() < 0.7
    labels = kept if usual else [key.capitalize() for key in json_keys(rng, len(kept))]
    tells = (
        f"Summarise the note with the lines {listing(labels)}.",
        f"Write a summary: {', '.join(labels)}.",
        f"Turn the note into {listing(labels)}, one line each.",
    )
    tell = rng.choice(tells)
    summary = [tables().notes[label].summary.format(**visit) for label in kept]
    if rng.random() < 0.25:
        lowered = [label.lower() for label in labels]
        answer = json_answer(rng, dict(zip(lowered, summary, strict=True)))
        tell += " Use JSON."
    else:
        answer = "\n".join(f"{label}: {text}" for label, text in zip(labels, summary, strict=True))
    return [("system", tell), ("user", " ".join(said[label] for label in kept)), ("assistant", answer)]


def _visit(rng: Random) -> dict[str, str]:
    # every form is drawn before one is chosen: the order of draws is part of the seed
    subjects = (
        f"the {word(rng)} machine",
        f"the {word(rng)} in room {rng.randint(2, 99)}",
        person(rng),
        f"the {word(rng)} unit",
    )
    subject = rng.choice(subjects)
    problems = (
        f"a {word(rng)} noise",
        f"a weak {word(rng)}",
        f"pain in the {rng.choice(('back', 'knee', 'arm', 'neck', 'hand'))}",
        f"a slow {word(rng)}",
        f"a {word(rng)} smell",
    )
    problem = rng.choice(problems)
    since = f"{rng.randint(2, 30)} {rng.choice(('days', 'weeks', 'hours', 'months'))}"
    states = ("was loose", "was low", "looked normal", "was high", "was worn", "felt warm")
    seen = f"{word(rng)} {rng.choice(states)}"
    steps = (
        f"change the {word(rng)}",
        f"check the {word(rng)} again",
        f"rest for {rng.randint(2, 14)} days",
        f"order a new {word(rng)}",
        f"{rng.randint(2, 90)} mg twice a day",
    )
    step = rng.choice(steps)
    back = f"in {rng.randint(2, 12)} {rng.choice(('days', 'weeks', 'months'))}"
    return {"subject": subject, "problem": problem, "since": since, "seen": seen, "step": step, "back": back}


def follow_format(rng: Random, level: float) -> Chat:
    """Put a few words or a sentence into a told shape."""
    items = [word(rng) for _ in range(rng.randint(2, 6))]
    plain = ", ".join(items)
    told, answer = rng.choice(_shapes(items, json_keys(rng, len(items))))
    if rng.random() < 0.15:
        answer = plain
    return [
        ("user", f"{rng.choice(('Write', 'Give', 'Show', 'Put'))} this {told}: {plain}"),
        ("assistant", answer),
    ]


def _shapes(items: list[str], keys: list[str]) -> list[tuple[str, str]]:
    # (how the shape is told, the items in it)
    plain, head = ", ".join(items), items[0].capitalize()
    return [
        ("as a list with dashes", "\n".join(f"- {item}" for item in items)),
        ("as a numbered list", "\n".join(f"{number}. {item}" for number, item in enumerate(items, 1))),
        ("as a JSON list", json.dumps(items)),
        (f"as JSON with the keys {listing(keys)}", json.dumps(dict(zip(keys, items, strict=True)))),
        ("in capital letters", plain.upper()),
        ("in brackets", f"[{plain}]"),
        ("in quotes", f'"{plain}"'),
        (f"after the word {head}:", f"{head}: {plain}"),
        ("with one word a line", "\n".join(items)),
        ("joined by a slash", "/".join(items)),
        ("as a table row", f"| {' | '.join(items)} |"),
    ]


def greet(rng: Random, level: float) -> Chat:
    """Small talk, so that a stray hello does not end in nonsense."""
    company = invented(rng, 2)
    user, answer = rng.choice(tables().talk.small_talk)
    mark = rng.choice(("", "!", ".")) if not user.endswith("?") else ""
    return [
        ("system", f"You are the assistant of {company}."),
        ("user", user + mark),
        ("assistant", answer.format(c=company)),
    ]
