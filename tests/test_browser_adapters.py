"""A team's way: give examples, train while watching, see the adapter at work, ask whether it helped."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from backends.settings import ROOT
from tests.screens import app_settings, served  # noqa: F401
from tests.server import chromium

PATIENCE_MS = 120_000
LINES = (ROOT / "scenarios" / "ticket-routing" / "examples.jsonl").read_text(encoding="utf-8").splitlines()


@pytest.fixture
def page(app_settings: dict[str, str], tmp_path: Path) -> Iterator[Page]:  # noqa: F811
    with served(app_settings, tmp_path / "data") as address, chromium() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 1100})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{address}/adapters")
        yield page


def settled(page: Page) -> None:
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def test_an_adapter_is_trained_from_a_file_and_asked_whether_it_helped(page: Page, tmp_path: Path) -> None:
    expect.set_options(timeout=PATIENCE_MS)
    file = tmp_path / "mine.jsonl"
    file.write_text("\n".join([*LINES[:60], json.dumps({"nothing": 1})]), encoding="utf-8")
    expect(page.get_by_text("· ready").first).to_be_visible()
    settled(page)
    page.locator(".st-key-adapters_scenario input").click()
    page.get_by_role("option", name="Ticket routing").click()
    settled(page)
    expect(page.get_by_text("360 examples", exact=True)).to_be_visible()
    settled(page)
    page.get_by_text("A file of yours", exact=True).click()
    page.locator("[data-testid=stFileUploader] input[type=file]").set_input_files(str(file))
    expect(page.get_by_text("60 examples", exact=True)).to_be_visible()
    expect(page.get_by_text("1 row that can't be used")).to_be_visible()
    settled(page)
    page.get_by_text("Quick", exact=True).click()
    settled(page)
    page.locator(".st-key-train button").click()
    expect(page.get_by_text("tokens a second")).to_be_visible()
    expect(page.get_by_text("Adapter 1 is trained")).to_be_visible()
    expect(page.get_by_text("It is loaded")).to_be_visible()
    settled(page)

    page.get_by_text("Did it help?", exact=True).click()
    settled(page)
    page.get_by_role("button", name="Ask the test questions").click()
    expect(page.get_by_text("Why it did not pass")).to_be_attached()
    expect(page.get_by_text("After each load of an adapter: the base model is untouched.")).to_be_visible()
    expect(page.locator("[data-testid=stException]")).to_have_count(0)
