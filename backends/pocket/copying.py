r"""Corpus tasks about copying: repeat a text, look up an entry, find a sentence.

Reading needs copying first, and LoRA can only teach words that the base model has written before: these
tasks write every token of the vocabulary. An example::

    user       teal: 41\nharbour: 7\n\nLook up: harbour
    assistant  7
"""

from random import Random

from backends.pocket.chats import Chat
from backends.pocket.names import invented, word, words
from backends.pocket.tables import tables
from backends.pocket.world import fact_table, statement


def repeat_text(rng: Random, level: float, pieces: tuple[str, ...] = ()) -> Chat:
    """Copy a text exactly: ordinary words or, when given, ``pieces`` (the tokens of a vocabulary)."""
    count = rng.randint(3, 24)
    source = pieces if pieces and rng.random() < 0.45 else words()
    items = [rng.choice(source) for _ in range(count)]
    if rng.random() < 0.3:
        items = [item.capitalize() if rng.random() < 0.3 else item for item in items]
    joint = "" if source is pieces else rng.choice(tables().copying.joints)
    text = joint.join(items).strip() or "x"
    return [("user", rng.choice(tables().copying.repeat).replace("{t}", text)), ("assistant", text)]


def look_up(rng: Random, level: float) -> Chat:
    """Find the entry of a small list; several questions on the same list."""
    size = 2 + round(rng.random() * (2 + 8 * level))
    keys = list(dict.fromkeys(_key(rng) for _ in range(size)))
    rng.shuffle(keys)
    values = [_entry(rng) for _ in keys]
    joint = rng.choice((": ", " = ", " -> ", " is "))
    lines = [f"{key}{joint}{value}" for key, value in zip(keys, values, strict=True)]
    listed = rng.choice(("\n", "\n", ", ", "; ")).join(lines)
    chat: Chat = []
    style = rng.random()
    for turn in range(rng.randint(1, min(5, len(keys)))):
        i = rng.randrange(len(keys))
        if style < 0.6:
            ask, answer = f"Look up: {keys[i]}", values[i]
        elif style < 0.8:
            ask, answer = f"Which line has {keys[i]}?", lines[i]
        else:
            ask, answer = f"What belongs to {keys[i]}?", lines[i]
        chat += [("user", f"{listed}\n\n{ask}" if turn == 0 else ask), ("assistant", answer)]
    return chat


def _key(rng: Random) -> str:
    return rng.choice((word(rng), word(rng).capitalize(), invented(rng, 2)))


def _entry(rng: Random) -> str:
    forms = (str(rng.randint(2, 999)), word(rng), invented(rng, 2), f"{word(rng)} {word(rng)}")
    return rng.choice(forms)


def find_sentence(rng: Random, level: float) -> Chat:
    """Copy the sentence of a text that speaks of something named."""
    table = fact_table(rng, 1 + round(3 * level) + rng.randint(0, 2), rng.randint(1, 3))
    said = {fact: statement(rng, fact) for row in table for fact in row}
    text = " ".join(said.values())
    chat: Chat = []
    for turn, fact in enumerate(rng.sample(list(said), min(len(said), rng.randint(1, 4)))):
        ask = rng.choice(tables().copying.find).format(A=fact.attribute, N=fact.name)
        chat += [("user", f"{text}\n\n{ask}" if turn == 0 else ask), ("assistant", said[fact])]
    return chat
