"""Which process runs a run, and whether that process is still there."""

import os
import socket
from functools import lru_cache

import psutil

CLOCK_SLACK_S = 5.0
"""Two readings of a process's start may differ by this much when the clock was set between them."""


@lru_cache(maxsize=8)
def _named(pid: int) -> str:
    return f"{socket.gethostname()} {pid} {psutil.Process(pid).create_time():.0f}"


def this_process() -> str:
    """The name of this process: "host pid start", the start in seconds of Unix time."""
    return _named(os.getpid())


def machine_of(owner: str) -> str:
    """The name of the machine that a process of this name ran on."""
    return owner.rsplit(" ", 2)[0]


def is_gone(owner: str) -> bool | None:
    """Whether that process has ended; None when it ran on another machine, which can't be asked."""
    try:
        host, pid, started = owner.rsplit(" ", 2)
        if host != socket.gethostname():
            return None
        return abs(psutil.Process(int(pid)).create_time() - float(started)) > CLOCK_SLACK_S
    except (psutil.NoSuchProcess, ValueError):
        return True
    except psutil.AccessDenied:
        return False
