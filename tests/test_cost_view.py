"""The part of a page on costs, over a stored run in a real store."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from backends.settings import settings
from backends.types import Answer, Mode, Usage
from compare.cases import Case
from compare.live import LiveAnswer
from compare.plan import Plan
from compare.prices import Prices, load_prices, save_prices
from compare.store import store
from tests.screens import texts
from tests.test_cost import timing

LANES = ("prompt", "rag", "few_shot")
BUSY_MS = {"prompt": 1_000, "rag": 1_500, "few_shot": 2_000}
STEPS = {"prompt": 1, "rag": 3, "few_shot": 7}
"""How a lane's times are spread over the cases: over twenty, all have one mean above their first."""


@pytest.fixture(autouse=True)
def own_store(own_data_folder: Path) -> Iterator[None]:
    store.cache_clear()
    yield
    store().close()
    store.cache_clear()


def keep_a_run(cases: int = 20, mode: Mode = "bench", *, silent: tuple[str, ...] = ()) -> None:
    asked = tuple(Case(id=f"c{n}", query="?", group=f"g{n}") for n in range(cases))
    store().create_scenario_run("r", Plan(scenario="support-facts", cases=asked, lanes=LANES, mode=mode))
    calls = []
    for n, case in enumerate(asked):
        for lane in LANES:
            call = LiveAnswer(backend=lane, repeat=0, seed=0, status="cancelled")
            if lane not in silent:
                busy_ms = BUSY_MS[lane] + 10 * (n * STEPS[lane] % 20)
                answer = Answer(
                    text="Yes.", timing=timing(busy_ms), finish="end", rendered="",
                    usage=Usage(prompt_tokens=100, completion_tokens=10), token_ids=(),
                )  # fmt: skip
                call = LiveAnswer(backend=lane, repeat=0, seed=0, status="done", text="Yes.", answer=answer)
            calls.append((case.id, call))
    store().save_calls("r", calls)
    store().finish_run("r")


def shown() -> AppTest:
    def page() -> None:
        from compare.store import store
        from ui.cost_view import cost_view

        run = store().stored_run("r")
        cost_view(run, run.plan.lanes, "cost")

    opened = AppTest.from_function(page, default_timeout=60).run()
    assert not opened.exception
    return opened


def plain(page: AppTest) -> str:
    """What the page says, without what keeps Markdown from reading it."""
    return texts(page).replace("\\", "").replace("\u2060", "")


def table(page: AppTest) -> dict[str, list[str]]:
    return {column: list(values) for column, values in page.dataframe[0].value.items()}


def test_a_table_sentences_and_the_lines_of_cost_are_shown() -> None:
    keep_a_run()
    page = shown()
    rows = table(page)
    assert rows["Approach"] == ["● Prompt", "■ RAG", "◐ Prompt + examples"]
    assert rows["1,000 answers"][0].startswith("$0.30 ($0.30 to 0.31)")  # 1.095 s at 1 an hour.
    assert rows["12 months of 10,000 answers"] == ["$36.50", "more than $353.17", "$69.83"]
    assert "Not measured, so on top of what is shown for RAG: building the index." in plain(page)
    assert "**RAG never pays off against Prompt: its answers cost more.**" in plain(page)
    assert "At 10,000 answers a month Prompt costs least: $36.50 over 12 months." in plain(page)
    page.selectbox(key="cost_over").set_value("few_shot").run()
    # 25 a month against half a second, 0.000139, an answer.
    assert "RAG pays off against Prompt + examples from 180,000 answers a month on (95 %" in plain(page)
    assert "At 10,000 answers a month it never pays off." in plain(page)
    spec = json.loads(page.get("vega_lite_chart")[0].proto.spec)
    assert spec["title"] == "What it costs by volume"
    page.segmented_control(key="cost_by").set_value("months").run()
    assert not page.exception
    spec = json.loads(page.get("vega_lite_chart")[0].proto.spec)
    assert spec["title"] == "What it costs month by month"


def test_a_price_that_is_changed_is_kept_and_changes_every_cost() -> None:
    keep_a_run()
    page = shown()
    page.number_input(key="cost_gpu_hour").set_value(2.0)
    page.number_input(key="cost_answers_per_month").set_value(0)
    page.text_input(key="cost_currency").set_value("EUR")
    page.button(key="cost_save").click().run()
    assert not page.exception
    assert load_prices() == (Prices(gpu_hour=2.0, answers_per_month=0, currency="EUR"), "")
    assert table(page)["1,000 answers"][0].startswith("EUR 0.61")
    assert "Without any answers, Prompt costs least over 12 months: EUR 0.00" in plain(page)
    again = shown()  # Another session, as another browser.
    assert again.number_input(key="cost_gpu_hour").value == 2.0
    again.button(key="cost_reset").click().run()
    assert not again.exception
    assert load_prices() == (Prices(), "")
    assert again.number_input(key="cost_gpu_hour").value == 1.0
    assert table(again)["1,000 answers"][0].startswith("$0.30")


def test_saving_a_price_leaves_what_somebody_else_saved_since() -> None:
    keep_a_run()
    page = shown()
    save_prices(Prices(labelled_example=4.0))
    page.number_input(key="cost_gpu_hour").set_value(2.0)
    page.button(key="cost_save").click().run()
    assert not page.exception
    assert load_prices() == (Prices(labelled_example=4.0, gpu_hour=2.0), "")
    assert page.number_input(key="cost_labelled_example").value == 4.0


def test_a_price_that_is_refused_is_said_and_the_others_stand() -> None:
    keep_a_run()
    page = shown()
    page.text_input(key="cost_currency").set_value("  ")
    page.number_input(key="cost_gpu_hour").set_value(3.0)
    page.button(key="cost_save").click().run()
    assert "is no currency" in plain(page)
    assert page.number_input(key="cost_gpu_hour").value == 3.0
    assert load_prices() == (Prices(), "")
    assert table(page)["1,000 answers"][0].startswith("$0.30")


def test_a_broken_file_of_prices_is_one_sentence(own_data_folder: Path) -> None:
    keep_a_run()
    (own_data_folder / "prices.json").write_text("{")
    page = shown()
    assert "so these are the usual ones. It is no list of prices." in plain(page)
    assert table(page)["1,000 answers"][0].startswith("$0.30")


def test_an_absurd_setting_is_said_in_place_of_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_a_run()
    monkeypatch.setenv("LEVER_PRICE_GPU_HOUR", "9000000")
    settings.cache_clear()
    assert "It is at most 1,000,000" in plain(shown())


def test_answers_that_shared_the_machine_are_said_to_be_the_most() -> None:
    keep_a_run(mode="demo")
    page = shown()
    assert "shared the machine" in plain(page)
    assert table(page)["1,000 answers"][0].startswith("at most $0.30")
    page.selectbox(key="cost_over").set_value("few_shot").run()
    assert "RAG pays off against Prompt + examples from about 180,000 answers a month on" in plain(page)


def test_lanes_without_answers_and_prices_of_zero_are_said() -> None:
    keep_a_run(silent=("rag", "few_shot"))
    page = shown()
    assert "No finished answer says what one costs: RAG, Prompt + examples." in plain(page)
    assert "At 10,000 answers a month Prompt costs: $36.50 over 12 months." in plain(page)
    assert not page.selectbox
    save_prices(Prices(gpu_hour=0))
    assert "At these prices answers cost nothing" in plain(shown())


def test_without_any_answer_it_says_what_to_do() -> None:
    keep_a_run(silent=LANES)
    page = shown()
    assert "No answer of this run says what it cost" in plain(page)
    assert not page.get("vega_lite_chart")


def test_the_published_formula_answers_as_it_is_typed() -> None:
    keep_a_run(cases=3)
    page = shown()
    assert "Break-even is at 33,333 requests; request 33,334 is the first that has paid off." in plain(page)
    page.number_input(key="cost_fine_tuned").set_value(0.02).run()
    assert "Never: a fine-tuned request costs as much" in plain(page)
    page.number_input(key="cost_fixed").set_value(0.0).run()
    page.number_input(key="cost_fine_tuned").set_value(0.01).run()
    assert "From the first request on" in plain(page)
