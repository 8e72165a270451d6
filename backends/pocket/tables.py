"""The corpus's word lists and sentence templates, read once from ``sentences.toml`` and checked.

Does not know what a task does with them. The order of entries is part of the corpus's seed (see the
file's head).
"""

import tomllib
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

SENTENCES = Path(__file__).parent / "sentences.toml"
Words = tuple[str, ...]


class Table(BaseModel):
    """A frozen section of the file; an unknown or missing entry raises ``pydantic.ValidationError``."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Names(Table):
    """Parts of invented names, and the nouns behind them ("plan", "customers")."""

    onsets: Words
    vowels: Words
    codas: Words
    town_endings: Words
    subjects: Words
    people: Words


class Values(Table):
    """Parts of drawn values."""

    months: Words
    days: Words
    colors: Words
    shades: Words
    units: Words
    sizes: Words
    mail_endings: Words


class Sentences(Table):
    """Templates that state a fact, and templates that ask for it."""

    statements: Words
    questions: Words


class Kind(Sentences):
    """One kind of fact: its share, usual attributes, last words of compound attributes, and its sentences."""

    weight: int
    attributes: Words
    suffixes: Words = ()


class Instructions(Table):
    """What a system text may say."""

    who: Words
    where: Words
    full: Words
    short: Words
    cite: Words
    read: Words
    admit: Words
    reason: Words


class Talk(Table):
    """What stands around facts and questions."""

    unknown: Words
    thoughts: Words
    fillers: Words
    intros: Words
    before: Words
    after: Words
    ask: Words
    small_talk: tuple[tuple[str, str], ...]


class Copying(Table):
    """Ways to ask for a copy, and what joins the words to be copied."""

    repeat: Words
    joints: Words
    find: Words


class Messages(Table):
    """Parts of a message to be routed."""

    open: Words
    urgent: Words
    calm: Words


class Topic(Table):
    """What a message may be about: names of its class, whole sentences, and problems ("I ...")."""

    labels: Words
    letters: Words
    problems: Words


class Routing(Table):
    """Ways to ask for a class and for a level, and pairs (urgent, not urgent) of levels."""

    verbs: Words
    levels: tuple[tuple[str, str], ...]
    rules: Words


class Json(Table):
    """Ways to ask for JSON, and its usual keys."""

    told: Words
    keys: Words


class Voice(Table):
    """What a voice puts before and after a sentence."""

    openers: Words
    closers: Words


class Note(Table):
    """One line of a note: what a summary says of it, and sentences that say it."""

    summary: str
    sentences: Words


class News(Table):
    """Notices by kind, the names of the kinds, and ways to ask for a kind or for a frame around a notice."""

    rules: Words
    repeat: Words
    told: Words
    openers: Words
    closers: Words
    good: Words
    bad: Words
    plain: Words
    labels: dict[str, Words]


class Domain(Table):
    """What a visit of one kind may be about: noun phrases (``np``), verb phrases (``vp``) and small talk."""

    problems_np: Words
    problems_vp: Words
    findings_np: Words
    findings_vp: Words
    plans_np: Words
    plans_vp: Words
    distractors: Words


class Visits(Table):
    """Notes of visits: ways to ask for lines, the lines' labels by role, and sentences around a phrase."""

    told: Words
    labels: dict[str, Words]
    frames: dict[str, Words]
    domains: dict[str, Domain]


class Tables(Table):
    """The whole file; mappings keep its order."""

    names: Names
    values: Values
    any_kind: Sentences
    company: dict[str, Sentences]
    kinds: dict[str, Kind]
    paraphrases: dict[str, Words]
    retold: dict[str, Words]
    instructions: Instructions
    talk: Talk
    copying: Copying
    messages: Messages
    routing: Routing
    as_json: Json
    topics: dict[str, Topic]
    fields: dict[str, Words]
    voices: dict[str, Voice]
    notes: dict[str, Note]
    news: News
    visits: Visits


@lru_cache(maxsize=1)
def tables() -> Tables:
    """The tables; the file is read on the first call."""
    return Tables.model_validate(tomllib.loads(SENTENCES.read_text(encoding="utf-8")))
