"""Take a picture of every chart, in light and dark, from real runs.

Run it from the project's folder after a change of a chart::

    python -m docs.chart_pictures [--out docs/charts] [--data FOLDER --run ID]

Without ``--run`` it asks a scenario's cases first, in a folder of its own (some minutes). It needs Playwright
and ``chromium`` on the path; it starts its own server.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page

from backends.settings import ROOT
from docs.screenshot import ask
from tests.server import chromium, server

RUN = ("ticket-routing", "--split", "test", "--repeats", "5", "--mode", "bench", "--json")
QUESTION = "What warranty does the Pro plan include?"
VIEWS = {
    "Right or wrong": ("rate_chart", "difference_chart", "format_chart", "variance_chart"),
    "Steadiness": ("agreement_chart", "drift_chart", "heat_map"),
    "Speed": ("spread_chart", "parts_chart", "prompt_chart"),
}
HOME = ("latency_chart", "tokens_chart")
WIDTH_PX, HEIGHT_PX = 1440, 2200
DRAWN_MS, PATIENCE_MS = 1_500, 180_000


def stored_run(data: str) -> str:
    """Ask the scenario; gives the run's id."""
    command = [sys.executable, "-m", "compare", "run", *RUN]
    environment = {**os.environ, "LEVER_DATA_DIR": data}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return str(json.loads(done.stdout)["run_id"])


def take(page: Page, out: Path, keys: tuple[str, ...], scheme: str) -> None:
    """The charts of these keys as they stand on the page."""
    for key in keys:
        chart = page.locator(f".st-key-{key}")
        chart.locator("svg").first.wait_for()
        page.wait_for_timeout(DRAWN_MS)
        chart.screenshot(path=str(out / f"{key}_{scheme}.png"), animations="disabled")


def pictures(browser: Browser, address: str, run_id: str, out: Path) -> None:
    """All charts in both schemes."""
    for scheme in ("light", "dark"):
        page = browser.new_page(
            viewport={"width": WIDTH_PX, "height": HEIGHT_PX},
            color_scheme=scheme,  # type: ignore[arg-type]
        )
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)
        ask(page, QUESTION)
        take(page, out, HOME, scheme)
        page.goto(f"{address}/results?run={run_id}")
        for view, keys in VIEWS.items():
            page.get_by_text(view, exact=True).first.click()
            take(page, out, keys, scheme)
        page.close()


def main() -> None:
    """Read the arguments and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "charts")
    parser.add_argument("--data", help="the data folder that holds the run")
    parser.add_argument("--run", help="a stored run")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        data = arguments.data or folder
        run_id = arguments.run or stored_run(data)
        with server({"LEVER_DATA_DIR": data}) as address, chromium() as browser:
            pictures(browser, address, run_id, arguments.out)
    print(arguments.out)


if __name__ == "__main__":
    main()
