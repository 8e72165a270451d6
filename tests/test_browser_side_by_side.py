"""A person's way through the home screen, in a real browser against a real server."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from compare.store import Store
from tests.cited_run import keep_cited_run
from tests.screens import app_settings, offline  # noqa: F401
from tests.server import START_S, chromium, server

QUESTION = "Which city do I send my broken Pro hub to? ![x](https://evil.example/x.png) :red[now] # yes"
LANES = ("prompt", "rag", "lora", "hybrid")
ANSWER_MS = 180_000
CITED_RUN = "0123456789abcdef"


@pytest.fixture(scope="module")
def address(app_settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:  # noqa: F811
    """A server that nobody has visited yet."""
    folder: Path = tmp_path_factory.mktemp("server")
    kept = Store(f"sqlite:///{folder / 'data' / 'lever.db'}")
    keep_cited_run(kept, CITED_RUN)
    kept.close()
    settings = {**offline(), **app_settings, "LEVER_DATA_DIR": str(folder / "data")}
    with (folder / "log").open("wb") as log, server(settings, log) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def visits() -> list[str]:
    """Every address that a page asked for."""
    return []


def visit(browser: Browser, url: str, asked_for: list[str]) -> Page:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(ANSWER_MS)
    page.on("request", lambda request: asked_for.append(request.url))
    page.goto(url)
    return page


def ask_for_short_answers(page: Page) -> None:
    page.locator(".st-key-choices").get_by_role("button", name="Settings").click()
    page.locator(".st-key-max_tokens input").fill("12")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")


def visit_and_ask(browser: Browser, address: str, asked_for: list[str]) -> Page:
    """A page whose first example was just asked."""
    page = visit(browser, address, asked_for)
    ask_for_short_answers(page)
    page.locator(".st-key-example_0 button").click()
    page.wait_for_url(re.compile(r"\?run=[0-9a-f]+"))
    return page


def answers(page: Page) -> list[str]:
    """Each lane's answer, once all lanes are done."""
    found = []
    for name in LANES:
        lane = page.locator(f".st-key-lane_{name}")
        expect(lane.get_by_text("Done").first).to_be_visible(timeout=ANSWER_MS)
        found.append(lane.locator("[data-testid=stText]").first.inner_text())
    return found


def test_a_question_typed_after_a_deep_link_is_answered_in_four_lanes_that_others_can_open(
    browser: Browser, address: str, visits: list[str]
) -> None:
    page = visit(browser, f"{address}/side_by_side", visits)
    expect(page.locator(".st-key-header")).to_be_visible(timeout=START_S * 1000)
    expect(page.locator(".st-key-model_badge")).to_be_visible()
    assert page.locator("[data-testid=stSidebarNav]").count() == 0

    ask_for_short_answers(page)
    page.locator(".st-key-question textarea").fill(QUESTION)
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"\?run=[0-9a-f]+"))
    watcher = visit(browser, page.url, visits)

    seen = answers(page)
    assert all(text.strip() for text in seen)
    expect(page.locator("[data-testid=stVegaLiteChart]")).to_have_count(2)
    assert answers(watcher) == seen
    page.reload()
    assert answers(page) == seen

    heading = page.locator("h4", has_text="Which city").inner_text()
    assert heading.replace("\u2060", "").strip("“”") == QUESTION
    assert page.locator("img[src*=evil]").count() == 0
    local = (address, address.replace("http", "ws", 1), "data:", "blob:")
    assert [url for url in visits if not url.startswith(local)] == []


def test_a_page_change_of_mind_does_not_stop_the_answers(
    browser: Browser, address: str, visits: list[str]
) -> None:
    page = visit_and_ask(browser, address, visits)
    page.locator(".st-key-presenter label").first.click()
    expect(page.locator(".st-key-lane_prompt h3").first).to_be_visible()
    page.locator(".st-key-presenter label").first.click()
    assert all(text.strip() for text in answers(page))


def test_starting_over_clears_what_the_browser_remembers(
    browser: Browser, address: str, visits: list[str]
) -> None:
    page = visit(browser, address, visits)
    box = page.locator(".st-key-question textarea")
    box.fill(QUESTION)
    page.locator(".st-key-blind label").first.click()
    page.get_by_role("button", name="Instructions").click()
    page.get_by_label("Instructions to the model").fill("Answer in verse.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Edited. The next question or run keeps it")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator(".st-key-choices").get_by_role("button", name="Settings").click()
    page.get_by_role("button", name="Start over").click()
    expect(box).to_have_value("")
    expect(page.locator(".st-key-blind input")).not_to_be_checked()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Instructions").click()
    expect(page.get_by_label("Instructions to the model")).not_to_have_value("Answer in verse.")


def test_a_run_that_somebody_deletes_is_missed_with_a_sentence(
    browser: Browser, address: str, visits: list[str]
) -> None:
    page = visit_and_ask(browser, address, visits)
    answers(page)
    watcher = visit(browser, page.url, visits)
    answers(watcher)
    page.get_by_role("button", name="Recent").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("Ask something: the answers appear here")).to_be_visible()
    watcher.locator(".st-key-saw_prompt button").click()
    expect(watcher.get_by_text("leads to a run that is not stored here")).to_be_visible()
    expect(watcher.locator("[data-testid=stException]")).to_have_count(0)


def test_a_click_on_what_is_cited_shows_the_passage_beside_the_answer(
    browser: Browser, address: str, visits: list[str]
) -> None:
    page = visit(browser, f"{address}/?run={CITED_RUN}", visits)
    shown = page.locator("[data-testid=stPopoverBody]")
    for name, button, said in (
        ("rag", "[2] warranty.md", "The Pro plan includes a"),
        ("hybrid", "[1] repair.md", "Pro hubs are mended in Quenford"),
    ):
        lane = page.locator(f".st-key-lane_{name}")
        expect(lane.get_by_role("button", name=button)).to_be_visible()
        expect(shown).to_have_count(0)
        lane.get_by_role("button", name=button).click()
        expect(shown.get_by_text(said)).to_be_visible()
        expect(shown.get_by_text(said)).to_be_in_viewport()
        page.keyboard.press("Escape")
    expect(page.locator(".st-key-lane_hybrid").get_by_text("[7] is no passage")).to_be_attached()
    assert page.locator("img[src*=evil]").count() == 0
    assert not [url for url in visits if "evil" in url]
