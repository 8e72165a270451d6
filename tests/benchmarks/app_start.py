"""From nothing to an answer: the app's start as a person in front of a browser has it.

    python -m tests.benchmarks.app_start [--rounds 3]

Each round starts ``streamlit run app.py`` with an empty data folder, opens the page in headless Chromium
when the
server answers, asks the first example and waits for its first finished lane. Prints a table; asserts nothing.
"""

import argparse
import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent.parent
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint').map(entry => entry.startTime)"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_server(url: str, deadline_s: float = 60) -> None:
    """Until the health page answers."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=1).close()
            return
        time.sleep(0.02)
    raise SystemExit("The server did not answer.")


def one_round() -> dict[str, float]:
    """Seconds of one cold start."""
    url = f"http://127.0.0.1:{free_port()}"
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        started = time.monotonic()
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", url.rsplit(":", 1)[1]],
            cwd=ROOT,
            env={**os.environ, "LEVER_DATA_DIR": folder},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for_server(url)
            answers = time.monotonic()
            page.goto(url)
            page.wait_for_selector(".st-key-question textarea")
            usable = time.monotonic()
            paint = page.evaluate(FIRST_PAINT)[0] / 1000
            page.locator(".st-key-example_0 button").click()
            page.wait_for_selector("[data-testid=stVegaLiteChart]", timeout=120_000)
            finished = time.monotonic()
        finally:
            server.terminate()
            server.wait()
            browser.close()
    return {
        "server answers after start": answers - started,
        "first paint after opening the page (cold)": paint,
        "question box after the server answers": usable - answers,
        "all four lanes finished after start": finished - started,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = [one_round() for _ in range(parser.parse_args().rounds)]
    print("| seconds | median | min | max |\n|---|---|---|---|")
    for name in rounds[0]:
        values = [one[name] for one in rounds]
        print(f"| {name} | {statistics.median(values):.2f} | {min(values):.2f} | {max(values):.2f} |")


if __name__ == "__main__":
    main()
