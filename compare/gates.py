"""Gates of a scenario run: "rag.pass_rate>=0.8" and the like, for build jobs."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from backends.errors import BadInput

_GATE = re.compile(r"\s*([\w@+/-]+)\.(\w+)\s*(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?)\s*")
_HOLDS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


@dataclass(frozen=True, kw_only=True)
class Gate:
    """What a lane's figure must be."""

    text: str
    lane: str
    measure: str
    sign: str
    bound: float

    def failure(self, document: Mapping[str, Mapping[str, object]]) -> str | None:
        """Why it fails on the figures of a run, or None when it holds. A figure that is not there fails."""
        value = document[self.lane][self.measure]
        if not isinstance(value, int | float):
            return f"The gate {self.text} fails: there is no such figure."
        if _HOLDS[self.sign](value, self.bound):
            return None
        return f"The gate {self.text} fails: it is {value:.4g}."


def read_gate(text: str, lanes: tuple[str, ...], measures: tuple[str, ...]) -> Gate:
    """Understand a gate before anything runs.

    Raises:
        BadInput: it is no gate, or names a lane or a figure that the run does not have.
    """
    found = _GATE.fullmatch(text)
    if found is None:
        raise BadInput(f"{text!r} is no gate.", 'Write it like "rag.pass_rate>=0.8".')
    lane, measure, sign, bound = found.groups()
    if lane not in lanes:
        raise BadInput(
            f"The gate {text!r} names a lane that is not asked.", f"Asked are: {', '.join(lanes)}."
        )
    if measure not in measures:
        raise BadInput(
            f"The gate {text!r} names a figure that is not measured.", f"There are: {', '.join(measures)}."
        )
    return Gate(text=text.strip(), lane=lane, measure=measure, sign=sign, bound=float(bound))
