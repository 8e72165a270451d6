"""Raters at work, in a real browser against a real server: by keyboard alone, blind, and resumed."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from backends.types import Answer, Timing, Usage
from compare.cases import Case
from compare.live import LiveAnswer
from compare.plan import Plan
from compare.store import Store
from tests.screens import app_settings, served  # noqa: F401
from tests.server import chromium

RUN = "0123456789abcdef"
LANES = ("prompt", "rag", "lora", "hybrid")
TOLD = (b"RAG", b"LoRA", b"lora", b"hybrid", b'"rag"', *(shape.encode() for shape in "●■▲◆"))
"""What would tell which approach wrote an answer; "prompt" stands in the app's own subtitle."""
PATIENCE_MS = 120_000
READ_MS = 300
"""Nobody reads an answer faster, and what is judged faster is not counted."""
TIMING = Timing(
    queued_ms=1, adapter_switch_ms=0, embed_ms=0, retrieve_ms=0, prefill_ms=9, decode_ms=90, total_ms=100,
    ttft_ms=12, first_token_ms=10,
)  # fmt: skip


def keep_a_run(url: str, cases: int = 12) -> None:
    """A stored run whose lanes say different things."""
    asked = tuple(Case(id=f"c{n}", query=f"Question {n}?", group=f"c{n}") for n in range(cases))
    store = Store(url)
    store.create_scenario_run(RUN, Plan(scenario="support-facts", cases=asked, lanes=LANES))
    calls = []
    for number in range(cases):
        for lane in LANES:
            text = f"Reply {hash((number, lane)) % 10_000:04d}."
            usage = Usage(prompt_tokens=5, completion_tokens=2)
            answer = Answer(text=text, timing=TIMING, usage=usage, finish="end", rendered="", token_ids=())
            call = LiveAnswer(backend=lane, repeat=0, seed=0, status="done", text=text, answer=answer)
            calls.append((f"c{number}", call))
    store.save_calls(RUN, calls)
    store.finish_run(RUN)
    store.close()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder: Path = tmp_path_factory.mktemp("rate")
    url = f"sqlite:///{folder / 'data' / 'lever.db'}"
    (folder / "data").mkdir()
    keep_a_run(url)
    return url


@pytest.fixture(scope="module")
def address(app_settings: dict[str, str], database: str) -> Iterator[str]:  # noqa: F811
    with served(app_settings, Path(database.removeprefix("sqlite:///")).parent) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def sit_down(browser: Browser, address: str, name: str, how: str, frames: list[bytes]) -> Page:
    """A rater's own browser window on the page; ``frames`` gets everything that the server sends."""
    page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
    page.set_default_timeout(PATIENCE_MS)

    def listen(frame: str | bytes) -> None:
        frames.append(frame.encode() if isinstance(frame, str) else frame)

    page.on("websocket", lambda socket: socket.on("framereceived", listen))
    page.goto(f"{address}/rate?run={RUN}")
    page.get_by_text(how, exact=True).click()
    field = page.locator(".st-key-rater input")
    field.fill(name)
    field.press("Enter")
    expect(page.locator(".st-key-rate_skip")).to_be_visible()
    field.blur()
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_visible()
    return page


def progress(page: Page, said: str) -> None:
    expect(page.get_by_text(f"{said} judged")).to_be_visible()


def question(page: Page) -> str:
    return page.locator("strong").filter(has_text=re.compile(r"^Question \d+")).first.inner_text()


def order(page: Page) -> list[str]:
    """The answers as they stand on the screen, first A."""
    return page.locator("[data-testid=stText]").all_inner_texts()


def test_ten_items_by_keyboard_undo_resume_and_reveal(browser: Browser, address: str, database: str) -> None:
    frames: list[bytes] = []
    page = sit_down(browser, address, "Ann", "Best of all", frames)
    progress(page, "0 of 12")
    for number in range(10):
        page.wait_for_timeout(READ_MS)
        page.keyboard.press("1234T0"[number % 6])
        progress(page, f"{number + 1} of 12")
    page.keyboard.press("u")
    progress(page, "9 of 12")
    taken_back, shown = question(page), order(page)
    assert len(shown) == 4
    page.context.close()
    assert not [secret for secret in TOLD if any(secret in frame for frame in frames)]

    again: list[bytes] = []
    page = sit_down(browser, address, "ann ", "Best of all", again)
    progress(page, "9 of 12")
    assert (question(page), order(page)) == (taken_back, shown)
    page.wait_for_timeout(READ_MS)
    page.keyboard.press("2")
    progress(page, "10 of 12")
    assert not [secret for secret in TOLD if any(secret in frame for frame in again)]
    page.keyboard.press("v")
    expect(page.get_by_text("it stands now")).to_be_visible()
    assert any(b"LoRA" in frame for frame in again)
    page.keyboard.press("u")
    expect(page.get_by_text("what was revealed stands")).to_be_visible()
    progress(page, "10 of 12")
    page.context.close()
    store = Store(database)
    said = [one for one in store.judgements(RUN, "best") if one.rater == "ann" and one.state == "done"]
    store.close()
    assert len(said) == 10
    assert len({one.lanes for one in said}) > 4
    revealed = next(one for one in said if one.revealed)
    assert revealed.choice == revealed.lanes[1]


def test_a_second_rater_at_the_same_time_has_an_own_order(browser: Browser, address: str) -> None:
    dora = sit_down(browser, address, "Dora", "Pairs: the better of two", [])
    eli = sit_down(browser, address, "Eli", "Pairs: the better of two", [])
    seen: dict[str, list[tuple[str, ...]]] = {"dora": [], "eli": []}
    for number in range(6):
        for name, page in (("dora", dora), ("eli", eli)):
            seen[name].append((question(page), *order(page)))
            page.wait_for_timeout(READ_MS)
            page.keyboard.press("1")
            expect(page.get_by_text(f"{number + 1} of ", exact=False).first).to_be_visible()
    assert seen["dora"] != seen["eli"]
    expect(eli.get_by_text("Judged last: A is better")).to_be_visible()
    for page in (dora, eli):
        page.context.close()


def test_stars_go_from_criterion_to_criterion(browser: Browser, address: str, database: str) -> None:
    page = sit_down(browser, address, "Finn", "Stars: one answer", [])
    for number in range(3):
        page.wait_for_timeout(READ_MS)
        for key, said in zip("543", ("Correct: very good", "Format: good", "Tone: fair"), strict=True):
            page.keyboard.press(key)
            expect(page.get_by_text(said)).to_be_visible()
        page.wait_for_timeout(READ_MS)
        page.keyboard.press("Enter")
        progress(page, f"{number + 1} of 48")
    page.keyboard.press("s")
    expect(page.locator(".st-key-rate_skip")).to_be_visible()
    page.context.close()
    store = Store(database)
    said = [one for one in store.judgements(RUN, "stars") if one.rater == "finn" and one.state == "done"]
    store.close()
    assert [sorted(one.scores.values()) for one in said] == [[3, 4, 5]] * 3
