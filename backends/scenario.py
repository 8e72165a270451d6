"""A scenario folder as the backends need it: texts, few-shot turns, schema, retrieval; no cases.

``scenarios/README.md`` explains the folder's files and keys to the person who writes one.
"""

import difflib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from backends.adapter_places import Place, place_in_use
from backends.errors import BadInput
from backends.settings import settings

RETRIEVAL_FILE = "retrieval.toml"
"""Among the changes of a scenario that ships: the retrieval settings that people chose."""
LAST = 1_000
"""The position of a scenario that names none."""
NO_SCENARIO = "none"
"""What cases are asked with that belong to no scenario."""
NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
"""What a scenario's folder may be called; anything else (a path, say) is never looked up."""


@dataclass(frozen=True, kw_only=True)
class FewShot:
    """One example turn: what a user wrote and the answer that is wanted."""

    user: str
    assistant: str


@dataclass(frozen=True, kw_only=True)
class PromptTexts:
    """What people may edit of a scenario's prompts; each set of texts that is asked with is a version.

    An empty text, no examples or no schema leave that part out.
    """

    system: str = ""
    cot: str = ""
    few_shot: tuple[FewShot, ...] = ()
    schema: str | None = None


NO_TEXTS = PromptTexts()


@dataclass(frozen=True, kw_only=True)
class RetrievalSettings:
    """``k`` passages of at most ``chunk_tokens`` tokens of the base model, overlapping by ``chunk_overlap``.

    A passage whose cosine to the query is below ``min_cosine`` is left out. ``keywords`` ranks by the words
    in common too (BM25) and fuses both rankings. ``diversity`` in [0, 1] gives up closeness to the query for
    passages that differ from one another; 0 gives up nothing.
    """

    k: int = 3
    chunk_tokens: int = 120
    chunk_overlap: int = 0
    min_cosine: float = 0.2
    keywords: bool = False
    diversity: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Voice:
    """The house style that ``voice: @voice`` checks; an empty list or a ``max_words`` of 0 asks for nothing.

    An answer begins with one of ``openers``, ends with one of ``closers``, holds one of ``wanted`` and none
    of ``banned``.
    """

    openers: tuple[str, ...] = ()
    closers: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    banned: tuple[str, ...] = ()
    max_words: int = 0


@dataclass(frozen=True, kw_only=True)
class ScriptedDrill:
    """A change of one fact, to be shown: in ``document``, ``old`` becomes ``new``."""

    document: str
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One task. ``name`` is its folder's; ``path`` the folder; ``examples`` the one-click queries.

    ``schema`` is the JSON schema of the answer as text, or None; ``voice`` its house style, or None;
    ``levers`` the backends that it is about; ``criteria`` what people rate; ``position`` its place among the
    scenarios on the screen; ``training`` says by adapter how its recipe differs from the usual one (fields of
    ``backends.training.Recipe``); ``drill`` is the change of a fact that it shows; ``adapters`` are to answer
    instead of those in use, by kind.
    """

    name: str
    path: Path
    title: str
    story: str
    system_prompt: str
    cot_prompt: str = ""
    few_shot: tuple[FewShot, ...] = ()
    schema: str | None = None
    voice: Voice | None = None
    criteria: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    levers: tuple[str, ...] = ()
    position: int = LAST
    retrieval: RetrievalSettings = RetrievalSettings()
    training: Mapping[str, Mapping[str, int | float]] = field(default_factory=dict, hash=False)
    drill: ScriptedDrill | None = None
    adapters: Mapping[str, Place] = field(default_factory=dict, hash=False)

    @property
    def knowledge(self) -> Path:
        """The folder of its documents; maybe not there."""
        changed = self.changed / "knowledge"
        return changed if self.ships and changed.is_dir() else self.path / "knowledge"

    def adapter_place(self, kind: str) -> Place:
        """The adapter that a kind's backend answers with; maybe not there."""
        return self.adapters.get(kind) or place_in_use(self.name, self.path, kind)

    def adapter(self, kind: str) -> Path:
        """The folder of that adapter; maybe not there."""
        return self.adapter_place(kind).folder

    def with_adapter(self, place: Place) -> "Scenario":
        """The same task, answered by this adapter whatever is in use."""
        return replace(self, adapters={**self.adapters, place.kind: place})

    @property
    def changed(self) -> Path:
        """Where people's changes of a scenario that ships are kept; what ships is never touched."""
        return changed_folder(self.name)

    @property
    def ships(self) -> bool:
        """Whether it is one of those that came with Lever, or were put beside them by hand."""
        return self.path.parent == settings().scenarios_dir

    @property
    def texts(self) -> PromptTexts:
        """The part of its prompts that can be edited."""
        return PromptTexts(
            system=self.system_prompt, cot=self.cot_prompt, few_shot=self.few_shot, schema=self.schema
        )

    def with_texts(self, texts: PromptTexts) -> "Scenario":
        """The same task, asked with other texts.

        Raises:
            BadInput: the schema is not a JSON object.
        """
        try:
            schema = checked_schema(texts.schema or "")
        except ValueError as error:
            raise BadInput(
                f"The JSON schema can't be used: {error}.", "Mend it under Instructions."
            ) from error
        return replace(
            self, system_prompt=texts.system, cot_prompt=texts.cot, few_shot=texts.few_shot, schema=schema
        )


def own_folder() -> Path:
    """Where the scenarios stand that people made here; maybe not there yet."""
    return settings().data_dir / "scenarios"


def changed_folder(name: str) -> Path:
    """Where people's changes of a scenario that ships are kept; maybe not there yet."""
    return settings().data_dir / "changed" / name


def list_scenarios(*, own: bool = True) -> tuple[str, ...]:
    """The names of all scenario folders, in alphabetical order; without people's ``own``, those that ship."""
    folders = (settings().scenarios_dir, own_folder()) if own else (settings().scenarios_dir,)
    found = (path.parent.name for folder in folders for path in folder.glob("*/scenario.toml"))
    return tuple(sorted({name for name in found if NAME.fullmatch(name)}))


def load_scenario(name: str) -> Scenario:
    """Read one scenario.

    Raises:
        BadInput: there is no such scenario, or its ``scenario.toml`` is malformed; the sentence says where.
    """
    if name == NO_SCENARIO:
        return _no_scenario()
    folders = (settings().scenarios_dir, own_folder())
    found = [folder / name for folder in folders if (folder / name / "scenario.toml").is_file()]
    if not NAME.fullmatch(name) or not found:
        raise BadInput(f"There is no scenario called {name!r}.", _known_names(name))
    path = found[0]
    if (changed_folder(name) / "adapters").is_dir():
        from backends.adapters import carry_over

        carry_over(name)
    try:
        table = tomllib.loads((path / "scenario.toml").read_text(encoding="utf-8"))
        changed = changed_folder(name) / RETRIEVAL_FILE
        if path.parent == settings().scenarios_dir and changed.is_file():
            table = {**table, **tomllib.loads(changed.read_text(encoding="utf-8"))}
        return _scenario(name, path, table)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise BadInput(f"The file scenario.toml of {name!r} can't be used: {reason}.") from error


def _no_scenario() -> Scenario:
    """For cases that bring only themselves: no instructions, no documents, no adapter, until somebody adds a
    scenario folder.
    """
    return Scenario(
        name=NO_SCENARIO,
        path=settings().data_dir / NO_SCENARIO,
        title="No scenario",
        story="Only the questions, without instructions, documents or adapters.",
        system_prompt="",
    )


def _known_names(name: str) -> str:
    known = list_scenarios()
    if not known:
        return f"The folder {settings().scenarios_dir} holds none; LEVER_SCENARIOS_DIR names another folder."
    close = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean {close[0]}?" if close else f"There are: {', '.join(known)}."


def _scenario(name: str, path: Path, table: Mapping[str, object]) -> Scenario:
    return Scenario(
        name=name,
        path=path,
        title=_text(table, "title") or name,
        story=_text(table, "story"),
        system_prompt=_text(table, "system_prompt"),
        cot_prompt=_text(table, "cot_prompt"),
        few_shot=tuple(_few_shot(row) for row in _tables(table, "few_shot")),
        schema=checked_schema(_text(table, "schema")),
        voice=_voice(table),
        criteria=_texts(table, "criteria"),
        examples=_texts(table, "examples"),
        levers=_texts(table, "levers"),
        position=_position(table),
        retrieval=_retrieval(table.get("retrieval", {})),
        training=_training(table.get("training", {})),
        drill=_drill(table),
    )


def _text(table: Mapping[str, object], key: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise TypeError(f"{key} must be a text")
    return value.strip()


def _texts(table: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"{key} must be a list of texts")
    return tuple(item.strip() for item in value)


def _position(table: Mapping[str, object]) -> int:
    value = table.get("position", LAST)
    if type(value) is not int:
        raise TypeError("position must be a whole number")
    return value


def _tables(table: Mapping[str, object], key: str) -> tuple[Mapping[str, object], ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise TypeError(f"{key} must be written as [[{key}]] tables")
    return tuple(value)


def _few_shot(row: Mapping[str, object]) -> FewShot:
    turn = FewShot(user=_text(row, "user"), assistant=_text(row, "assistant"))
    if not turn.user or not turn.assistant:
        raise ValueError("every [[few_shot]] needs user and assistant")
    return turn


def checked_schema(text: str) -> str | None:
    """A JSON schema as text, None for an empty one.

    Raises:
        ValueError: it is not a JSON object.
    """
    try:
        value = json.loads(text) if text.strip() else {}
    except RecursionError as error:
        raise ValueError("schema is nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("schema must be a JSON object")
    return text.strip() or None


def _voice(table: Mapping[str, object]) -> Voice | None:
    if "voice" not in table:
        return None
    rules = table["voice"]
    lists = ("openers", "closers", "wanted", "banned")
    if not isinstance(rules, dict) or rules.keys() - {*lists, "max_words"}:
        raise TypeError(f"voice must be a [voice] table with some of {', '.join(lists)} and max_words")
    most = rules.get("max_words", 0)
    if type(most) is not int or most < 0:
        raise TypeError("voice.max_words must be a whole number")
    return Voice(max_words=most, **{key: _texts(rules, key) for key in lists})


def _drill(table: Mapping[str, object]) -> ScriptedDrill | None:
    if "drill" not in table:
        return None
    said, keys = table["drill"], ("document", "old", "new")
    if not isinstance(said, dict) or said.keys() != set(keys) or not all(_text(said, key) for key in keys):
        raise TypeError(f"drill must be a [drill] table with {', '.join(keys)}")
    return ScriptedDrill(**{key: _text(said, key) for key in keys})


def _training(value: object) -> Mapping[str, Mapping[str, int | float]]:
    if not isinstance(value, dict) or not all(isinstance(recipe, dict) for recipe in value.values()):
        raise TypeError("training must be written as [training.<adapter>] tables")
    for adapter, recipe in value.items():
        for key, number in recipe.items():
            if type(number) not in (int, float):
                raise TypeError(f"training.{adapter}.{key} must be a number")
    return value


def _retrieval(value: object) -> RetrievalSettings:
    if not isinstance(value, dict):
        raise TypeError("retrieval must be a [retrieval] table")
    found = RetrievalSettings(**value)
    for key in ("k", "chunk_tokens", "chunk_overlap"):
        if type(getattr(found, key)) is not int:
            raise TypeError(f"retrieval.{key} must be a whole number")
    for key, least in (("min_cosine", -1), ("diversity", 0)):
        number = getattr(found, key)
        if type(number) not in (int, float) or not least <= number <= 1:
            raise ValueError(f"retrieval.{key} must lie between {least} and 1")
    found = replace(found, min_cosine=float(found.min_cosine), diversity=float(found.diversity))
    if type(found.keywords) is not bool:
        raise TypeError("retrieval.keywords must be true or false")
    if found.k < 1 or found.chunk_tokens < 16 or not 0 <= found.chunk_overlap < found.chunk_tokens:
        raise ValueError("retrieval needs k >= 1, chunk_tokens >= 16 and chunk_overlap below chunk_tokens")
    return found
