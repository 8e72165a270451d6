"""A team lead's way: look at what is known, change it, try it, see what a change does, put it back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from docx import Document
from playwright.sync_api import Page, expect

from tests.screens import app_settings, served  # noqa: F401
from tests.server import chromium

PATIENCE_MS = 60_000
QUESTION = "What colour is the lamp of the reading room?"


@pytest.fixture
def page(app_settings: dict[str, str], tmp_path: Path) -> Iterator[Page]:  # noqa: F811
    with served(app_settings, tmp_path / "data") as address, chromium() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 1100})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{address}/knowledge")
        yield page


def settled(page: Page) -> None:
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def test_documents_are_added_found_changed_by_a_drill_and_put_back(page: Page, tmp_path: Path) -> None:
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    word = Document()
    word.add_heading("Reading room", 1)
    word.add_paragraph("The lamp of the reading room is dark green.")
    word.save(str(tmp_path / "room.docx"))
    (tmp_path / "scan.pdf").write_bytes(b"%PDF-1.7 nothing")
    expect(page.get_by_text("Index in step")).to_be_visible()
    files = [str(tmp_path / "room.docx"), str(tmp_path / "scan.pdf")]
    page.locator("[data-testid=stFileUploader] input[type=file]").set_input_files(files)
    page.locator(".st-key-add_knowledge button").click()
    expect(page.get_by_text("1 document added: room.docx.")).to_be_visible()
    expect(page.get_by_text("scan.pdf: it is damaged")).to_be_visible()
    expect(page.get_by_text("11 documents")).to_be_visible()
    settled(page)

    page.get_by_text("Try retrieval", exact=True).click()
    question = page.locator(".st-key-try_question input")
    question.fill(QUESTION)
    question.press("Enter")
    expect(page.get_by_text("the closest is room.docx")).to_be_visible()
    expect(page.get_by_role("paragraph").get_by_text("The lamp of the reading room")).to_be_visible()

    page.get_by_text("When a fact changes", exact=True).click()
    expect(page.get_by_text("3 cases ask for this fact")).to_be_visible()
    page.locator(".st-key-start_drill button").click()
    back = page.locator(".st-key-put_back_drill button")
    expect(back).to_be_visible()
    expect(page.get_by_text("is the work that an approach needs")).to_be_visible()
    settled(page)
    back.click()
    expect(page.get_by_text("Everything is as it was before the drill.")).to_be_visible()
    expect(page.get_by_text("3 cases ask for this fact")).to_be_visible()
    expect(page.locator("[data-testid=stException]")).to_have_count(0)
