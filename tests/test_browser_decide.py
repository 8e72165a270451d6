"""A newcomer's five minutes: open, climb, read the verdict, see what it rests on, take the report along. With
the built-in model.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from backends.settings import ROOT
from compare.store import Store
from tests.server import chromium, server

PATIENCE_MS = 240_000


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    settings = {"LEVER_DATA_DIR": str(tmp_path / "data"), "LEVER_THREADS": "1"}
    with server(settings) as address, chromium() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        page.goto(address)
        yield page


def settled(page: Page) -> None:
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def test_open_climb_read_the_verdict_export_the_report(page: Page, tmp_path: Path) -> None:
    page.get_by_role("link", name="Decide").click()
    climb = page.locator(".st-key-climb_go button")
    expect(climb).to_be_enabled()
    settled(page)
    climb.click()
    expect(page.locator(".st-key-climb")).to_contain_text("Asking")
    verdict = page.locator(".st-key-verdict")
    expect(verdict).to_contain_text("Look 1 of 3")
    settled(page)
    said = verdict.inner_text()
    assert re.search(r"your bar|a bar of", said)
    expect(page.locator(".st-key-ladder")).to_be_visible()
    expect(page.get_by_text("Why answers are wrong")).to_be_visible()
    expect(page.locator("[data-testid=stException]")).to_have_count(0)

    page.reload()  # The same answers are the same look.
    expect(verdict).to_contain_text("Look 1 of 3")
    settled(page)
    assert verdict.inner_text() == said

    first = said.split(".")[0].strip()
    for ending in ("html", "md"):
        with page.expect_download() as download:
            page.locator(f".st-key-report_{ending} button").first.click()
        download.value.save_as(tmp_path / f"report.{ending}")
        told = (tmp_path / f"report.{ending}").read_text(encoding="utf-8")
        assert first.splitlines()[-1] in told.replace("\\", "")
    assert verified(tmp_path, "report.html").returncode == 0
    edited = told.replace(" of 70", " of 71", 1)
    assert edited != told
    (tmp_path / "report.md").write_text(edited, encoding="utf-8")
    found = verified(tmp_path, "report.md")
    assert (found.returncode, "of 71" in found.stdout, "of 70" in found.stdout) == (1, True, True), found


def verified(folder: Path, name: str) -> "subprocess.CompletedProcess[str]":
    """What the command line says of the report, over the server's own data."""
    run_id = run_of(folder / "data")
    command = [sys.executable, "-m", "compare", "report", run_id, "--verify", str(folder / name)]
    told = {**os.environ, "LEVER_DATA_DIR": str(folder / "data")}
    return subprocess.run(command, cwd=ROOT, env=told, capture_output=True, text=True, check=False)


def run_of(data: Path) -> str:
    kept = Store(f"sqlite:///{data / 'lever.db'}")
    (line,) = kept.measured_runs()
    kept.close()
    return line.id
