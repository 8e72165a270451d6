"""Invented companies and their facts: names, values, sentences that state them and questions that ask for them.

Does not know about chats, tasks or training. One fact, as an example::

    Fact(subject="the Bramble plan", name="Bramble", attribute="notice period", kind="duration",
         value="14 days", key="14", compact="14-day")

Every name is drawn at random; :func:`allowed` refuses a text that holds a name, fact or wording of a shipped
scenario.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random

HERE = Path(__file__).parent
ONSETS = [
    "b",
    "bl",
    "br",
    "c",
    "ch",
    "cl",
    "cr",
    "d",
    "dr",
    "f",
    "fl",
    "fr",
    "g",
    "gl",
    "gr",
    "h",
    "j",
    "k",
    "kl",
    "l",
    "m",
    "n",
    "p",
    "pl",
    "r",
    "s",
    "sh",
    "sk",
    "sl",
    "st",
    "t",
    "th",
    "tr",
    "v",
    "w",
    "y",
    "z",
    "qu",
]
VOWELS = ["a", "e", "i", "o", "u", "a", "e", "o", "ai", "ea", "ee", "ia", "oa", "ou"]
CODAS = [
    "n",
    "r",
    "l",
    "s",
    "t",
    "m",
    "d",
    "x",
    "rn",
    "rt",
    "ld",
    "nd",
    "st",
    "ck",
    "ll",
    "ss",
    "mp",
    "th",
    "v",
    "n",
    "r",
    "l",
]
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
COLORS = [
    "red",
    "blue",
    "green",
    "yellow",
    "orange",
    "purple",
    "white",
    "black",
    "grey",
    "brown",
    "pink",
    "silver",
    "golden",
    "teal",
    "crimson",
    "ivory",
    "amber",
    "violet",
]
THINGS = [
    "devices",
    "users",
    "rooms",
    "seats",
    "cameras",
    "sensors",
    "lamps",
    "tickets",
    "projects",
    "members",
    "guests",
    "visits",
    "lessons",
    "books",
    "bags",
    "boxes",
    "cards",
    "meals",
    "prints",
    "messages",
    "reports",
    "samples",
    "tools",
    "photos",
    "pages",
    "files",
    "calls",
    "tests",
    "keys",
    "bikes",
    "chairs",
    "plants",
    "songs",
    "stations",
    "lines",
    "desks",
    "phones",
    "tables",
    "parcels",
    "windows",
    "doors",
    "videos",
    "invoices",
    "accounts",
    "folders",
    "alarms",
    "routes",
]
UNITS = ("minute", "hour", "day", "week", "month", "year")
SIZES = ("GB", "MB", "TB", "kg", "km", "litres", "metres")
SUFFIXES = {
    "duration": [
        "period",
        "window",
        "time",
        "term",
        "limit",
        "cover",
        "cycle",
        "break",
        "wait",
        "delay",
        "course",
        "warranty",
        "guarantee",
    ],
    "money": ["fee", "price", "charge", "cost", "deposit", "rate", "bill", "fine", "payment"],
    "percent": ["discount", "share", "rate", "rebate", "bonus", "refund", "tax"],
    "size": ["storage", "allowance", "cap", "memory", "limit", "space", "quota", "weight"],
    "person": ["manager", "lead", "director", "contact", "trainer", "founder", "clerk", "doctor"],
    "place": ["office", "depot", "centre", "shop", "desk", "warehouse", "branch", "address"],
    "time": ["deadline", "opening", "start", "call", "closing", "hour"],
    "email": ["address", "mailbox", "desk", "contact"],
    "code": ["code", "number", "reference", "label", "key", "model"],
    "color": ["box", "ribbon", "label", "badge", "door", "folder", "light"],
    "date": ["date", "deadline", "day", "review", "start", "renewal"],
}
ATTRIBUTES = {
    "duration": [
        "warranty",
        "hardware warranty",
        "trial",
        "trial period",
        "notice period",
        "return window",
        "delivery time",
        "repair time",
        "setup time",
        "response time",
        "reply time",
        "battery cover",
        "contract",
        "guarantee",
        "refund window",
        "session",
        "grace period",
        "log history",
        "video history",
        "money-back period",
        "waiting time",
        "cover",
        "storage time",
        "exchange period",
        "loan",
        "support time",
        "payment term",
    ],
    "money": [
        "price",
        "monthly price",
        "yearly price",
        "monthly fee",
        "setup fee",
        "delivery charge",
        "deposit",
        "late fee",
        "repair fee",
        "annual price",
        "cancellation fee",
        "insurance",
        "shipping cost",
        "extra user fee",
        "rent",
        "service charge",
        "replacement fee",
        "credit",
        "express fee",
    ],
    "percent": [
        "discount",
        "student discount",
        "yearly discount",
        "refund share",
        "service level",
        "tax",
        "commission",
        "loyalty bonus",
    ],
    "size": [
        "storage",
        "cloud storage",
        "memory",
        "upload limit",
        "data allowance",
        "file size limit",
        "weight limit",
        "backup space",
    ],
    "person": [
        "team lead",
        "account manager",
        "support lead",
        "founder",
        "director",
        "head of sales",
        "trainer",
        "contact person",
        "warehouse manager",
    ],
    "place": [
        "repair centre",
        "head office",
        "pick-up point",
        "return address",
        "shop",
        "training centre",
        "warehouse",
        "service desk",
    ],
    "time": [
        "opening time",
        "closing time",
        "phone line start",
        "daily backup",
        "order deadline",
        "weekly call",
    ],
    "email": ["support address", "billing address", "help desk", "sales contact", "complaints mailbox"],
    "code": [
        "model number",
        "discount code",
        "order code",
        "part number",
        "service code",
        "plan code",
        "form number",
    ],
    "color": ["box", "label", "welcome card", "ribbon", "cable", "light", "badge", "folder"],
    "date": ["renewal date", "billing day", "start date", "review date", "closing date"],
}
GENERAL_STATEMENTS = (
    "The {A} of {S} is {V}.", "The {A} for {S} is {V}.", "On {S}, the {A} is {V}.", "For {S}, the {A} is {V}.",
    "{C} has a {A} of {V}.", "{V^} is the {A} of {S}.", "With {S}, the {A} is {V}.", "In {S} the {A} is {V}.",
)  # fmt: skip
STATEMENTS = {
    "duration": (
        "{C} includes a {H} {A}.", "{C} comes with a {H} {A}.", "With {S} you get a {H} {A}.", "{P^} have a {H} {A}.",
        "The {A} on {S} lasts {V}.", "{P^} get {V} of {A}.", "{C} gives {V} of {A}.", "On {S} the {A} runs for {V}.",
        "The {A} of {S} ends after {V}.", "{P^} receive a {H} {A}.", "{C} offers {V} of {A}.", "For {S}, {A} ends after {V}.",
        "The {A} takes {V} on {S}.", "{C} has a {H} {A}.", "Anyone on {S} has a {A} of {V}.", "{C} promises a {A} of {V}.", "{P^} have a {A} of {V}.", "The {A} on {S} is over within {V}.",
        "{P^} wait {V} for the {A}.", "We keep the {A} of {S} at {V}.", "For {V}, {P} enjoy the {A}.",
    ),
    "money": (
        "{C} has a {A} of {V}.", "You pay a {A} of {V} on {S}.", "{P^} pay {V} as {A}.", "The {A} on {S} comes to {V}.",
        "{C} costs {V} in {A}.", "With {S} the {A} is only {V}.", "We charge {P} a {A} of {V}.", "{P^} pay a {A} of {V}.",
        "Expect a {A} of {V} with {S}.", "{C} asks for a {A} of {V}.",
    ),
    "count": (
        "{C} allows {V}.", "{C} can connect {V}.", "{C} includes {V}.", "{C} supports up to {V}.", "{P^} can have {V}.",
        "Up to {V} are part of {S}.", "With {S} you can use {V}.", "On {S}, the limit is {V}.", "{C} comes with {V}.",
        "{P^} may add up to {V}.", "{C} covers {V}.", "{C} can handle {V}.",
    ),
    "percent": (
        "{P^} get a {A} of {V}.", "{C} gives a {A} of {V}.", "The {A} on {S} comes to {V}.", "{C} carries a {A} of {V}.",
    ),
    "size": (
        "{C} includes {V} of {A}.", "With {S} you get {V} of {A}.", "{P^} have {V} of {A}.", "{C} comes with {V} of {A}.",
        "{C} offers {V} of {A}.",
    ),
    "person": (
        "{V} is the {A} for {S}.", "{V} works as {A} of {S}.", "The {A} of {S} is called {V}.", "{P^} talk to {V}, the {A}.",
        "{V} has been {A} of {S} for years.", "{P^} have {V} as {A}.",
    ),
    "place": (
        "The {A} of {S} is in {V}.", "{C} has its {A} in {V}.", "The {A} for {S} stands in {V}.", "You find the {A} of {S} in {V}.",
        "{P^} use the {A} in {V}.", "{P^} write to the {A} in {V}.",
    ),
    "time": (
        "On {S}, the {A} is at {V}.", "The {A} of {S} is at {V}.", "For {P}, the {A} is {V}.", "{C} has its {A} at {V}.", "{P^} run their {A} at {V}.", "{P^} can call from {V}, the {A}.",
    ),
    "email": (
        "{P^} write to {V} for the {A}.", "The {A} for {S} is {V}.", "Send a mail to {V}, the {A} of {S}.",
    ),
    "code": (
        "{C} carries the {A} {V}.", "{V} is the {A} of {S}.", "{C} has the {A} {V}.", "On {S}, the {A} is {V}.",
        "The {A} {V} belongs to {S}.", "{P^} enter the {A} {V}.",
    ),
    "color": (
        "{C} has a {V} {A}.", "{C} comes with a {V} {A}.", "The {A} of {S} is {V}.", "{P^} get a {V} {A}.", "Look for the {V} {A} of {S}.",
    ),
    "date": (
        "The {A} of {S} is on {V}.", "On {S}, the {A} falls on {V}.", "{C} has its {A} on {V}.", "{P^} have their {A} on {V}.",
    ),
}  # fmt: skip
GENERAL_QUESTIONS = (
    "What is the {A} of {S}?", "What is the {A} for {S}?", "Tell me the {A} of {S}.", "What {A} does {S} have?",
    "{N} {A}?", "{a} {n}", "Can you tell me the {A} of {S}, please?", "Which {A} does {S} come with?",
    "I need to know the {A} of {S}.", "What about the {A} on {S}?", "I have {S}. What is the {A}?", "{N}, {A}?",
    "What does {S} say about the {A}?", "On {S}, what is the {A}?", "what {a} do i get with {n}", "Is there a {A} on {S}?",
)  # fmt: skip
QUESTIONS = {
    "duration": (
        "How long is the {A} on {S}?", "How long does the {A} of {S} last?", "How much {A} do I get with {S}?",
        "What {A} does {S} include?", "When does the {A} of {S} end?", "How many {U} of {A} does {S} have?",
        "For how many {U} does the {A} run on {S}?", "how long is the {a} if i take {n}", "Within how many {U} is the {A} over on {S}?",
    ),
    "money": (
        "How much is the {A} on {S}?", "How much do I pay as {A} with {S}?", "What {A} do {P} pay?", "How high is the {A} for {S}?",
        "What does the {A} cost on {S}?", "how much {a} for {n}",
    ),
    "count": (
        "How many {A} does {S} allow?", "How many {A} can I have with {S}?", "What is the limit of {A} on {S}?",
        "How many {A} are included in {S}?", "how many {a} on {n}", "How many {A} do {P} get?", "How many {A} can {S} connect?",
    ),
    "percent": ("How big is the {A} on {S}?", "How many percent is the {A} of {S}?", "What {A} do {P} get?"),
    "size": ("How much {A} does {S} include?", "How much {A} do I have on {S}?", "how much {a} does {n} have"),
    "person": ("Who is the {A} of {S}?", "Who works as {A} for {S}?", "Which person is the {A} on {S}?", "Who is {A} at {S}?"),
    "place": ("Where is the {A} of {S}?", "In which city is the {A} of {S}?", "Which city has the {A} for {S}?", "Where do {P} find the {A}?"),
    "time": ("When is the {A} on {S}?", "At what time is the {A} of {S}?", "What time is the {A} for {P}?"),
    "email": ("Where do {P} write for the {A}?", "Which mail is the {A} of {S}?", "What is the {A} for {S}?"),
    "code": ("Which {A} does {S} carry?", "What {A} do {P} enter?", "What {A} is on {S}?"),
    "color": ("Which color is the {A} of {S}?", "What color does the {A} of {S} have?", "What color is my {A} with {S}?"),
    "date": ("When is the {A} of {S}?", "On which day is the {A} on {S}?", "On what date do {P} have the {A}?"),
}  # fmt: skip
KINDS = tuple(STATEMENTS)
KIND_WEIGHTS = (22, 20, 12, 5, 9, 8, 7, 5, 4, 7, 4, 4)
NOUNS = [
    "plan",
    "plan",
    "plan",
    "plan",
    "package",
    "tariff",
    "kit",
    "course",
    "tour",
    "license",
    "membership",
    "pass",
    "model",
    "policy",
    "room",
    "studio-space",
    "class",
    "program",
    "service",
    "line",
    "team",
    "bundle",
]
PEOPLE = [
    "customers",
    "users",
    "members",
    "clients",
    "subscribers",
    "guests",
    "accounts",
    "orders",
    "owners",
    "units",
    "boxes",
    "teams",
]
PARAPHRASES = {
    "warranty": (
        "If it breaks, for how long do you fix it on {S}?",
        "How long am I covered with {N}?",
        "How long is it protected on {S}?",
    ),
    "guarantee": ("How long can I trust it with {N}?", "For how long do you stand behind {S}?"),
    "cover": ("My {N} one is weak. For how long do you pay?", "Until when is it covered on {N}?"),
    "return window": ("I changed my mind about {N}. How long may I wait?", "Until when can I send {S} back?"),
    "refund": ("Until when do I get my money back with {N}?", "When is it too late for my money on {S}?"),
    "delivery time": (
        "How soon will {S} arrive?",
        "How quickly is it at my door with {N}?",
        "I ordered {N} today. When is it here?",
    ),
    "repair time": ("How soon do you mend it on {S}?", "How long until it works again with {N}?"),
    "response time": (
        "How soon does somebody write back on {S}?",
        "How long do I wait for a reply with {N}?",
    ),
    "reply time": ("When do you answer me on {S}?", "How long until you reply to {N} {P}?"),
    "trial": ("How long may I test {S}?", "For how long is {N} free at first?"),
    "notice period": ("How early must I say that I leave {S}?", "How long before the end do I cancel {N}?"),
    "session": ("When am I signed out on {S}?", "How long can I be idle with {N}?"),
    "grace period": ("I forgot to pay {N}. How long does it still run?", "How late may I pay on {S}?"),
    "history": ("How far can I look back on {S}?", "For how long can I go back with {N}?"),
    "monthly": (
        "What do I pay each month for {S}?",
        "How much is {N} a month?",
        "What does {N} take every four weeks?",
    ),
    "yearly": ("What is {S} for twelve months?", "What do I owe for a full year of {N}?"),
    "annual": ("How much is {N} for one year?", "What is a year of {S}?"),
    "price": ("How much is {S}?", "What does {N} cost?", "How expensive is {S}?"),
    "setup fee": ("What do I pay once at the start of {S}?", "How much is it to join {N}?"),
    "delivery charge": ("What does it cost to send {S}?", "What do I pay the driver for {N}?"),
    "shipping": ("How much is the parcel with {N}?", "What do I pay to get {S} sent?"),
    "late fee": ("What if I pay {N} too late?", "How much more is it when I am late with {S}?"),
    "replacement": ("What is a new one on {S}?", "I lost mine. How much is another one with {N}?"),
    "discount": ("How much do I save with {N}?", "What share comes off on {S}?"),
    "storage": (
        "How much room do I have on {S}?",
        "How much can I keep with {N}?",
        "How many GB come with {S}?",
    ),
    "limit": ("How far can I go on {S}?", "What is the most that {N} allows?"),
    "manager": ("Who takes care of {S}?", "Who looks after {N} {P}?", "Name the person in charge of {S}."),
    "lead": ("Who runs it on {S}?", "Who is in charge of {N}?"),
    "founder": ("Who started {S}?", "Who began {N} in the first place?"),
    "contact": ("Whom do I ask on {S}?", "Who helps {N} {P}?"),
    "repair centre": ("Where do I send a broken {N}?", "Which town mends {S}?"),
    "office": ("Where do you sit for {S}?", "In which town is your {N} team?"),
    "return address": ("Where does my {N} parcel go?", "To which town do I send {S} back?"),
    "opening": ("When can I first call on {S}?", "From when is somebody there for {N}?"),
    "closing": ("Until when is somebody there on {S}?", "When do you shut for {N}?"),
    "daily backup": ("When is my data saved on {S}?", "At what time do you save {N}?"),
    "support address": ("Where can {N} {P} write?", "Which mail do I use with {S}?"),
    "discount code": ("What do I type to save on {S}?", "Which code makes {N} cheaper?"),
    "billing day": ("When do you take the money for {N}?", "On which day do I pay for {S}?"),
    "renewal date": ("When does {S} start again?", "On what day is {N} renewed?"),
    "box": ("What color is my {N} parcel?", "How do I know the {N} box?"),
    "users": ("How many people can use {S}?", "How many of us may join {N}?"),
    "devices": ("How many things can I connect to {S}?", "How many gadgets fit {N}?"),
}


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One (subject, attribute, value). ``key`` is the string that a right answer must hold."""

    name: str
    noun: str
    people: str
    attribute: str
    kind: str
    value: str
    key: str
    compact: str
    unit: str


@lru_cache(maxsize=1)
def words() -> tuple[str, ...]:
    """Ordinary English words (a frequent part of SCOWL's small list, public domain)."""
    return tuple((HERE / "words.txt").read_text(encoding="utf-8").split())


@lru_cache(maxsize=1)
def held_out() -> re.Pattern[str]:
    """The names and facts of every shipped scenario, as one pattern (case-sensitive, at word boundaries)."""
    names = {
        line.strip()
        for file in (HERE.parent.parent / "scenarios").glob("*/holdout.txt")
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.strip()
    }
    ordered = sorted(names, key=len, reverse=True) or ["\0"]
    return re.compile(r"(?<!\w)(?:" + "|".join(re.escape(name) for name in ordered) + r")(?!\w)")


@lru_cache(maxsize=1)
def held_out_runs() -> frozenset[tuple[str, ...]]:
    """Every run of 8 words in the shipped scenarios' cases and knowledge, lower-cased."""
    folder = HERE.parent.parent / "scenarios"
    texts = [
        file.read_text(encoding="utf-8")
        for file in folder.glob("*/knowledge/*")
        if file.suffix in (".md", ".txt", ".csv")
    ]
    for file in folder.glob("*/cases.csv"):
        with file.open(encoding="utf-8-sig", newline="") as rows:
            texts += [row["query"] for row in csv.DictReader(rows)]
    return frozenset(run for text in texts for run in runs_of_words(text))


def runs_of_words(text: str, length: int = 8) -> list[tuple[str, ...]]:
    """Every ``length`` words in a row, lower-cased, without punctuation."""
    found = re.findall(r"[a-z0-9]+", text.lower())
    return [tuple(found[i : i + length]) for i in range(len(found) - length + 1)]


def allowed(text: str) -> bool:
    """Whether the text holds no name, fact or wording (8 words in a row) of a shipped scenario."""
    return held_out().search(text) is None and held_out_runs().isdisjoint(runs_of_words(text))


def invented(rng: Random, syllables: int) -> str:
    """A pronounceable invented name."""
    parts = [rng.choice(ONSETS) + rng.choice(VOWELS) for _ in range(syllables)]
    return ("".join(parts) + (rng.choice(CODAS) if rng.random() < 0.7 else "")).capitalize()


def subject_name(rng: Random) -> str:
    """A plan, product or room name: an ordinary word with a capital, or an invented one."""
    roll = rng.random()
    if roll < 0.62:
        return rng.choice(words()).capitalize()
    if roll < 0.9:
        return invented(rng, rng.choice((1, 2)))
    return f"{rng.choice(words()).capitalize()} {rng.choice(words()).capitalize()}"


def person(rng: Random) -> str:
    """A first and a family name."""
    return f"{invented(rng, rng.choice((1, 2)))} {invented(rng, rng.choice((1, 2, 2)))}"


def place(rng: Random) -> str:
    """A town."""
    return invented(rng, rng.choice((1, 2))) + rng.choice(
        ("", "", "by", "ton", "ford", "burg", "field", "mere", "dale")
    )


def slug(rng: Random) -> str:
    """A file-name stem."""
    return "-and-".join(rng.choice(words()) for _ in range(rng.choice((1, 1, 1, 2))))


def _color(rng: Random) -> str:
    return f"{rng.choice(('', '', 'deep ', 'light ', 'dark ', 'pale '))}{rng.choice(COLORS)}"


def ordinal(n: int) -> str:
    """4 to 20 as "4th" to "20th"."""
    return f"{n}th"


def number(rng: Random) -> int:
    """Mostly small, sometimes large, rarely round."""
    return rng.choice((rng.randint(2, 9), rng.randint(10, 99), rng.randint(10, 99), rng.randint(100, 990)))


def draw_value(rng: Random, kind: str, attribute: str) -> tuple[str, str, str, str]:
    """(value as said, key that must be in an answer, compact form before a noun, unit in the plural)."""
    if kind == "duration":
        n, unit = rng.randint(2, rng.choice((9, 30, 99))), rng.choice(UNITS)
        return f"{n} {unit}s", f"{n}", f"{n}-{unit}", f"{unit}s"
    if kind == "money":
        n = number(rng)
        text = rng.choice(
            (f"${n}", f"${n}", f"${n}", f"${n}.{rng.randint(10, 99)}", f"{n} euros", f"{n} dollars")
        )
        return text, text, text, "dollars"
    if kind == "count":
        n = number(rng)
        return f"{n} {attribute}", f"{n}", f"{n}", attribute
    if kind == "percent":
        n = rng.randint(2, 98)
        return rng.choice((f"{n} percent", f"{n} %")), f"{n}", f"{n} percent", "percent"
    if kind == "size":
        n, unit = number(rng), rng.choice(SIZES)
        return f"{n} {unit}", f"{n}", f"{n} {unit}", unit
    if kind == "time":
        text = f"{rng.randint(5, 23)}:{rng.choice((0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55)):02d}"
        return text, text, text, "hours"
    if kind == "code":
        letters = "".join(rng.choice("ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(rng.choice((1, 2, 2, 3))))
        text = f"{letters}{rng.choice(('-', '-', ''))}{rng.randint(10, 9999)}{rng.choice(('', '', '', rng.choice('ABCDEFGHKLMNPRSTX')))}"
        return text, text, text, ""
    if kind == "email":
        text = f"{rng.choice(words())}@{invented(rng, 2).lower()}.{rng.choice(('com', 'org', 'net', 'example', 'io'))}"
        return text, text, text, ""
    if kind == "date":
        text = rng.choice(
            (
                f"the {ordinal(rng.randint(4, 20))}",
                f"{rng.randint(1, 28)} {rng.choice(MONTHS)}",
                f"{rng.choice(MONTHS)} {rng.randint(1, 28)}",
                rng.choice(DAYS),
            )
        )
        return text, text, text, ""
    text = {"person": person, "place": place}.get(kind, _color)(rng)
    return text, text, text, ""


def draw_attribute(rng: Random) -> tuple[str, str]:
    """(kind, attribute phrase): a usual one or a compound of ordinary words."""
    kind = rng.choices(KINDS, KIND_WEIGHTS)[0]
    if kind == "count":
        return kind, rng.choice(
            THINGS
        ) if rng.random() < 0.7 else f"{rng.choice(words())} {rng.choice(THINGS)}"
    if rng.random() < 0.5:
        return kind, rng.choice(ATTRIBUTES[kind])
    return kind, f"{rng.choice(words())} {rng.choice(SUFFIXES[kind])}"


def _filled(rng: Random, template: str, fact: Fact) -> str:
    form = rng.random()
    subject = fact.name if form < 0.3 else f"the {fact.name} {fact.noun}"
    people = f"{fact.name} {fact.people}" if form < 0.8 else f"{fact.people} of {subject}"
    text = (
        template.replace("{S}", subject).replace("{C}", subject[0].upper() + subject[1:]).replace("{P^}", people[0].upper() + people[1:])
        .replace("{P}", people).replace("{N}", fact.name).replace("{n}", fact.name.lower()).replace("{a}", fact.attribute.lower())
        .replace("{A}", fact.attribute).replace("{V^}", fact.value[0].upper() + fact.value[1:]).replace("{V}", fact.value)
        .replace("{H}", fact.compact).replace("{U}", fact.unit)
    )  # fmt: skip
    return re.sub(r"\b([Aa]) (?=(?:8|11|18|[aeiou])(?!\d))", r"\1n ", text)


def statement(rng: Random, fact: Fact) -> str:
    """One sentence that states the fact."""
    pool: Sequence[str] = STATEMENTS[fact.kind]
    if fact.kind != "count" and rng.random() < 0.3:
        pool = GENERAL_STATEMENTS
    return _filled(rng, rng.choice(pool), fact)


def question(rng: Random, fact: Fact) -> str:
    """One question whose answer is the fact's value."""
    pool: Sequence[str] = QUESTIONS[fact.kind]
    near = [ask for part, asks in PARAPHRASES.items() if part in fact.attribute for ask in asks]
    if near and rng.random() < 0.45:
        pool = near
    elif fact.kind != "count" and rng.random() < 0.4:
        pool = GENERAL_QUESTIONS
    return _filled(rng, rng.choice(pool), fact)


def fact_table(rng: Random, subjects: int, attributes: int) -> list[list[Fact]]:
    """Facts of one company, one row an attribute and one column a subject; no value twice in a row."""
    names = list(dict.fromkeys(subject_name(rng) for _ in range(subjects)))
    rng.shuffle(names)
    noun, people = rng.choice(NOUNS), rng.choice(PEOPLE)
    table, used = [], set()
    while len(table) < attributes:
        kind, attribute = draw_attribute(rng)
        if attribute in used:
            continue
        used.add(attribute)
        row: list[Fact] = []
        unit_style = rng.getrandbits(32)
        while len(row) < len(names):
            # one style of value a row most of the time, as real tables of facts have it
            value, key, compact, unit = draw_value(rng, kind, attribute)
            if any(f.value == value for f in row):
                continue
            row.append(Fact(name=names[len(row)], noun=noun, people=people, attribute=attribute, kind=kind,
                            value=value, key=key, compact=compact, unit=unit))  # fmt: skip
        if kind == "duration" and unit_style % 3:
            unit = row[0].unit
            row = [
                Fact(name=f.name, noun=noun, people=people, attribute=attribute, kind=kind, value=f"{n} {unit}", key=str(n),
                     compact=f"{n}-{unit[:-1]}", unit=unit)
                for f, n in zip(row, rng.sample(range(2, 60), len(row)), strict=True)
            ]  # fmt: skip
        table.append(row)
    return table
