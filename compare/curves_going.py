"""The learning curves of this process, so that any page can follow, pause or stop them."""

from functools import lru_cache
from threading import Lock

from backends.engine.base import Engine
from backends.errors import BadInput
from compare.curve_state import Curve
from compare.curve_work import LearningCurve
from compare.store import Store


class LearningCurves:
    """The curves that this process carries out, the last one a scenario; any thread may use it."""

    def __init__(self) -> None:
        """None yet."""
        self._lock = Lock()
        self._curves: dict[str, LearningCurve] = {}

    def start(self, curve: Curve, *, store: Store, engine: Engine) -> LearningCurve:
        """Begin a curve, or let one go on that was stopped.

        Raises:
            BadInput: one of this scenario goes on, or this one is done.
        """
        if curve.ended:
            raise BadInput("This learning curve is done.", "Begin a new one.")
        with self._lock:
            going = self._curves.get(curve.scenario)
            if going is not None and going.view().going:
                raise BadInput(
                    "A learning curve of this scenario goes on already.", "Wait for it, or stop it."
                )
            work = self._curves[curve.scenario] = LearningCurve(curve, store=store, engine=engine)
        work.begin()
        return work

    def get(self, scenario: str) -> LearningCurve | None:
        """The last one of a scenario in this process."""
        with self._lock:
            return self._curves.get(scenario)


@lru_cache(maxsize=1)
def learning_curves() -> LearningCurves:
    """The process's registry."""
    return LearningCurves()
