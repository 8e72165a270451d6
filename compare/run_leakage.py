"""Which cases of a run its adapters had learnt from: looked for once, when the run ends, and kept with it."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from backends.adapter_card import card_of
from backends.adapter_places import AS_SHIPPED, MARK, place_of
from backends.adapters import EXAMPLES
from backends.errors import BadInput
from backends.scenario import load_scenario
from backends.training.examples import Example, examples_path, file_hash, load_examples
from compare.cases import Case
from compare.leakage import LETTERS_ONLY, Leak, training_leaks, worth_embedding
from compare.numbers import count
from compare.sensitive import masked
from compare.tables import JsonValue

MOST_EMBEDDED = 2_000
"""Different texts of one run; a processor embeds them in about a minute."""
VectorsOf = Callable[[Collection[str]], Mapping[str, np.ndarray] | None]
"""Unit embeddings by text; None without an embedding model."""


@dataclass(frozen=True, kw_only=True)
class TrainedOn:
    """A file that adapters (by their keys, "scenario/kind") learnt from, with so many ``examples``, and the
    run's cases in it. ``examples`` is None where nobody knows the file any more.
    """

    adapters: tuple[str, ...]
    examples: int | None
    leaks: tuple[Leak, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RunLeakage:
    """All files behind a run's adapters, none without adapters; ``note`` says what was not compared."""

    trained_on: tuple[TrainedOn, ...]
    note: str = ""

    @property
    def cases(self) -> frozenset[str]:
        """The ids of the cases that some adapter of the run had learnt from."""
        return frozenset(leak.case for found in self.trained_on for leak in found.leaks)


def look_for_leaks(
    cases: Sequence[Case], adapters: Iterable[str], vectors_of: VectorsOf | None = None
) -> RunLeakage:
    """Compare a run's cases with what its adapters learnt from; secrets in the examples are masked.

    Without ``vectors_of``, or where too many texts would have to be embedded, only letters are compared.
    """
    by_file: dict[str, list[str]] = {}
    known: dict[str, tuple[Example, ...]] = {}
    unknown: list[str] = []
    for key in sorted(adapters):
        file = _learnt_from(key)
        if file is None:
            unknown.append(key)
            continue
        digest, known_examples = file
        known[digest] = known_examples
        by_file.setdefault(digest, []).append(key)
    vectors, note = _vectors(cases, list(known.values()), vectors_of) if known else (None, "")
    found = []
    for digest, keys in by_file.items():
        leaks = training_leaks(cases, known[digest], vectors).leaks
        shown = tuple(replace(leak, text=masked(leak.text)) for leak in leaks)
        found.append(TrainedOn(adapters=tuple(keys), examples=len(known[digest]), leaks=shown))
    found += [TrainedOn(adapters=(key,), examples=None) for key in unknown]
    return RunLeakage(trained_on=tuple(found), note=note)


def leakage_json(found: RunLeakage) -> JsonValue:
    """A run's leakage as one JSON object."""
    return asdict(found)


def stored_leakage(value: JsonValue | None) -> RunLeakage | None:
    """It again; None for a run that ended before leaks were looked for."""
    if value is None:
        return None
    said = cast("dict[str, Any]", value)
    files = (
        TrainedOn(
            adapters=tuple(file["adapters"]),
            examples=file["examples"],
            leaks=tuple(Leak(**leak) for leak in file["leaks"]),
        )
        for file in said["trained_on"]
    )
    return RunLeakage(trained_on=tuple(files), note=said["note"])


def _vectors(
    cases: Sequence[Case], files: Iterable[Sequence[Example]], vectors_of: VectorsOf | None
) -> tuple[Mapping[str, np.ndarray] | None, str]:
    """The embeddings of what could be near in meaning, and what to say when there are none."""
    if vectors_of is None:
        return None, LETTERS_ONLY
    texts = {text for examples in files for text in worth_embedding(cases, examples)}
    if len(texts) > MOST_EMBEDDED:
        return None, f"{LETTERS_ONLY} More than {count(MOST_EMBEDDED)} texts would have to be embedded."
    vectors = vectors_of(texts)
    return vectors, LETTERS_ONLY if vectors is None else ""


def _learnt_from(key: str) -> tuple[str, tuple[Example, ...]] | None:
    """The hash of the file that an adapter learnt from, and its examples: the scenario's if it is still the
    one that the card names, else the one that was kept beside the adapter.
    """
    name, _, kind = key.partition("/")
    kind, _, number = kind.partition(MARK)
    try:
        scenario = load_scenario(name)
        folder = place_of(name, scenario.path, kind, int(number or AS_SHIPPED)).folder
        own, digest = examples_path(scenario), card_of(folder).data_hash
        path: Path = own if own.is_file() and file_hash(own) == digest else folder / EXAMPLES
        return file_hash(path), load_examples(path)
    except (BadInput, OSError):
        return None
