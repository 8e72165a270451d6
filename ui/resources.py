"""What all sessions of the process share: the engine, the store, the scenarios. Nothing here imports torch.

Engine and store are single to the process by themselves; this is the one place where pages get them.
"""

import gc
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING
from weakref import WeakSet

from backends.engine.base import Engine
from backends.errors import BadInput, LeverError
from backends.imports import load_charts
from backends.scenario import Scenario, list_scenarios, load_scenario

if TYPE_CHECKING:
    from compare.store import Store


_warmed: "WeakSet[Engine]" = WeakSet()


def get_engine() -> Engine:
    """The process's engine; it may still be loading, see its ``status()``."""
    from backends.engine.factory import engine

    return engine()


def get_store() -> "Store":
    """The process's store; each of its methods may raise ``StoreUnavailable``."""
    from compare.store import store

    return store()


def warm_up() -> None:
    """Begin loading the model, then the document indexes; returns at once, and does nothing the second time.

    A model that failed is not tried again by each run of a page, only when somebody asks for it.
    """
    load_charts()
    engine = get_engine()
    if engine not in _warmed:
        _warmed.add(engine)
        engine.start()
        Thread(target=_open_indexes, args=(engine,), name="indexes", daemon=True).start()


def _open_indexes(engine: Engine) -> None:
    """Retrieval's libraries take seconds to import: the first question should not wait for them."""
    if engine.wait_ready().state != "ready":
        return
    from backends.knowledge import knowledge

    for scenario in scenarios()[0].values():
        with suppress(LeverError):  # the lane that needs this index will say what is wrong with it
            knowledge().ensure_index(scenario, engine)
    # All libraries are there and stay: a collection that walks their objects stops everybody for 0.3 s.
    gc.collect()
    gc.freeze()


def scenarios() -> tuple[dict[str, Scenario], tuple[BadInput, ...]]:
    """All usable scenarios by name, in the order of the screen, and what is wrong with the others.

    Read anew on each run of a page (some milliseconds), so that an added folder shows up without a restart.
    """
    good: list[Scenario] = []
    bad: list[BadInput] = []
    for name in list_scenarios():
        try:
            good.append(load_scenario(name))
        except BadInput as error:
            bad.append(error)
    good.sort(key=lambda scenario: (scenario.position, scenario.name))
    return {scenario.name: scenario for scenario in good}, tuple(bad)
