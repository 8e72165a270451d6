r"""The corpus task of visit notes: turn free sentences into told, labelled lines by copying from them.

Does not know about training. An example::

    system     Write the lines Patient, Plan and Follow-up. Copy the words.
    user       On the table I saw a tick on the belly. Mila Brandt came in with a dry cough. I asked her to
               keep the bowl full. We meet again in 3 weeks.
    assistant  Patient: Mila Brandt\nPlan: keep the bowl full\nFollow-up: in 3 weeks
"""

from random import Random

from backends.pocket.chats import Chat, json_answer, listing
from backends.pocket.names import person, word
from backends.pocket.tables import tables
from backends.pocket.values import draw_value

PRONOUNS = (("he", "his", "him"), ("she", "her", "her"))


def note(rng: Random, level: float) -> Chat:
    """One to three notes of one kind of visit, each turned into the told lines."""
    visits = tables().visits
    domain = rng.choice(list(visits.domains))
    roles = [role for role in visits.labels if rng.random() < 0.8] or ["patient", "plan"]
    if rng.random() < 0.2:
        rng.shuffle(roles)
    labels = {role: rng.choice(visits.labels[role]) for role in roles}
    as_json = rng.random() < 0.15
    told = rng.choice(visits.told).format(k=listing(list(labels.values())))
    chat: Chat = [("system", f"{told} Reply with JSON only." if as_json else told)]
    for _ in range(rng.choice((1, 1, 2, 3))):
        text, said = _visit(rng, domain)
        record = {label: said[role] for role, label in labels.items()}
        lines = "\n".join(f"{label}: {phrase}" for label, phrase in record.items())
        chat += [("user", text), ("assistant", json_answer(rng, record) if as_json else lines)]
    return chat


def _visit(rng: Random, domain: str) -> tuple[str, dict[str, str]]:
    """A note, and the phrase of each role as it stands in it."""
    bank, frames = tables().visits.domains[domain], tables().visits.frames
    he, his, him = rng.choice(PRONOUNS)
    name = person(rng)
    said: dict[str, str] = {"patient": name}
    parts: list[str] = []

    def tell(frame: str, phrase: str = "", who: str = name) -> str:
        phrase = phrase.replace("{n}", str(rng.randint(2, 14)))
        slots = {"x": phrase, "f": who, "he": he, "his": his, "him": him, "w": word(rng)}
        parts.append(frame.format(**slots, He=he.capitalize(), His=his.capitalize()))
        return phrase

    kind = rng.choice(("vp", "np", "np"))
    phrases = bank.problems_vp if kind == "vp" else bank.problems_np
    asked = frames[f"problem_{kind}"]
    if rng.random() < 0.25:  # The name comes in a sentence of its own, then a pronoun.
        tell(rng.choice(frames["named"]))
        asked = tuple(frame for frame in asked if frame.startswith("{f}"))
        said["problem"] = tell(rng.choice(asked), rng.choice(phrases), he.capitalize())
    else:
        said["problem"] = tell(rng.choice(asked), rng.choice(phrases))
    kind = rng.choice(("vp", "np", "np"))
    phrases = bank.findings_vp if kind == "vp" else bank.findings_np
    said["finding"] = tell(rng.choice(frames[f"finding_{kind}"]), rng.choice(phrases))
    kind = rng.choice(("vp", "np", "np"))
    phrases = bank.plans_vp if kind == "vp" else bank.plans_np
    said["plan"] = tell(rng.choice(frames[f"plan_{kind}"]), rng.choice(phrases))
    said["back"] = tell(rng.choice(frames["back"]), _when(rng))
    talk = [rng.choice(bank.distractors) for _ in range(rng.choice((0, 0, 1, 2)))]
    parts += [sentence.format(w=word(rng)) for sentence in talk]
    if rng.random() < 0.6:
        rng.shuffle(parts)
    text = rng.choice((" ", " ", " ", "\n")).join(parts)
    if rng.random() < 0.2:
        text = text.lower()
        said = {role: phrase.lower() for role, phrase in said.items()}
    return text, said


def _when(rng: Random) -> str:
    day, clock = (
        rng.choice(tables().values.days),
        f"{rng.randint(8, 17)}:{rng.choice(('00', '15', '30', '45'))}",
    )
    forms = (
        f"in {rng.randint(2, 14)} {rng.choice(('days', 'weeks', 'months'))}",
        f"in 1 {rng.choice(('week', 'month'))}",
        f"on {draw_value(rng, 'date', '').text}",
        f"on {day}",
        f"on {day} at {clock}",
        f"this {day}",
        f"next {day} at {clock}",
    )
    return rng.choice((forms[0], *forms))
