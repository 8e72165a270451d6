"""What a lane is: a backend under some version of the scenario's prompt texts.

``prompt`` is the backend with the texts that the run is asked with; ``prompt@2`` is the same backend with the
texts of version 2, so that two versions can stand side by side.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from backends.base import Backend
from backends.errors import BadInput
from backends.registry import registry
from backends.scenario import Scenario
from backends.types import Query
from compare.live import CallKey
from compare.store import Store

MARK = "@"
VERSION = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True, kw_only=True)
class Lane:
    """One column of a run; ``scenario`` carries the texts that its prompts are made of."""

    name: str
    backend: Backend
    scenario: Scenario


def backend_of(lane: str) -> str:
    """The name of a lane's backend."""
    return lane.partition(MARK)[0]


def version_of(lane: str) -> int | None:
    """The version that a lane names; None when it has the run's own texts.

    Raises:
        BadInput: what stands behind the mark is no number.
    """
    _, mark, number = lane.partition(MARK)
    if not mark:
        return None
    if not VERSION.fullmatch(number):
        raise BadInput(f"The lane {lane!r} names no version.", "Write it like prompt@2.")
    return int(number)


def check_lanes(names: Sequence[str]) -> None:
    """Refuse lanes that can't be, before anything is loaded.

    Raises:
        BadInput: a backend is unknown, a lane is given twice or names no version, or there is none.
    """
    known = f"Known are: {', '.join(registry())}."
    for name in names:
        if backend_of(name) not in registry():
            raise BadInput(f"There is no backend {backend_of(name)!r}.", known)
        version_of(name)
    if not names or len(set(names)) < len(names):
        raise BadInput("Name at least one backend, and each only once.", known)


def open_lanes(names: Sequence[str], scenario: Scenario, store: Store) -> tuple[Lane, ...]:
    """The lanes of these names, in the order given; ``scenario`` carries the run's own texts.

    Raises:
        BadInput: see :func:`check_lanes`, or the scenario has no such version.
        StoreUnavailable: a version is named and can't be looked up.
    """
    check_lanes(names)
    versions = {}
    if any(version_of(name) is not None for name in names):
        versions = {version.number: version.texts for version in store.texts_versions(scenario.name)}
    lanes = []
    for name in names:
        number, own = version_of(name), scenario
        if number is not None:
            if number not in versions:
                raise BadInput(
                    f"The scenario {scenario.name} has no version {number} of its prompt texts.",
                    f"There are: {', '.join(map(str, versions)) or 'none yet'}.",
                )
            own = scenario.with_texts(versions[number])
        lanes.append(Lane(name=name, backend=registry()[backend_of(name)], scenario=own))
    return tuple(lanes)


def bench_order(names: Sequence[str], query: Query) -> list[CallKey]:
    """The order in which a bench run asks: repeat by repeat, the lanes shuffled anew by the run's seed."""
    order = Random(query.seed)
    return [
        (name, repeat) for repeat in range(query.repeats) for name in order.sample(list(names), len(names))
    ]
