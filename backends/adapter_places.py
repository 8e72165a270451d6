"""Where adapters stand, and which of them a backend answers with.

What ships with a scenario, or lies in the folder of somebody's own one, is number 0 of its kind and never
touched. Those that people train or bring in are numbered from 1, over all kinds of a scenario, in the data
folder: ``adapters/SCENARIO/NUMBER``. ``in_use.json`` beside them says which number a backend answers with.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from backends.settings import settings

AS_SHIPPED = 0
"""The number of an adapter that came with its scenario."""
CONFIG, WEIGHTS, CARD = "adapter_config.json", "adapter_model.safetensors", "card.json"
IN_USE = "in_use.json"
MARK = "+"
"""Stands before an adapter's number, in the engine's keys and in the names of lanes."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """One adapter, maybe not there: the ``scenario`` that it was made for, the backend (``kind``) that
    answers with it, its ``number``, and its ``folder``.
    """

    scenario: str
    kind: str
    number: int
    folder: Path

    @property
    def key(self) -> str:
        """What the engine knows it by: "scenario/kind", and "+number" when it did not ship."""
        mark = "" if self.number == AS_SHIPPED else f"{MARK}{self.number}"
        return f"{self.scenario}/{self.kind}{mark}"

    @property
    def is_there(self) -> bool:
        """Whether there is an adapter in the folder."""
        return (self.folder / CONFIG).is_file()


def registry_folder(scenario: str) -> Path:
    """Where a scenario's numbered adapters stand; maybe not there yet."""
    return settings().data_dir / "adapters" / scenario


def numbers(scenario: str) -> tuple[int, ...]:
    """The numbers of a scenario's own adapters, in order."""
    folder = registry_folder(scenario)
    found = folder.iterdir() if folder.is_dir() else ()
    return tuple(sorted(int(path.name) for path in found if path.name.isdecimal()))


def choices(scenario: str) -> dict[str, int]:
    """The number that people chose, by kind; what can't be read is no choice."""
    try:
        said = json.loads((registry_folder(scenario) / IN_USE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    known = said.items() if isinstance(said, dict) else ()
    return {kind: number for kind, number in known if type(number) is int and number > AS_SHIPPED}


def place_of(scenario: str, path: Path, kind: str, number: int) -> Place:
    """An adapter by its number; ``path`` is the scenario's folder."""
    shipped = path / "adapters" / kind
    folder = shipped if number == AS_SHIPPED else registry_folder(scenario) / str(number)
    return Place(scenario=scenario, kind=kind, number=number, folder=folder)


def place_in_use(scenario: str, path: Path, kind: str) -> Place:
    """The adapter that a backend answers with: the one that people chose, else, or when that is gone, the one
    that ships.
    """
    chosen = place_of(scenario, path, kind, choices(scenario).get(kind, AS_SHIPPED))
    return chosen if chosen.is_there else place_of(scenario, path, kind, AS_SHIPPED)
