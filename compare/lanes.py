"""What a lane is: a backend under some version of the scenario's prompt texts, with some adapter.

``prompt`` is the backend with the texts that the run is asked with; ``prompt@2`` is the same backend with the
texts of version 2, so that two versions can stand side by side. ``lora`` answers with the adapter that is in
use when the run begins, ``lora+3`` with the scenario's adapter 3, ``lora+0`` with the one that ships, and
``lora+ticket-routing/3`` with another scenario's, to watch for what it forgot. ``lora@2+3`` is both at once.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from backends.adapter_places import MARK as ADAPTER
from backends.adapter_places import Place
from backends.adapters import find
from backends.base import Backend
from backends.errors import BadInput
from backends.registry import registry
from backends.scenario import NAME, Scenario, load_scenario
from backends.types import Query
from compare.live import CallKey
from compare.store import Store

MARK = "@"
MOST_CHARS = 64
"""How long a lane's name may be, which the store keeps with every call."""
_LANE = re.compile(
    rf"(?P<backend>[^{MARK}{ADAPTER}]*)(?:{MARK}(?P<version>[^{ADAPTER}]*))?"
    rf"(?:[{ADAPTER}](?:(?P<scenario>[^/]*)/)?(?P<adapter>.*))?",
    re.DOTALL,
)
_VERSION = re.compile(r"[1-9][0-9]{0,8}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")


@dataclass(frozen=True, kw_only=True)
class Lane:
    """One column of a run; ``scenario`` carries the texts that its prompts are made of, and the adapter that
    answers them.
    """

    name: str
    backend: Backend
    scenario: Scenario

    @property
    def adapter(self) -> str | None:
        """The engine's key of its adapter, which may not be there; None for a backend without one."""
        trained = "adapter" in self.backend.layers
        return self.scenario.adapter_place(self.backend.name).key if trained else None


def parts_of(lane: str) -> tuple[str, str | None, str | None, str | None]:
    """What a lane's name says, unchecked: backend, version, and the adapter's scenario and number; None for
    what it leaves to the run.
    """
    found = _LANE.fullmatch(lane)
    assert found is not None  # It takes any text apart.
    return found["backend"], found["version"], found["scenario"], found["adapter"]


def backend_of(lane: str) -> str:
    """The name of a lane's backend."""
    return parts_of(lane)[0]


def layers_of(lane: str) -> frozenset[str]:
    """What a lane's backend adds to the bare query; nothing for one that is gone since."""
    backend = registry().get(backend_of(lane))
    return frozenset(() if backend is None else backend.layers)


def is_trained(lane: str) -> bool:
    """Whether a lane answers with an adapter."""
    return "adapter" in layers_of(lane)


def version_of(lane: str) -> int | None:
    """The version that a lane names; None when it has the run's own texts.

    Raises:
        BadInput: what stands behind the mark is no number.
    """
    version = parts_of(lane)[1]
    if version is None:
        return None
    if not _VERSION.fullmatch(version):
        raise BadInput(f"The lane {lane!r} names no version.", "Write it like prompt@2.")
    return int(version)


def adapter_of(lane: str) -> tuple[str | None, int] | None:
    """The adapter that a lane names: its scenario, None for the run's own, and its number, 0 for the one that
    ships. None when the lane has the one in use.

    Raises:
        BadInput: what stands behind the mark is no adapter, or the backend has none.
    """
    backend, _, scenario, number = parts_of(lane)
    if number is None:
        return None
    if not _NUMBER.fullmatch(number) or not (scenario is None or NAME.fullmatch(scenario)):
        raise BadInput(f"The lane {lane!r} names no adapter.", "Write it like lora+2 or lora+SCENARIO/2.")
    if "adapter" not in registry()[backend].layers:
        trained = ", ".join(name for name, known in registry().items() if "adapter" in known.layers)
        raise BadInput(f"The backend {backend} answers without an adapter.", f"Those with one: {trained}.")
    return scenario, int(number)


def check_lanes(names: Sequence[str]) -> None:
    """Refuse lanes that can't be, before anything is loaded.

    Raises:
        BadInput: a backend is unknown, a lane is given twice, is too long, names no version or no adapter, or
            names one though its backend has none; or there is no lane.
    """
    known = f"Known are: {', '.join(registry())}."
    for name in names:
        if backend_of(name) not in registry():
            raise BadInput(f"There is no backend {backend_of(name)!r}.", known)
        version_of(name)
        adapter_of(name)
        if len(name) > MOST_CHARS:
            raise BadInput(f"The lane {name!r} has more than {MOST_CHARS} characters.", "Shorten its parts.")
    if not names or len(set(names)) < len(names):
        raise BadInput("Name at least one backend, and each only once.", known)


def open_lanes(names: Sequence[str], scenario: Scenario, store: Store) -> tuple[Lane, ...]:
    """The lanes of these names, in the order given; ``scenario`` carries the run's own texts. A lane keeps
    the adapter that is in use now, whatever people choose meanwhile.

    Raises:
        BadInput: see :func:`check_lanes`, or there is no such version or adapter.
        StoreUnavailable: a version is named and can't be looked up.
    """
    check_lanes(names)
    versions = {}
    if any(version_of(name) is not None for name in names):
        versions = {version.number: version.texts for version in store.texts_versions(scenario.name)}
    lanes = []
    for name in names:
        number, own, backend = version_of(name), scenario, registry()[backend_of(name)]
        if number is not None:
            if number not in versions:
                raise BadInput(
                    f"The scenario {scenario.name} has no version {number} of its prompt texts.",
                    f"There are: {', '.join(map(str, versions)) or 'none yet'}.",
                )
            own = scenario.with_texts(versions[number])
        if "adapter" in backend.layers:
            own = own.with_adapter(_adapter(name, scenario))
        lanes.append(Lane(name=name, backend=backend, scenario=own))
    return tuple(lanes)


def _adapter(lane: str, scenario: Scenario) -> Place:
    """The adapter that a lane names, else the one in use."""
    named, kind = adapter_of(lane), backend_of(lane)
    if named is None:
        return scenario.adapter_place(kind)
    owner, number = named
    return find(scenario if owner in (None, scenario.name) else load_scenario(owner or ""), kind, number)


def bench_order(names: Sequence[str], query: Query) -> list[CallKey]:
    """The order in which a bench run asks: repeat by repeat, the lanes shuffled anew by the run's seed."""
    order = Random(query.seed)
    return [
        (name, repeat) for repeat in range(query.repeats) for name in order.sample(list(names), len(names))
    ]
