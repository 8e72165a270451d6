"""A person's way through the results page, in a real browser against a real server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from backends.scenario import load_scenario
from backends.types import Answer, Message, Passage, Prompt, Sampling, Timing, Usage
from compare.checks import CheckResult
from compare.live import LiveAnswer
from compare.scenario_run import make_plan
from compare.store import Store
from tests.screens import app_settings, served  # noqa: F401
from tests.server import chromium

RUN = "0123456789abcdef"
SAID = "Two years ![x](https://evil.example/x.png) :red[now] <b>bold</b>"
CITES, PASSAGE = "Two years [1].", "The Pro plan includes two years of warranty."
PATIENCE_MS = 120_000
TIMING = Timing(
    queued_ms=1, adapter_switch_ms=0, embed_ms=0, retrieve_ms=0, prefill_ms=9, decode_ms=90, total_ms=100,
    ttft_ms=12, first_token_ms=10,
)  # fmt: skip


def keep_a_run(url: str) -> None:
    """A stored run of the real scenario's cases, with hostile answers."""
    scenario = load_scenario("support-facts")
    plan = make_plan(scenario, ("prompt", "rag"), first=30, repeats=2, sampling=Sampling(max_tokens=8))
    store = Store(url)
    store.create_scenario_run(RUN, plan)
    usage = Usage(prompt_tokens=5, completion_tokens=2)
    answer = Answer(text=SAID, timing=TIMING, usage=usage, finish="end", rendered="", token_ids=())
    passage = Passage(number=1, source="warranty.md", chunk_id="w", text=PASSAGE, cosine=0.5)
    prompt = Prompt(messages=(Message(role="user", content="?"),), passages=(passage,))
    for number, case in enumerate(plan.cases):
        check = CheckResult(
            name="exact", kind="content", result="pass" if number % 3 else "fail", reason="as it was"
        )
        calls = [
            LiveAnswer(
                backend=lane,
                repeat=repeat,
                seed=0,
                status="done",
                text=CITES if lane == "rag" else SAID,
                prompt=prompt if lane == "rag" else None,
                answer=answer,
                checks=(check,),
            )
            for lane in plan.lanes
            for repeat in range(2)
        ]
        store.save_calls(RUN, [(case.id, call) for call in calls])
    store.finish_run(RUN)
    store.close()


@pytest.fixture(scope="module")
def address(app_settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:  # noqa: F811
    """A server that nobody has visited yet, over a store with one run."""
    folder: Path = tmp_path_factory.mktemp("results")
    keep_a_run(f"sqlite:///{folder / 'data' / 'lever.db'}")
    with served(app_settings, folder / "data") as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def asked_for() -> list[str]:
    """Every address that a page asked for."""
    return []


@pytest.fixture
def page(browser: Browser, asked_for: list[str]) -> Page:
    page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.on("request", lambda request: asked_for.append(request.url))
    return page


def test_a_link_that_is_the_servers_first_request_shows_the_run(address: str, page: Page) -> None:
    """While the model still loads: nothing on this page needs it."""
    page.goto(f"{address}/results?run={RUN}")
    expect(page.get_by_role("combobox", name="Run")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("[data-testid=stVegaLiteChart] svg").first).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("Lever", exact=True).first).to_be_visible()
    expect(page.locator("[data-testid=stException]")).to_have_count(0)


def test_a_case_opens_with_its_answers_as_plain_text(address: str, page: Page, asked_for: list[str]) -> None:
    page.goto(f"{address}/results?run={RUN}")
    page.get_by_text("Cases", exact=True).first.click()
    grid = page.locator(".st-key-matrix [data-testid=stDataFrame]").first
    expect(grid).to_be_visible(timeout=PATIENCE_MS)
    grid.scroll_into_view_if_needed()
    box = grid.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 18, box["y"] + 70)  # The box of the first row: the grid is a drawing.
    expect(page.get_by_text("All 2 said this").first).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("[data-testid=stText]").filter(has_text=SAID).first).to_be_visible()
    assert not [url for url in asked_for if "evil" in url]


def test_a_click_on_what_a_case_cites_shows_the_passage(address: str, page: Page) -> None:
    page.goto(f"{address}/results?run={RUN}&view=Cases&case=warranty-pro-1")
    drawer = page.get_by_role("dialog")
    cited = drawer.get_by_role("button", name="[1] warranty.md")
    expect(cited).to_be_visible(timeout=PATIENCE_MS)
    shown = page.locator("[data-testid=stPopoverBody]")
    expect(shown).to_have_count(0)
    cited.click()
    expect(shown.get_by_text("The Pro plan includes")).to_be_visible()


def test_every_view_can_be_reached_and_draws(address: str, page: Page) -> None:
    page.goto(f"{address}/results?run={RUN}")
    for view in ("Steadiness", "Speed", "Right or wrong"):
        page.get_by_text(view, exact=True).first.click()
        expect(page.locator("[data-testid=stVegaLiteChart] svg").first).to_be_visible(timeout=PATIENCE_MS)
        expect(page.locator("[data-testid=stException]")).to_have_count(0)
    page.get_by_text("Side by side").first.click()
    expect(page.locator(".st-key-question textarea")).to_be_visible(timeout=PATIENCE_MS)
