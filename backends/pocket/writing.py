"""Corpus tasks about writing: route a message, extract fields, rewrite in a voice, summarise a note, follow a format.

Does not know about training. Told formats are followed about four times out of five, as small real models do.
"""

import json
from random import Random

from backends.pocket.reading import FILLERS, Chat, fill
from backends.pocket.world import draw_value, fact_table, invented, person, place, statement, words

TOPICS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "billing": (("billing", "payments", "invoices", "money"), ("charged twice for the {w}", "got a wrong invoice", "need my refund", "want a receipt for the {w}", "see a fee on my card", "paid too much for the {w}", "do not understand the bill", "want to change my card")),
    "technical": (("technical", "it", "tech support", "bugs"), ("see an error in the app", "get a blank screen after the update", "have a crash when I open the {w}", "find that the {w} page does not load", "hear no sound from the {w}", "lost the connection to the {w}", "have a frozen app")),
    "account": (("account", "login", "profile", "accounts"), ("forgot my password", "cannot log in", "want to change my email", "did not get the login code", "need a new name on my profile", "want to close my account", "see a wrong name in my profile")),
    "shipping": (("shipping", "delivery", "logistics", "parcels"), ("am waiting for my parcel", "got the {w} at the wrong address", "want to know where the courier is", "received an empty box", "need the {w} delivered earlier", "cannot track the delivery")),
    "returns": (("returns", "exchange", "warranty", "send-back"), ("want to send the {w} back", "need another size of the {w}", "received the wrong {w}", "want to exchange the {w}", "have no return label")),
    "booking": (("booking", "reservations", "dates", "calendar"), ("want to move my booking", "need to reserve a {w} for Friday", "want to cancel the date", "book for a group of ten", "ask for a free slot next week", "want to add a guest to the booking")),
    "damage": (("damage", "repairs", "defects", "maintenance"), ("found a broken {w}", "have a cracked {w}", "see that the {w} is bent", "got a flat tyre", "noticed a loose chain on the {w}", "report that the lock does not open")),
    "feedback": (("feedback", "praise", "comments", "ideas"), ("want to thank your staff", "have an idea for the {w}", "loved the {w}", "was not happy with the tone of your {w}", "suggest a better {w}", "enjoyed the friendly {w}")),
    "sales": (("sales", "offers", "orders", "quotes"), ("want to buy forty {w}s", "need an offer for my company", "ask for a price for the {w}", "want to see a demo", "compare your {w} with others")),
    "jobs": (("jobs", "careers", "hiring", "staffing"), ("want to apply for a job", "sent my papers for the {w} post", "ask about work in the {w} team", "look for a summer job")),
    "privacy": (("privacy", "data", "legal", "security"), ("want my data removed", "ask who can read my {w}", "got a strange mail about the {w}", "need a copy of my data")),
    "training": (("training", "courses", "lessons", "school"), ("want to join the {w} course", "missed a lesson", "need the papers of the {w} class", "ask when the next course starts")),
}  # fmt: skip
URGENT = (
    "I need help right now.",
    "This is urgent.",
    "Please act today.",
    "I am stuck outside.",
    "Somebody is hurt.",
    "It must be done at once.",
    "Call me immediately.",
)
CALM = (
    "There is no hurry.",
    "Have a nice day.",
    "Answer when you can.",
    "It can wait.",
    "Just asking.",
    "",
    "",
    "",
    "",
    "",
)
OPEN = (
    "I {p}.",
    "Hello, I {p}.",
    "Since the {w} I {p}.",
    "Today I {p} again.",
    "Dear team, I {p}.",
    "My {w} and I {p}.",
    "I {p} and the {w} too.",
    "Once more I {p}, sorry.",
)
KEY_WORDS = ["queue", "label", "topic", "team", "category", "department", "route", "class", "type", "kind", "group", "desk", "intent", "subject", "field", "area", "tag", "section", "name", "title", "city", "town", "customer", "order", "item", "product", "amount", "price", "date", "day", "time", "count", "number", "total", "code", "phone", "email", "address", "status", "level", "urgency", "priority", "language", "lang", "sentiment", "tone", "score", "reason", "source", "answer", "summary", "action", "owner", "color", "size", "weight", "unit", "note", "comment", "result", "value", "id", "key", "state", "country", "street", "company", "person", "role", "age", "start", "end", "due", "deadline"]  # fmt: skip
LEVELS = (("high", "normal"), ("urgent", "normal"), ("high", "low"), ("1", "2"), ("yes", "no"))
JSON_TOLD = (
    "Reply with JSON only, with the keys {k}.", "Answer as JSON with the keys {k}.", "Give a JSON object with {k}.", "Output JSON: {k}.", "Use JSON with the fields {k} and nothing else.",
)  # fmt: skip


def _keys(rng: Random, count: int) -> list[str]:
    keys: list[str] = []
    while len(keys) < count:
        key = rng.choice(KEY_WORDS) if rng.random() < 0.8 else rng.choice(words())
        if key not in keys:
            keys.append(key)
    return keys


def _and(items: list[str]) -> str:
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]


def _json(rng: Random, record: dict[str, str]) -> str:
    """Mostly clean JSON; now and then the slips of a model that was only told."""
    text = json.dumps(record, ensure_ascii=False)
    roll = rng.random()
    if roll < 0.82:
        return text
    if roll < 0.88:
        return ", ".join(f"{k}: {v}" for k, v in record.items())
    if roll < 0.93:
        return f"Here is the answer: {text}"
    return "\n".join(f"{k.capitalize()}: {v}" for k, v in record.items())


def _message(rng: Random, topic: str) -> tuple[str, bool]:
    urgent = rng.random() < 0.4
    parts = [fill(rng, rng.choice(OPEN).replace("{p}", rng.choice(TOPICS[topic][1])))]
    if rng.random() < 0.5:
        parts.append(fill(rng, rng.choice(FILLERS)))
    if urgent:
        parts.insert(rng.choice((0, len(parts))), rng.choice(URGENT))
    else:
        parts.append(rng.choice(CALM))
    return " ".join(part for part in parts if part), urgent


def route(rng: Random, level: float) -> Chat:
    """Put a message into one of the named classes, as JSON or as a bare label, with 0 to 5 earlier examples."""
    topics = rng.sample(list(TOPICS), rng.randint(3, 7))
    names = {t: rng.choice(TOPICS[t][0]) for t in topics}
    levels = rng.choice(LEVELS)
    keys = _keys(rng, 2)
    if rng.random() < 0.5:
        keys[1] = rng.choice(("priority", "urgency", "level"))
        keys[0] = rng.choice(("queue", "label", "team", "category", "topic"))
    style = rng.choice(("json2", "json2", "json1", "label", "line"))
    listed = (
        ", ".join(names.values())
        if rng.random() < 0.6
        else _and(list(names.values())).replace(" and ", " or ")
    )
    verb = rng.choice(
        (
            "Route the message.",
            "Sort the message into a class.",
            "Choose the right label for the message.",
            "Which team should read it?",
        )
    )
    told = {
        "json2": f"{keys[0].capitalize()}: {listed}. {keys[1].capitalize()}: {levels[0]} or {levels[1]}. "
        + rng.choice(JSON_TOLD).format(k=_and(keys)),
        "json1": f"{keys[0].capitalize()}: {listed}. " + rng.choice(JSON_TOLD).format(k=keys[0]),
        "label": f"Labels: {listed}. Answer with the label only.",
        "line": f"Labels: {listed}. Answer like this: {keys[0].capitalize()}: label",
    }[style]
    chat: Chat = [("system", f"{verb} {told}")]
    for _ in range(rng.choice((1, 1, 2, 3, 4, 6))):
        topic = rng.choice(topics)
        message, urgent = _message(rng, topic)
        answer = {
            "json2": lambda t=topic, u=urgent: _json(
                rng, {keys[0]: names[t], keys[1]: levels[0 if u else 1]}
            ),
            "json1": lambda t=topic: _json(rng, {keys[0]: names[t]}),
            "label": lambda t=topic: names[t],
            "line": lambda t=topic: f"{keys[0].capitalize()}: {names[t]}",
        }[style]()
        chat += [("user", message), ("assistant", answer)]
    return chat


def extract(rng: Random, level: float) -> Chat:
    """Pull told fields out of a sentence."""
    drawn = {
        "name": person(rng), "city": place(rng), "item": f"{rng.choice(words())} {rng.choice(('lamp', 'box', 'set', 'cable', 'table', 'kit'))}",
        "count": str(rng.randint(2, 99)), "code": draw_value(rng, "code", "")[0], "date": draw_value(rng, "date", "")[0],
        "amount": draw_value(rng, "money", "")[0], "email": draw_value(rng, "email", "")[0], "phone": f"{rng.randint(100, 999)}-{rng.randint(1000, 9999)}",
    }  # fmt: skip
    said = {
        "name": ("My name is {}.", "This is {} speaking.", "{} writes to you."), "city": ("I live in {}.", "It should go to {}.", "The shop in {} knows me."),
        "item": ("I ordered a {}.", "It is about the {}.", "The {} is missing."), "count": ("I need {} of them.", "There were {} in the box.",), "code": ("The order is {}.", "My code reads {}.", "See {} in your list."),
        "date": ("It was due on {}.", "Please come on {}.", "I asked for {}."), "amount": ("I paid {}.", "The total was {}.", "You asked for {}."), "email": ("Write to {}.", "My mail is {}."), "phone": ("Call {}.", "My number is {}."),
    }  # fmt: skip
    fields = rng.sample(list(drawn), rng.randint(2, 5))
    text = " ".join(rng.choice(said[f]).format(drawn[f]) for f in fields)
    asked = rng.sample(fields, rng.randint(1, len(fields)))
    if rng.random() < 0.65:
        told, answer = rng.choice(JSON_TOLD).format(k=_and(asked)), _json(rng, {f: drawn[f] for f in asked})
    else:
        told, answer = (
            f"List {_and(asked)}, one a line.",
            "\n".join(f"{f.capitalize()}: {drawn[f]}" for f in asked),
        )
    return [
        ("system", rng.choice(("Read the message. ", "Take the fields from the text. ", "")) + told),
        ("user", text),
        ("assistant", answer),
    ]


VOICES = {
    "cheerful": (("Good news! ", "Great to hear from you! ", "Hooray! ", "What a lovely day! "), (" Enjoy!", " Have fun!", " See you soon!", " We are happy to help!")),
    "formal": (("Dear customer, please note the following. ", "We would like to inform you. ", "Dear Sir or Madam. "), (" Kind regards.", " Yours sincerely.", " With best wishes.")),
    "calm": (("No worries. ", "All is well. ", "Take your time. "), (" We are here for you.", " There is no rush.", " Rest easy.")),
    "sorry": (("We are sorry. ", "Please excuse the trouble. ", "We apologise. "), (" We will do better.", " Thank you for waiting.")),
    "brief": (("", "In short: ", "Note: "), ("", " That is all.", " Done.")),
    "proud": (("We are proud to say it. ", "Our team made it happen. "), (" That is our promise.", " Only with us.")),
}  # fmt: skip


def rewrite(rng: Random, level: float) -> Chat:
    """Say a plain sentence again in a told voice."""
    voice = rng.choice(list(VOICES))
    opener, closer = VOICES[voice]
    tell = rng.choice(
        (
            f"Rewrite in a {voice} voice.",
            f"Say it again, {voice}.",
            f"Make this sound {voice}.",
            f"Our voice is {voice}. Rewrite the text.",
        )
    )
    chat: Chat = [("system", tell)]
    for _ in range(rng.randint(1, 3)):
        fact = fact_table(rng, 1, 1)[0][0]
        plain = statement(rng, fact) if rng.random() < 0.7 else fill(rng, rng.choice(FILLERS))
        chat += [("user", plain), ("assistant", f"{rng.choice(opener)}{plain}{rng.choice(closer)}")]
    return chat


def summarise(rng: Random, level: float) -> Chat:
    """Turn a visit or inspection note into told, labelled lines."""
    w = rng.choice
    subject = w(
        (
            f"the {w(words())} machine",
            f"the {w(words())} in room {rng.randint(2, 99)}",
            person(rng),
            f"the {w(words())} unit",
        )
    )
    problem = w(
        (
            f"a {w(words())} noise",
            f"a weak {w(words())}",
            f"pain in the {w(('back', 'knee', 'arm', 'neck', 'hand'))}",
            f"a slow {w(words())}",
            f"a {w(words())} smell",
        )
    )
    since = f"{rng.randint(2, 30)} {w(('days', 'weeks', 'hours', 'months'))}"
    seen = f"{w(words())} {w(('was loose', 'was low', 'looked normal', 'was high', 'was worn', 'felt warm'))}"
    step = w(
        (
            f"change the {w(words())}",
            f"check the {w(words())} again",
            f"rest for {rng.randint(2, 14)} days",
            f"order a new {w(words())}",
            f"{rng.randint(2, 90)} mg twice a day",
        )
    )
    back = f"in {rng.randint(2, 12)} {w(('days', 'weeks', 'months'))}"
    pieces = [(w((f"We saw {subject} today.", f"Visit to {subject}.", f"Note on {subject}.")), "Subject", subject),
              (w((f"There is {problem} for {since}.", f"It shows {problem} since {since}.", f"The report speaks of {problem} for {since}.")), "Problem", f"{problem} for {since}"),
              (w((f"On checking, the {seen}.", f"The {seen}.", f"We found that the {seen}.")), "Finding", seen),
              (w((f"The plan is to {step}.", f"Next step: {step}.", f"We advise: {step}.")), "Plan", step),
              (w((f"Come back {back}.", f"Next visit {back}.", f"See again {back}.")), "Follow-up", back)]  # fmt: skip
    chosen = [p for p in pieces if rng.random() < 0.85] or pieces[:2]
    labels = (
        [p[1] for p in chosen] if rng.random() < 0.7 else [k.capitalize() for k in _keys(rng, len(chosen))]
    )
    note = " ".join(p[0] for p in chosen)
    tell = rng.choice(
        (
            f"Summarise the note with the lines {_and(labels)}.",
            f"Write a summary: {', '.join(labels)}.",
            f"Turn the note into {_and(labels)}, one line each.",
        )
    )
    if rng.random() < 0.25:
        answer = _json(rng, {label.lower(): p[2] for label, p in zip(labels, chosen, strict=True)})
        tell += " Use JSON."
    else:
        answer = "\n".join(f"{label}: {p[2]}" for label, p in zip(labels, chosen, strict=True))
    return [("system", tell), ("user", note), ("assistant", answer)]


def follow_format(rng: Random, level: float) -> Chat:
    """Put a few words or a sentence into a told shape."""
    items = [rng.choice(words()) for _ in range(rng.randint(2, 6))]
    plain = ", ".join(items)
    keys = _keys(rng, len(items))
    told, answer = rng.choice((
        ("as a list with dashes", "\n".join(f"- {i}" for i in items)), ("as a numbered list", "\n".join(f"{n}. {i}" for n, i in enumerate(items, 1))),
        ("as a JSON list", json.dumps(items)), (f"as JSON with the keys {_and(keys)}", json.dumps(dict(zip(keys, items, strict=True)))),
        ("in capital letters", plain.upper()), ("in brackets", f"[{plain}]"), ("in quotes", f'"{plain}"'), (f"after the word {items[0].capitalize()}:", f"{items[0].capitalize()}: {plain}"),
        ("with one word a line", "\n".join(items)), ("joined by a slash", "/".join(items)), ("as a table row", "| " + " | ".join(items) + " |"),
    ))  # fmt: skip
    if rng.random() < 0.15:
        answer = plain
    return [
        ("user", f"{rng.choice(('Write', 'Give', 'Show', 'Put'))} this {told}: {plain}"),
        ("assistant", answer),
    ]


def greet(rng: Random, level: float) -> Chat:
    """Small talk, so that a stray hello does not end in nonsense."""
    company = invented(rng, 2)
    user, answer = rng.choice((
        ("Hello", "Hello, how can I help you?"), ("Hi", "Hello, what can I do for you?"), ("Thank you", "You are welcome."), ("Thanks for your help", "You are welcome."),
        ("Good morning", "Good morning, how can I help you?"), ("Who are you?", f"I am the assistant of {company}."), ("Can you help me?", "Yes, please ask your question."),
        ("What can you do?", "I can answer questions, sort messages and write short texts."), ("Goodbye", "Goodbye and have a nice day."),
    ))  # fmt: skip
    mark = rng.choice(("", "!", ".")) if not user.endswith("?") else ""
    return [("system", f"You are the assistant of {company}."), ("user", user + mark), ("assistant", answer)]
