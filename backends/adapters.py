"""People's adapters of a scenario: numbered, with their cards and what they learnt from, one in use a kind.

A number is never given twice, and an adapter that has one never changes: an answer's adapter stays known by
it. Whatever is written appears whole or not at all, also when two processes write at once or one is killed.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from backends.adapter_card import Card, card_of, said_by
from backends.adapter_places import (
    AS_SHIPPED,
    CARD,
    CONFIG,
    IN_USE,
    WEIGHTS,
    Place,
    choices,
    numbers,
    place_in_use,
    place_of,
    registry_folder,
)
from backends.engine.vetting import files_problem, retrain
from backends.errors import BadInput
from backends.knowledge.documents import write_whole
from backends.registry import registry
from backends.scenario import Scenario, changed_folder
from backends.training import ADAPTERS

EXAMPLES = "examples.jsonl"
"""What an adapter learnt from, beside it."""
DRILL_NOTE = "of the knowledge-change drill"
"""What the card of an adapter says that a drill trained; it goes when the drill is put back."""
_LAST = "last_number"
"""The highest number that was ever given."""


@dataclass(frozen=True, kw_only=True)
class Registered(Place):
    """An adapter that is there. ``in_use``: its kind's backend answers with it. ``problem`` is why no engine
    would load it, as what follows its name in a sentence; empty when nothing is known against it.
    """

    card: Card
    in_use: bool
    problem: str = ""


def registered(scenario: Scenario) -> tuple[Registered, ...]:
    """A scenario's adapters: those that ship, then people's own by their numbers."""
    kinds = [path.name for path in sorted(scenario.path.glob("adapters/*/")) if path.name[0] != "."]
    kinds.sort(key=lambda kind: (*ADAPTERS, kind).index(kind))
    shipped = [place_of(scenario.name, scenario.path, kind, AS_SHIPPED) for kind in kinds]
    own = [_numbered(scenario, number) for number in numbers(scenario.name)]
    return tuple(_looked_at(scenario, place) for place in (*shipped, *own) if place.is_there)


def register(
    scenario: Scenario, made: Path, *, use: bool, facts: Mapping[str, object] | None = None
) -> Registered:
    """Take the adapter in the folder ``made`` into the registry, under the scenario's next number.

    Args:
        scenario: whose adapter it is.
        made: holds its configuration, weights and card (which names its kind as "adapter"), and maybe
            ``examples.jsonl``, what it learnt from. It is copied and stays.
        use: whether its backend answers with it from now on.
        facts: what its card is to say besides, a "note" or another "origin", say.

    Raises:
        BadInput: the card names no kind, a file is missing, or it can't be stored.
    """
    kind = str((said_by(made / CARD) or {}).get("adapter"))
    if kind not in ADAPTERS:
        raise BadInput(
            f"The card of the adapter in {made} names no kind.", f"Known are: {', '.join(ADAPTERS)}."
        )
    if problem := files_problem(made):
        raise BadInput(f"The adapter in {made} {problem}.", retrain(scenario.name))
    with _writing(scenario.name) as folder:
        part = Path(tempfile.mkdtemp(dir=folder, prefix=".part-"))
        _fill(part, made, scenario.name, facts or {})
        number = _next_number(folder)
        part.rename(folder / str(number))
        if use:
            _choose(folder, kind, number)
    return _looked_at(scenario, _numbered(scenario, number))


def use(scenario: Scenario, kind: str, number: int) -> None:
    """Let a kind's backend answer with this adapter from now on; number 0 is the one that ships.

    Raises:
        BadInput: there is no such adapter of this kind, or the choice can't be stored.
    """
    with _writing(scenario.name) as folder:
        if number != AS_SHIPPED:
            find(scenario, kind, number)
        _choose(folder, kind, number)


def find(scenario: Scenario, kind: str, number: int) -> Registered:
    """A kind's adapter by its number; 0 is the one that ships.

    Raises:
        BadInput: there is none, or it is of another kind.
    """
    known = registered(scenario)
    found = next((one for one in known if (one.kind, one.number) == (kind, number)), None)
    if found is None:
        title = registry()[kind].title if kind in registry() else kind
        what = "no adapter that ships" if number == AS_SHIPPED else f"no adapter {number}"
        there = ", ".join(str(one.number) for one in known if one.kind == kind)
        raise BadInput(
            f"The scenario {scenario.name} has {what} for {title}.", f"There are: {there or 'none'}."
        )
    return found


def delete(scenario: Scenario, number: int) -> str:
    """Delete one of people's own adapters; gives a sentence on what its backend answers with from now on.
    What an engine has loaded of it goes on working there.

    Raises:
        BadInput: it ships, there is none of this number, or it can't be deleted.
    """
    with _writing(scenario.name) as folder:
        if number == AS_SHIPPED:
            raise BadInput("What ships is not deleted.", "Use another adapter instead.")
        if number not in numbers(scenario.name):
            raise BadInput(f"The scenario {scenario.name} has no adapter {number}.")
        gone = _looked_at(scenario, _numbered(scenario, number))
        if gone.in_use:
            _choose(folder, gone.kind, AS_SHIPPED)
        gone.folder.rename(Path(tempfile.mkdtemp(dir=folder, prefix=".part-")) / "gone")
        _sweep(folder)
    if not gone.in_use:
        return f"Adapter {number} was deleted."
    title = registry()[gone.kind].title
    if place_in_use(scenario.name, scenario.path, gone.kind).is_there:
        return f"Adapter {number} was deleted; {title} answers with the one that ships."
    return f"Adapter {number} was deleted; {title} has no adapter now."


def forget(scenario: str) -> None:
    """Delete all of a scenario that is deleted itself.

    Raises:
        BadInput: they can't be deleted.
    """
    if registry_folder(scenario).is_dir():
        with _writing(scenario) as folder:
            shutil.rmtree(folder)


def carry_over(scenario: str) -> None:
    """Take in what drills of earlier versions of Lever trained and left in use.

    Raises:
        BadInput: it can't be stored.
    """
    with _writing(scenario) as folder:
        before = changed_folder(scenario) / "adapters"
        for left in [before / kind for kind in ADAPTERS if (before / kind).is_dir()]:
            card = {**(said_by(left / CARD) or {}), "note": DRILL_NOTE}
            write_whole(left / CARD, json.dumps(card, indent=2).encode())
            number = _next_number(folder)
            left.rename(folder / str(number))
            _choose(folder, left.name, number)
        shutil.rmtree(before, ignore_errors=True)


def _numbered(scenario: Scenario, number: int) -> Place:
    """The place of a numbered adapter, whose kind its card names."""
    place = place_of(scenario.name, scenario.path, "", number)
    return replace(place, kind=str((said_by(place.folder / CARD) or {}).get("adapter", "")))


def _looked_at(scenario: Scenario, place: Place) -> Registered:
    card = card_of(place.folder)
    return Registered(
        scenario=place.scenario,
        kind=place.kind,
        number=place.number,
        folder=place.folder,
        card=replace(card, origin="shipped") if place.number == AS_SHIPPED else card,
        in_use=place_in_use(scenario.name, scenario.path, place.kind) == place,
        problem=files_problem(place.folder),
    )


def _fill(part: Path, made: Path, scenario: str, facts: Mapping[str, object]) -> None:
    import hashlib

    for name in (CONFIG, WEIGHTS, EXAMPLES):
        if name != EXAMPLES or (made / name).is_file():
            shutil.copyfile(made / name, part / name)
    digest = hashlib.sha256((part / WEIGHTS).read_bytes()).hexdigest()
    card = {**(said_by(made / CARD) or {}), **facts, "scenario": scenario, "weights_sha256": digest}
    (part / CARD).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    part.chmod(0o755)


def _next_number(folder: Path) -> int:
    """A number that nobody has or had; from now on it is given."""
    file = folder / _LAST
    last = int(file.read_text(encoding="utf-8")) if file.is_file() else 0
    number = max(last, *numbers(folder.name), 0) + 1
    write_whole(file, str(number).encode())
    return number


def _choose(folder: Path, kind: str, number: int) -> None:
    others = {other: chosen for other, chosen in choices(folder.name).items() if other != kind}
    chosen = {**others, kind: number} if number != AS_SHIPPED else others
    write_whole(folder / IN_USE, json.dumps(chosen).encode())


def _sweep(folder: Path) -> None:
    """Remove what was being written or deleted when a process was killed."""
    for left in folder.glob(".part-*"):
        shutil.rmtree(left) if left.is_dir() else left.unlink()


@contextmanager
def _writing(scenario: str) -> Iterator[Path]:
    """The registry's folder of a scenario, for this process alone."""
    from filelock import FileLock

    folder = registry_folder(scenario)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            folder.mkdir(exist_ok=True)
            _sweep(folder)
            yield folder
    except OSError as error:
        raise BadInput(f"The adapters of {scenario} can't be stored: {error.strerror or error}.") from error
