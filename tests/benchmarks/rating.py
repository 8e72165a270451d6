"""How long after a rater's key the next item is there, with many items and many judgements.

    python -m tests.benchmarks.rating [--cases 1000] [--keys 40]

A real server and browser; a stored run of so many cases, of which two other raters have judged half. Each key
is pressed a second after the one before; the time, by the browser's clock, goes from the key to the next
question in the page. Prints a table; asserts nothing.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

from compare.rating_items import TIE, items_of
from compare.store import Store
from tests.screens import offline
from tests.server import chromium, server
from tests.test_browser_rate import RUN, keep_a_run, progress, sit_down

READ_MS = 1_000
WATCH = r"""() => {
  const texts = () => [...document.querySelectorAll("strong")].map(e => e.innerText);
  const shown = () => texts().find(text => /^Question \d+/.test(text));
  let before = shown(), pressed = null;
  window.took = [];
  document.addEventListener("keydown", () => { pressed = performance.now(); }, true);
  new MutationObserver(() => {
    const now = shown();
    if (now && now !== before) {
      if (pressed !== null) window.took.push(performance.now() - pressed);
      before = now; pressed = null;
    }
  }).observe(document.body, {subtree: true, childList: true, characterData: true});
}"""
"""The browser's own clock, from the key to the moment at which the next question is in the page."""
WARM_MS = 20_000
"""The model and the indexes are loaded by then."""


def prepare(folder: str, cases: int) -> None:
    """The run, and what two other raters said of half of it."""
    url = f"sqlite:///{Path(folder) / 'lever.db'}"
    keep_a_run(url, cases)
    store = Store(url)
    items = items_of(store.stored_run(RUN), "best")
    for rater in ("ann", "bob"):
        for item in items[: cases // 2]:
            store.decide(store.serve(RUN, rater, item, item.lanes).id, choice=TIE)
    store.close()


def main() -> None:
    """Press keys and print how long the next item took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--keys", type=int, default=40)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder, arguments.cases)
        settings = {**offline(), "LEVER_DATA_DIR": folder}
        with server(settings) as address, chromium() as browser:
            page = sit_down(browser, address, "Cem", "Best of all", [])
            page.locator(".st-key-rate_target input").fill("3")
            page.locator(".st-key-rate_target input").press("Enter")
            progress(page, f"0 of {arguments.cases:,}")
            page.locator(".st-key-rate_target input").blur()
            page.wait_for_timeout(WARM_MS)
            page.evaluate(WATCH)
            for number in range(arguments.keys):
                page.wait_for_timeout(READ_MS)
                page.keyboard.press(str(number % 4 + 1))
            page.wait_for_timeout(READ_MS)
            took = [ms / 1000 for ms in page.evaluate("window.took")]
    print(f"items: {arguments.cases:,}; judgements before: {arguments.cases // 2 * 2:,}; keys: {len(took)}")
    print(
        f"seconds to the next item: median {median(took):.2f}, 95 % {np.percentile(took, 95):.2f}, ", end=""
    )
    print(f"longest {max(took):.2f}")


if __name__ == "__main__":
    main()
