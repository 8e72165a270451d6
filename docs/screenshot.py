"""Take the README's picture: start Lever, ask one question, wait for all lanes, save the page.

Run it from the project's folder after every change of the home screen::

    python -m docs.screenshot [--out docs/side_by_side.png] [--question "..."] [--dark]

It needs Playwright and ``chromium`` on the path; it starts its own server with its own data folder.
"""

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import Page

from backends.settings import ROOT
from tests.server import chromium, server

QUESTION = "What warranty does the Pro plan include?"
WIDTH_PX, HEIGHT_PX = 1440, 900
ANSWER_MS = 180_000
WARM_MS = 10_000
"""After the model is ready, what documents need is still being imported; the picture shows a warm app."""


def ask(page: Page, question: str) -> None:
    """Type the question, send it, and wait for the charts, which come when all lanes are done."""
    page.locator(".st-key-model_badge").get_by_text("ready").first.wait_for()
    page.wait_for_timeout(WARM_MS)
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
    scheme = "dark" if arguments.dark else "light"
    with (
        tempfile.TemporaryDirectory() as data,
        server({"LEVER_DATA_DIR": data}) as address,
        chromium() as browser,
    ):
        page = browser.new_page(viewport={"width": WIDTH_PX, "height": HEIGHT_PX}, color_scheme=scheme)
        page.set_default_timeout(ANSWER_MS)
        page.goto(address)
        ask(page, arguments.question)
        picture(page, arguments.out)
    print(arguments.out)


if __name__ == "__main__":
    main()
