"""What the commands of the command line share."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from backends.engine.base import Engine, EngineStatus
from backends.errors import BadInput

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


def started_engine() -> tuple[Engine, EngineStatus]:
    """The process's engine, started and settled; its status says whether it is ready or why not.

    Raises:
        BadInput: a setting of the engine can't be used here; the sentence names it.
    """
    from backends.engine.factory import engine

    running = engine()
    say("Loading the model ...")
    running.start()
    status = running.wait_ready()
    if isinstance(running.failure, BadInput):
        raise running.failure
    return running, status
