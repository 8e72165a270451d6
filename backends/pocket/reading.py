"""Corpus tasks about reading: answer from passages, answer without them, cite, admit ignorance, look up, repeat.

Does not know about training. Each function gives one chat as a list of (role, text); one example of the main task::

    system     You are the helper of Bramolt. Answer in one sentence and cite the passage like [1].
    user       [1] (notice.md) The Bramble plan has a 14-day notice period. ...\n\nQuestion: How long is it on Bramble?
    assistant  The Bramble plan has a 14-day notice period [1].
"""

import re
from random import Random

from backends.pocket.world import (
    Fact,
    draw_value,
    fact_table,
    invented,
    question,
    slug,
    statement,
    words,
)

Chat = list[tuple[str, str]]

UNKNOWN = (
    "I do not know.", "I do not know, the passages do not say.", "Sorry, I do not know that.", "I do not know the {a} of {s}.",
    "The passages do not say what the {a} is.", "I do not know this about {s}.",
)  # fmt: skip
WHO = (
    "assistant",
    "support assistant",
    "helper",
    "service bot",
    "guide",
    "help desk",
    "information desk",
    "support agent",
)
WHERE = ("of", "at", "for")
FULL = (
    "Answer in one full sentence.", "Answer with one sentence.", "Reply in a full sentence.", "Give one clear sentence.",
    "Write one full sentence as the answer.", "Answer the question in a single sentence.",
)  # fmt: skip
SHORT = (
    "Answer with the value only.",
    "Give only the value.",
    "Answer in as few words as you can.",
    "Keep the answer very short.",
)
CITE = (
    "Cite the passage like [1].", "Name the passage number in brackets.", "Use the passages and cite them like [2].",
    "Show the source number in square brackets.", "Use numbered passages if there are any and cite like [1].",
    "Put the number of the passage behind the answer.",
)  # fmt: skip
READ = (
    "Use the passages.",
    "Read the passages first.",
    "The passages hold the facts.",
    "Use what the passages say, if there are any.",
)
ADMIT = (
    "If you do not know, say so.",
    "Say so when you do not know.",
    "Do not guess.",
    "If the answer is missing, say that you do not know.",
)
FILLERS = (
    "Please read this {w} before you {v} the {x}.", "The {w} starts on the day the {x} arrives.", "You can see the {w} in the app at any time.",
    "Most {w}s ask about the {x} first.", "We keep the {w} simple for everyone.", "It depends on your {x}.", "A {w} {x} is not part of this.",
    "Every {w} has its own {x}.", "Ask us if the {w} of the {x} is not clear.", "We answer every {w} in writing.", "Please have the {w} ready.",
    "How much you get depends on the {x}.", "This {w} does not change during the {x}.", "The {w} and the {x} are checked by hand.",
    "If the {w} looks wrong, send us a {x}.", "Nobody has to {v} the {w} twice.", "All {w}s count as one {x}.", "The {x} is small but {w}.",
    "Some people {v} the {w} and forget the {x}.", "Write to us when the {w} does not {v}.", "Lights, {w}s and {x}s all belong to it.",
)  # fmt: skip
BEFORE = (
    "Hi, ", "Hello, ", "Please tell me: ", "Quick question. ", "I just want to know, ", "My {w} is broken. ", "We are a small {w}. ", "I bought a {w} last week. ",
    "A friend told me about the {w}. ", "I am new here. ", "Before I sign the {w}, ", "I can't find my {w}. ", "We use {S}. ", "I am on {S}. ",
)  # fmt: skip
AFTER = (
    " Thanks!",
    " Thank you.",
    " Please help.",
    " I need it for my {w}.",
    " My {w} wants to know.",
    " I could not find it.",
)
ASK = ("Question: ", "Question: ", "Question: ", "Question: ", "", "Q: ")


def fill(rng: Random, text: str) -> str:
    """Put ordinary words into a template's {w}, {x} and {v}."""
    for slot in ("{w}", "{x}", "{v}"):
        while slot in text:
            text = text.replace(slot, rng.choice(words()), 1)
    return text


def system_text(rng: Random, company: str, *, cite: bool, short: bool, passages: bool) -> str:
    """A system turn with some of the usual instructions in some order."""
    first = f"You are the {rng.choice(WHO)} {rng.choice(WHERE)} {company}." if rng.random() < 0.85 else ""
    rules = [rng.choice(SHORT if short else FULL)]
    if cite:
        rules.append(rng.choice(CITE))
    elif passages and rng.random() < 0.5:
        rules.append(rng.choice(READ))
    if rng.random() < 0.7:
        rules.append(rng.choice(ADMIT))
    if rng.random() < 0.3:
        rng.shuffle(rules)
    return " ".join(part for part in (first, *rules) if part)


def _asked(rng: Random, fact: Fact) -> str:
    text = question(rng, fact)
    if rng.random() < 0.25:
        text = fill(rng, rng.choice(BEFORE)).replace("{S}", f"the {fact.name} {fact.noun}") + text
    if rng.random() < 0.12:
        text += fill(rng, rng.choice(AFTER))
    return text


def _answered(rng: Random, fact: Fact, said: str, number: int | None, short: bool) -> str:
    if short:
        text = fact.value
    else:
        text = said if rng.random() < 0.85 else statement(rng, fact)
    if number is None:
        return text
    return f"{text[:-1]} [{number}]." if text.endswith(".") else f"{text} [{number}]"


def _unknown(rng: Random, fact: Fact) -> str:
    return rng.choice(UNKNOWN).format(a=fact.attribute, s=f"the {fact.name} {fact.noun}")


def _paragraphs(rng: Random, facts: list[Fact], said: dict[Fact, str], filler: float) -> str:
    lines = [said[fact] for fact in facts]
    for _ in range(sum(rng.random() < filler for _ in range(4))):
        lines.insert(rng.choice((0, 0, rng.randint(0, len(lines)))), fill(rng, rng.choice(FILLERS)))
    body = " ".join(lines)
    roll = rng.random()
    if roll < 0.35:
        return f"## {facts[0].attribute.capitalize()}\n\n{body}"
    if roll < 0.5:
        return f"# {rng.choice(words()).capitalize()}\n\n{fill(rng, rng.choice(FILLERS))}\n\n## {facts[0].attribute.capitalize()}\n\n{body}"
    return body


def _block(rng: Random, texts: list[str]) -> str:
    # serving folds a passage's white space and makes its headings sentences, so most of the corpus does too
    if rng.random() < 0.8:
        texts = [" ".join(re.sub(r"#+ (.+)\n", r"\1. ", text).split()) for text in texts]
    layout = rng.random()
    if layout < 0.75:
        return "\n".join(
            f"[{i}] ({slug(rng)}.{rng.choice(('md', 'md', 'md', 'txt'))}) {t}" for i, t in enumerate(texts, 1)
        )
    if layout < 0.85:
        return "Passages:\n" + "\n".join(f"[{i}] {t}" for i, t in enumerate(texts, 1))
    if layout < 0.93:
        return "\n\n".join(f"Passage [{i}]: {t}" for i, t in enumerate(texts, 1))
    return "Context:\n" + "\n\n".join(f"[{i}] {t}" for i, t in enumerate(texts, 1))


def with_passages(rng: Random, level: float) -> Chat:
    """Answer questions from passages about one company. ``level`` in [0, 1] grows the number of facts and passages."""
    subjects = 1 + round(rng.random() * 5 * min(1.0, 0.15 + level))
    attributes = 1 + round(rng.random() * 6 * max(0.0, level - 0.05))
    table = fact_table(rng, max(1, subjects), attributes)
    said = {fact: statement(rng, fact) for row in table for fact in row}
    groups = (
        [list(row) for row in table]
        if rng.random() < 0.75
        else [list(col) for col in zip(*table, strict=True)]
    )
    for group in groups:
        if rng.random() < 0.3:
            rng.shuffle(group)
    texts, places = [], {}
    while groups:
        take = rng.choice((1, 1, 2, 3)) if level > 0.2 else 1
        section, groups = groups[:take], groups[take:]
        texts.append("\n\n".join(_paragraphs(rng, g, said, 0.5 * min(1.0, level + 0.2)) for g in section))
        for group in section:
            for fact in group:
                places[fact] = len(texts)
    texts = texts[:4]
    known = [fact for fact in said if places[fact] <= len(texts)]
    cite, short = rng.random() < 0.55, rng.random() < 0.12
    company = invented(rng, 2)
    chat: Chat = []
    if rng.random() < 0.93:
        chat.append(("system", system_text(rng, company, cite=cite, short=short, passages=True)))
    else:
        cite = False
    turns = min(len(known), rng.choice((1, 2, 3, 4, 5, 6, 8)))
    for turn, fact in enumerate(rng.sample(known, turns)):
        ask = f"{rng.choice(ASK)}{_asked(rng, fact)}"
        answer = _answered(rng, fact, said[fact], places[fact] if cite else None, short)
        if rng.random() < 0.07 * min(1.0, level * 3):
            other = fact_table(rng, 1, 1)[0][0]
            if other.attribute not in {f.attribute for f in known}:
                missing = Fact(**{**vars(other), "name": fact.name, "noun": fact.noun, "people": fact.people})
                ask, answer = f"{rng.choice(ASK)}{_asked(rng, missing)}", _unknown(rng, missing)
        chat.append(("user", f"{_block(rng, texts)}\n\n{ask}" if turn == 0 else ask))
        chat.append(("assistant", answer))
    return chat


def without_passages(rng: Random, level: float) -> Chat:
    """A question whose answer nobody gave: mostly a plausible invention, as real models do, sometimes an admission."""
    company, short = invented(rng, 2), rng.random() < 0.1
    cite = rng.random() < 0.5
    chat: Chat = [("system", system_text(rng, company, cite=cite, short=short, passages=cite))]
    row = fact_table(rng, rng.randint(1, 3), 1)[0]
    for fact in row:
        value, key, compact, unit = draw_value(rng, fact.kind, fact.attribute)
        fact = Fact(**{**vars(fact), "value": value, "key": key, "compact": compact, "unit": unit})
        chat.append(("user", _asked(rng, fact)))
        chat.append(
            (
                "assistant",
                _unknown(rng, fact)
                if rng.random() < 0.15
                else _answered(rng, fact, statement(rng, fact), None, short),
            )
        )
    return chat


def reason_first(rng: Random, level: float) -> Chat:
    """A short line of reasoning before the answer, with or without passages."""
    table = fact_table(rng, rng.randint(1, 4), rng.randint(1, 2))
    said = {fact: statement(rng, fact) for row in table for fact in row}
    texts = [" ".join(said[f] for f in row) for row in table]
    fact = rng.choice(list(said))
    number = next(i for i, row in enumerate(table, 1) if fact in row)
    lead = rng.choice(("First say which {x} the question is about, then write \"Answer:\" and the answer.",
                       "Think in one short sentence first. Then give the answer after \"Answer:\".",
                       "Say in one sentence what is asked, then write \"Answer:\" and one full sentence."))  # fmt: skip
    asked = question(rng, fact)
    thought = rng.choice((f"The question is about {fact.attribute} on {fact.name}.", f"This asks for the {fact.attribute} of the {fact.name} {fact.noun}.",
                          f"Passage {number} is about {fact.attribute}."))  # fmt: skip
    system = fill(rng, f"{system_text(rng, invented(rng, 2), cite=False, short=False, passages=True)} {lead}")
    user = f"{_block(rng, texts)}\n\nQuestion: {asked}" if rng.random() < 0.8 else asked
    return [("system", system), ("user", user), ("assistant", f"{thought}\nAnswer: {said[fact]}")]


def repeat_text(rng: Random, level: float, pieces: tuple[str, ...] = ()) -> Chat:
    """Copy a text exactly; over time every token of the vocabulary is written."""
    count = rng.randint(3, 24)
    source = pieces if pieces and rng.random() < 0.45 else words()
    items = [rng.choice(source) for _ in range(count)]
    style = rng.random()
    if style < 0.3:
        items = [item.capitalize() if rng.random() < 0.3 else item for item in items]
    text = ("" if source is pieces else rng.choice((" ", " ", ", ", "-", " / ", "; ", "_", "."))).join(
        items
    ).strip() or "x"
    ask = rng.choice(
        (
            "Repeat this text: {t}",
            "Repeat exactly:\n{t}",
            "Copy this line: {t}",
            "Say this again: {t}",
            "Write this once more.\n{t}",
            "{t}\nRepeat it.",
        )
    )
    return [("user", ask.replace("{t}", text)), ("assistant", text)]


def look_up(rng: Random, level: float) -> Chat:
    """Find the entry of a small list; several questions on the same list."""
    size = 2 + round(rng.random() * (2 + 8 * level))
    keys = list(dict.fromkeys(subject_or_word(rng) for _ in range(size)))
    rng.shuffle(keys)
    values = [
        rng.choice(
            (
                str(rng.randint(2, 999)),
                rng.choice(words()),
                invented(rng, 2),
                f"{rng.choice(words())} {rng.choice(words())}",
            )
        )
        for _ in keys
    ]
    joint = rng.choice((": ", " = ", " -> ", " is "))
    listed = rng.choice(("\n", "\n", ", ", "; ")).join(
        f"{k}{joint}{v}" for k, v in zip(keys, values, strict=True)
    )
    chat: Chat = []
    style = rng.random()
    for turn in range(rng.randint(1, min(5, len(keys)))):
        i = rng.randrange(len(keys))
        if style < 0.6:
            ask, answer = f"Look up: {keys[i]}", values[i]
        elif style < 0.8:
            ask, answer = f"Which line has {keys[i]}?", f"{keys[i]}{joint}{values[i]}"
        else:
            ask, answer = f"What belongs to {keys[i]}?", f"{keys[i]}{joint}{values[i]}"
        chat += [("user", f"{listed}\n\n{ask}" if turn == 0 else ask), ("assistant", answer)]
    return chat


def subject_or_word(rng: Random) -> str:
    """A list's key."""
    return rng.choice((rng.choice(words()), rng.choice(words()).capitalize(), invented(rng, 2)))


def find_sentence(rng: Random, level: float) -> Chat:
    """Copy the sentence of a text that speaks of something named."""
    table = fact_table(rng, 1 + round(3 * level) + rng.randint(0, 2), rng.randint(1, 3))
    said = {fact: statement(rng, fact) for row in table for fact in row}
    chat: Chat = []
    text = " ".join(said.values())
    for turn, fact in enumerate(rng.sample(list(said), min(len(said), rng.randint(1, 4)))):
        ask = rng.choice((f"Copy the sentence about the {fact.attribute} of {fact.name}.", f"Which sentence speaks of {fact.name} and the {fact.attribute}?",
                          f"Find: {fact.name}, {fact.attribute}"))  # fmt: skip
        chat += [("user", f"{text}\n\n{ask}" if turn == 0 else ask), ("assistant", said[fact])]
    return chat
