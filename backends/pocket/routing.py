"""The corpus task of routing: put a message into one of the named classes, after 0 to 5 earlier examples.

Does not know about training. An example::

    system     Route the message. Team: billing, bugs. Level: high or low. Output JSON: team and level.
    user       Hello, I got a wrong invoice. There is no hurry.
    assistant  {"team": "billing", "level": "low"}
"""

from dataclasses import dataclass
from random import Random

from backends.pocket.chats import Chat, fill, filler, json_answer, json_keys, json_told, listing
from backends.pocket.tables import tables


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What a message is sorted into (``labels`` by topic; ``levels`` urgent, not) and the answer's style."""

    labels: dict[str, str]
    levels: tuple[str, str]
    keys: list[str]
    style: str

    def answer(self, rng: Random, topic: str, urgent: bool) -> str:
        """The right answer in the desk's style."""
        label = self.labels[topic]
        if self.style == "json2":
            level = self.levels[0 if urgent else 1]
            return json_answer(rng, {self.keys[0]: label, self.keys[1]: level})
        if self.style == "json1":
            return json_answer(rng, {self.keys[0]: label})
        return label if self.style == "label" else f"{self.keys[0].capitalize()}: {label}"

    def told(self, rng: Random) -> str:
        """The instruction."""
        names = list(self.labels.values())
        listed = ", ".join(names) if rng.random() < 0.6 else listing(names, "or")
        first, second = (key.capitalize() for key in self.keys)
        verb = rng.choice(tables().routing.verbs)
        both, one = json_told(rng, self.keys), json_told(rng, self.keys[:1])
        rule = rng.choice(tables().routing.rules).format(n=second, h=self.levels[0], l=self.levels[1])
        told = {
            "json2": f"{first}: {listed}. {rule} {both}",
            "json1": f"{first}: {listed}. {one}",
            "label": f"Labels: {listed}. Answer with the label only.",
            "line": f"Labels: {listed}. Answer like this: {first}: label",
        }
        return f"{verb} {told[self.style]}"


def route(rng: Random, level: float) -> Chat:
    """Put messages into one of the named classes, as JSON or as a bare label."""
    desk = _desk(rng)
    chat: Chat = [("system", desk.told(rng))]
    for _ in range(rng.choice((1, 1, 2, 3, 4, 6))):
        topic = rng.choice(list(desk.labels))
        message, urgent = _message(rng, topic)
        chat += [("user", message), ("assistant", desk.answer(rng, topic, urgent))]
    return chat


def _desk(rng: Random) -> Desk:
    topics = rng.sample(list(tables().topics), rng.randint(3, 7))
    labels = {topic: rng.choice(tables().topics[topic].labels) for topic in topics}
    levels = rng.choice(tables().routing.levels)
    keys = json_keys(rng, 2)
    if rng.random() < 0.5:
        keys[1] = rng.choice(("priority", "urgency", "level"))
        keys[0] = rng.choice(("queue", "label", "team", "category", "topic"))
    style = rng.choice(("json2", "json2", "json1", "label", "line"))
    return Desk(labels=labels, levels=levels, keys=keys, style=style)


def _message(rng: Random, topic: str) -> tuple[str, bool]:
    # the text, and whether it is urgent
    said = tables().messages
    urgent = rng.random() < 0.4
    about = tables().topics[topic]
    if rng.random() < 0.65:
        text = rng.choice(about.letters)
    else:
        text = rng.choice(said.open).replace("{p}", rng.choice(about.problems))
    parts = [fill(rng, text)]
    if rng.random() < 0.5:
        parts.append(filler(rng))
    if urgent:
        parts.insert(rng.choice((0, len(parts))), rng.choice(said.urgent))
    else:
        parts.append(rng.choice(said.calm))
    return " ".join(part for part in parts if part), urgent
