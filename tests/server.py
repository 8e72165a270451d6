"""Lever's server as a process of its own, and the browser in front of it.

For the browser tests, ``tests/benchmarks/app_start.py`` and ``docs/screenshot.py``.
"""

import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO

from playwright.sync_api import Browser, expect, sync_playwright

from backends.settings import ROOT

BROWSER_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic")
POLL_S, START_S = 0.02, 60
PATIENCE_MS = 60_000


@contextmanager
def server(
    settings: Mapping[str, str], log: IO[bytes] | None = None, options: Sequence[str] = (), port: int = 0
) -> Iterator[str]:
    """``streamlit run app.py`` with these settings and options, on a free port if none is given; gives its
    address once it answers.

    ``log`` takes its output, which is shown otherwise. Raises RuntimeError when it does not start.
    """
    port = port or free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), *options],
        cwd=ROOT,
        env={**os.environ, **settings},
        stdout=log,
        stderr=subprocess.STDOUT if log else None,
    )
    try:
        wait_until_answers(f"http://127.0.0.1:{port}/_stcore/health", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_until_answers(url: str, process: subprocess.Popen[bytes]) -> None:
    """Block until a server answers at ``url``; RuntimeError when it ended before or takes too long."""
    # a refused connection is tried again after the process was given a moment
    for _ in range(int(START_S / POLL_S)):
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            try:
                process.wait(POLL_S)
            except subprocess.TimeoutExpired:
                continue
            break
    raise RuntimeError(f"No server answers at {url}.")


@contextmanager
def chromium() -> Iterator[Browser]:
    """The headless browser that stands on the path as ``chromium``; what is expected of a page may take as
    long as a busy machine needs.
    """
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=list(BROWSER_ARGUMENTS)
        )
        yield browser
        browser.close()
