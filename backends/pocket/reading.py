r"""Corpus tasks about reading: answer from passages or without them, cite, admit ignorance, reason first.

Does not know about training. Each function gives one chat; an example of the main task::

    system     You are the helper of Bramolt. Answer in one sentence and cite the passage like [1].
    user       [1] (notice.md) The Bramble plan has a 14-day notice period.\n\nQuestion: bramble notice period
    assistant  The Bramble plan has a 14-day notice period [1].
"""

from dataclasses import replace
from random import Random

from backends.pocket.chats import Chat, answered, asked, fill, paragraph, passage_block, system_text, unknown
from backends.pocket.names import invented
from backends.pocket.tables import tables
from backends.pocket.values import draw_value
from backends.pocket.world import Fact, company_facts, fact_table, question, statement

PASSAGES = 4


def with_passages(rng: Random, level: float) -> Chat:
    """Answer questions from passages about one company; ``level`` in [0, 1] grows their number and facts.

    Some are about one or two attributes of many subjects: whose value it is must be read from the name. Some
    are about three or four attributes of many subjects, as retrieval finds them: the topic must be read from
    the question as well. One in three says something of the company itself too.
    """
    subjects = 1 + round(rng.random() * 5 * min(1.0, 0.15 + level))
    attributes = 1 + round(rng.random() * 4 * max(0.0, level - 0.05))
    shape = rng.random()
    if shape < 0.4:
        subjects, attributes = rng.randint(3, 3 + round(4 * level)), rng.choice((1, 1, 2))
    elif shape < 0.8 and level > 0.5:
        subjects, attributes = rng.randint(4, 6), rng.choice((3, 3, 4))
    company = invented(rng, 2)
    table = fact_table(rng, subjects, attributes)
    about_us = company_facts(rng, company, rng.choice((1, 1, 2, 3))) if rng.random() < 0.35 * level else []
    about_us = [fact for fact in about_us if all(fact.attribute != row[0].attribute for row in table)]
    said = {fact: statement(rng, fact) for row in (*table, about_us) for fact in row}
    texts, places = _passages(rng, table, about_us, said, level)
    known = [fact for fact in said if fact in places]
    cite, short = rng.random() < 0.55, rng.random() < 0.12
    chat: Chat = []
    if rng.random() < 0.93:
        chat.append(("system", system_text(rng, company, cite=cite, short=short, passages=True)))
    else:
        cite = False
    turns = min(len(known), rng.choice((2, 3, 4, 5, 6, 8)))
    for turn, fact in enumerate(rng.sample(known, turns)):
        ask = _ask(rng, fact)
        answer = answered(rng, fact, said[fact], number=places[fact] if cite else None, short=short)
        if rng.random() < 0.02 * min(1.0, level * 3):
            missing = fact_table(rng, 1, 1)[0][0]
            if missing.attribute not in {f.attribute for f in known}:
                missing = replace(
                    missing, name=fact.name, noun=fact.noun, thing=fact.thing, people=fact.people
                )
                ask, answer = _ask(rng, missing), unknown(rng, missing)
        chat.append(("user", f"{passage_block(rng, texts)}\n\n{ask}" if turn == 0 else ask))
        chat.append(("assistant", answer))
    return chat


def _ask(rng: Random, fact: Fact) -> str:
    return f"{rng.choice(tables().talk.ask)}{asked(rng, fact)}"


def _passages(
    rng: Random, table: list[list[Fact]], about_us: list[Fact], said: dict[Fact, str], level: float
) -> tuple[list[str], dict[Fact, int]]:
    """Up to 4 passages, by attribute or by subject, and the passage's number for each fact in them.

    Facts about the company stand at the head of a passage, together or one by one.
    """
    by_attribute = rng.random() < 0.85
    groups = [list(group) for group in (table if by_attribute else zip(*table, strict=True))]
    for group in groups:
        if rng.random() < 0.3:
            rng.shuffle(group)
    heads: list[list[Fact]] = [[] for _ in groups]
    for fact in about_us:
        rng.choice(heads).append(fact)
    groups = [[*head, *group] for head, group in zip(heads, groups, strict=True)]
    texts: list[str] = []
    places: dict[Fact, int] = {}
    filling = 0.25 * min(1.0, level + 0.2)
    while groups:
        take = rng.choice((1, 1, 2, 3)) if level > 0.2 else 1
        section, groups = groups[:take], groups[take:]
        texts.append("\n\n".join(paragraph(rng, group, said, filling) for group in section))
        if len(texts) <= PASSAGES:
            places.update({fact: len(texts) for group in section for fact in group})
    return texts[:PASSAGES], places


def without_passages(rng: Random, level: float) -> Chat:
    """Questions without a source: mostly a plausible invention, as real models do, sometimes an admission."""
    company, short = invented(rng, 2), rng.random() < 0.1
    cite = rng.random() < 0.5
    chat: Chat = [("system", system_text(rng, company, cite=cite, short=short, passages=cite))]
    for known in fact_table(rng, rng.randint(1, 3), 1)[0]:
        fact = replace(known, value=draw_value(rng, known.kind, known.attribute))
        chat.append(("user", asked(rng, fact)))
        if rng.random() < 0.15:
            chat.append(("assistant", unknown(rng, fact)))
        else:
            chat.append(("assistant", answered(rng, fact, statement(rng, fact), short=short)))
    return chat


def reason_first(rng: Random, level: float) -> Chat:
    """A short line of reasoning before the answer, with or without passages."""
    table = fact_table(rng, rng.randint(1, 4), rng.randint(1, 2))
    said = {fact: statement(rng, fact) for row in table for fact in row}
    texts = [" ".join(said[fact] for fact in row) for row in table]
    fact = rng.choice(list(said))
    number = next(i for i, row in enumerate(table, 1) if fact in row)
    lead = rng.choice(tables().instructions.reason)
    ask = question(rng, fact)
    thought = rng.choice(tables().talk.thoughts).format(
        A=fact.attribute, N=fact.name, S=fact.subject, i=number
    )
    told = system_text(rng, invented(rng, 2), cite=False, short=False, passages=True)
    system = fill(rng, f"{told} {lead}")
    user = f"{passage_block(rng, texts)}\n\nQuestion: {ask}" if rng.random() < 0.8 else ask
    return [("system", system), ("user", user), ("assistant", f"{thought}\nAnswer: {said[fact]}")]
