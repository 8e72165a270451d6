"""What the commands of the command line share."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from backends.engine.base import Engine, EngineStatus
from backends.errors import BadInput

FINE, GATE_FAILED, BAD_INPUT, BROKEN = 0, 1, 2, 3
"""The exit codes."""
PATIENCE_S = 1.0
"""How often to look for progress (and to hear Ctrl-C), in seconds."""


class Seen(Protocol):
    """Where work in the background is."""

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""


S = TypeVar("S", bound=Seen)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a command prints, as JSON or for people, and its exit code."""

    document: Mapping[str, object]
    text: str
    exit_code: int = FINE


def say(text: str) -> None:
    """Progress and errors: one line on standard error."""
    print(" ".join(text.split()), file=sys.stderr, flush=True)


def watch(
    wait: Callable[[float], S],
    stop: Callable[[], None],
    line: Callable[[S], str],
    aside: Callable[[S], str] = lambda seen: "",
) -> S:
    """Wait for work in the background until it has ended; Ctrl-C stops it. Its ``line`` is said when it
    changes, and then what is said ``aside``.
    """
    told = ""
    seen = wait(0)
    while not seen.ended:
        try:
            seen = wait(PATIENCE_S)
        except KeyboardInterrupt:
            say("Stopping ...")
            stop()
        if (now := line(seen)) != told:
            told = now
            say(now + aside(seen))
    return seen


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
