"""The drills of this process, so that any page can follow them."""

from functools import lru_cache
from threading import Lock

from backends.engine.base import Engine
from backends.errors import BadInput
from backends.scenario import load_scenario
from compare.drill import Drill, DrillPlan
from compare.drill_undo import to_put_back
from compare.store import Store


class Drills:
    """One a scenario, the last one; any thread may use it."""

    def __init__(self) -> None:
        """None yet."""
        self._lock = Lock()
        self._drills: dict[str, Drill] = {}

    def start(self, plan: DrillPlan, *, store: Store, engine: Engine) -> Drill:
        """Begin one.

        Raises:
            BadInput: one of this scenario goes on, or what an earlier one changed was not put back.
        """
        with self._lock:
            going = self._drills.get(plan.scenario)
            if going is not None and not going.view().ended:
                raise BadInput("A drill of this scenario goes on already.", "Wait for it, or stop it.")
            if document := to_put_back(load_scenario(plan.scenario)):
                raise BadInput(f"An earlier drill changed {document}.", "Put it back first.")
            drill = self._drills[plan.scenario] = Drill(plan, store=store, engine=engine)
        drill.begin()
        return drill

    def get(self, scenario: str) -> Drill | None:
        """The last one of a scenario."""
        with self._lock:
            return self._drills.get(scenario)

    def forget(self, scenario: str) -> None:
        """Of one that ended and was put back."""
        with self._lock:
            self._drills.pop(scenario, None)


@lru_cache(maxsize=1)
def drills() -> Drills:
    """The process's registry."""
    return Drills()
