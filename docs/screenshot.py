"""Take the README's picture: start Lever, ask one question, wait for all lanes, save the page.

Run it from the project's folder after every change of the home screen::

    python docs/screenshot.py [--out docs/side_by_side.png] [--question "..."] [--dark]

It needs Playwright and ``chromium`` on the path; it starts its own server with its own data folder.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
QUESTION = "What warranty does the Pro plan include?"
WIDTH_PX, HEIGHT_PX = 1440, 900
START_S, ANSWER_MS = 60, 180_000


@contextmanager
def server(data: Path) -> Iterator[str]:
    """Lever on a free port; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "LEVER_DATA_DIR": str(data)})
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}/_stcore/health", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def wait_until_healthy(url: str, process: subprocess.Popen[bytes]) -> None:
    """Ask until the server answers, and stop asking when it has ended."""
    for _ in range(START_S * 4):
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            try:
                process.wait(0.25)
            except subprocess.TimeoutExpired:
                continue
            break
    raise SystemExit("Lever did not start; its output is above.")


def ask(page: Page, question: str) -> None:
    """Type the question, send it, and wait for the charts, which come when all lanes are done."""
    page.locator(".st-key-model_badge").get_by_text("ready").first.wait_for()
    page.locator(".st-key-question textarea").fill(question)
    page.keyboard.press("Control+Enter")
    page.locator("[data-testid=stVegaLiteChart] svg").nth(1).wait_for()


def picture(page: Page, out: Path) -> None:
    """The whole page, without the text cursor."""
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur()")
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": WIDTH_PX, "height": max(HEIGHT_PX, int(height))})
    page.locator("[data-testid=stVegaLiteChart] svg").nth(1).scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=str(out), animations="disabled")


def main() -> None:
    """Read the arguments and take the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "side_by_side.png")
    parser.add_argument("--question", default=QUESTION)
    parser.add_argument("--dark", action="store_true")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as data,
        server(Path(data)) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        scheme = "dark" if arguments.dark else "light"
        page = browser.new_page(viewport={"width": WIDTH_PX, "height": HEIGHT_PX}, color_scheme=scheme)
        page.set_default_timeout(ANSWER_MS)
        page.goto(address)
        ask(page, arguments.question)
        picture(page, arguments.out)
        browser.close()
    print(arguments.out)


if __name__ == "__main__":
    main()
