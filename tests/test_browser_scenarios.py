"""A product owner's way: upload a file with a bad row, map a column, run it, look at what failed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from compare.csv_import import import_cases
from compare.csv_rows import preview
from tests.screens import app_settings, offline  # noqa: F401
from tests.server import chromium, server

FILE = (
    "Kundentext;Antwort;Farbe\n"
    "How long?;2 years;red\n"
    ";empty;blue\n"
    "How much <b>is</b> it?;49;red\n"
    "Where?;Here;blue\n"
)
PATIENCE_MS = 120_000


@pytest.fixture
def page(app_settings: dict[str, str], tmp_path: Path) -> Iterator[Page]:  # noqa: F811
    settings = {**offline(), **app_settings, "LEVER_DATA_DIR": str(tmp_path / "data")}
    with (
        (tmp_path / "log").open("wb") as log,
        server(settings, log) as address,
        chromium() as browser,
    ):
        page = browser.new_page(viewport={"width": 1440, "height": 1100})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{address}/scenarios")
        yield page
    said = (tmp_path / "log").read_text(errors="replace")
    assert "Traceback" not in said, said


def test_a_file_is_uploaded_mapped_run_and_looked_at(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "fragen.csv"
    file.write_bytes(FILE.encode("utf-16"))
    page.locator(".st-key-cases_source").get_by_text("A file of yours").click()
    page.locator("[data-testid=stFileUploader] input[type=file]").set_input_files(str(file))
    box = page.get_by_role("combobox", name="Kundentext")
    expect(box).to_be_visible(timeout=PATIENCE_MS)
    box.click()
    page.get_by_role("option", name="query").click()
    expect(page.get_by_text("3 cases can be asked; 1 problem in the others")).to_be_visible(
        timeout=PATIENCE_MS
    )
    page.get_by_text("Show the 1 problem").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="The good rows as a file").click()
    good = Path(saved.value.path()).read_text(encoding="utf-8-sig")
    assert good.splitlines()[0].startswith("id,query,expected")
    assert len(good.splitlines()) == 4
    page.locator(".st-key-run_cases button").click()
    link = page.get_by_role("link", name="See the figures")
    expect(link).to_be_visible(timeout=PATIENCE_MS)
    link.click()
    expect(page.get_by_role("combobox", name="Run")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_text("Cases", exact=True).first.click()
    page.locator(".st-key-show").get_by_text("Not all right").click()
    expect(page.locator(".st-key-matrix [data-testid=stDataFrame]").first).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_text("Save as").click()
    with page.expect_download() as report:
        page.get_by_role("button", name="One page to read").click()
    assert "How much &lt;b&gt;is&lt;/b&gt; it?" in Path(report.value.path()).read_text(encoding="utf-8")
    with page.expect_download() as export:
        page.get_by_role("button", name="Table of cases (CSV)").click()
    assert export.value.suggested_filename.startswith("lever-fragen-")
    seen = preview(Path(export.value.path()).read_bytes())
    assert [case.query for case in import_cases(seen, seen.mapping).cases] == [
        "How long?",
        "How much <b>is</b> it?",
        "Where?",
    ]
    expect(page.locator("[data-testid=stException]")).to_have_count(0)
