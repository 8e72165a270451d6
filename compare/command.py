"""What the commands of the command line share."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backends.engine.base import EngineStatus
from backends.errors import BadInput

if TYPE_CHECKING:
    from backends.engine.local import LocalEngine

FINE, GATE_FAILED, BAD_INPUT, BROKEN = 0, 1, 2, 3
"""The exit codes."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a command prints, as JSON or for people, and its exit code."""

    document: Mapping[str, object]
    text: str
    exit_code: int = FINE


def say(text: str) -> None:
    """Progress and errors: one line on standard error."""
    print(" ".join(text.split()), file=sys.stderr, flush=True)


def started_engine() -> "tuple[LocalEngine, EngineStatus]":
    """The process's engine, started and settled; its status says whether it is ready or why not.

    Raises:
        BadInput: a setting of the engine can't be used here; the sentence names it.
    """
    from backends.engine.local import engine

    running = engine()
    say("Loading the model ...")
    running.start()
    status = running.wait_ready()
    if isinstance(running.failure, BadInput):
        raise running.failure
    return running, status
