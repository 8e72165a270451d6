"""From nothing to an answer: the app's start as a person in front of a browser has it.

    python -m tests.benchmarks.app_start [--rounds 3]

Each round starts ``streamlit run app.py`` with an empty data folder, opens the page in headless Chromium when
the server answers, and asks the first example as soon as there is a question box. Prints a table; asserts
nothing.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page

from tests.server import chromium, server

FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint').map(entry => entry.startTime)"
ANSWER_MS = 120_000


def one_round(page: Page) -> dict[str, float]:
    """Seconds of one cold start."""
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("wb") as log:
        started = time.monotonic()
        with server({"LEVER_DATA_DIR": folder}, log) as url:
            answers = time.monotonic()
            page.goto(url)
            page.wait_for_selector(".st-key-question textarea")
            usable = time.monotonic()
            paint = page.evaluate(FIRST_PAINT)[0] / 1000
            page.locator(".st-key-example_0 button").click()
            page.locator("[class*=st-key-lane_]").get_by_text("Done").first.wait_for()
            first = time.monotonic()
            page.wait_for_selector("[data-testid=stVegaLiteChart]")
            finished = time.monotonic()
    return {
        "server answers after start": answers - started,
        "first paint after opening the page (cold)": paint,
        "question box after the server answers": usable - answers,
        "first finished answer after start": first - started,
        "all four lanes finished after start": finished - started,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = []
    for _ in range(parser.parse_args().rounds):
        with chromium() as browser:
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(ANSWER_MS)
            rounds.append(one_round(page))
    print("| seconds | median | min | max |\n|---|---|---|---|")
    for name in rounds[0]:
        values = [one[name] for one in rounds]
        print(f"| {name} | {statistics.median(values):.2f} | {min(values):.2f} | {max(values):.2f} |")


if __name__ == "__main__":
    main()
