"""What a verdict rests on, as the page that decides shows it."""

import pytest
from streamlit.testing.v1 import AppTest

from backends.settings import settings
from tests.screens import texts


def why(judged: bool) -> None:
    """Why answers of a ladder are wrong, whose first cases only tune it."""
    from dataclasses import replace

    from compare.ladder import ladder_of
    from compare.run_measures import measure
    from tests.test_ladder import run_of, verdict_of
    from ui.decide_ladder import why_wrong

    run = run_of({"prompt": 13, "rag": 58})
    cases = tuple(replace(case, split="dev") if n < 6 else case for n, case in enumerate(run.plan.cases))
    calls = run.calls if judged else ()
    found = measure(replace(run, calls=calls, plan=replace(run.plan, cases=cases)), {})
    why_wrong(ladder_of(found, verdict_of(found), {}), "rag", run.id)


def test_failures_are_of_the_answers_that_the_verdict_rests_on() -> None:
    page = AppTest.from_function(why, args=(True,), default_timeout=60).run()
    assert not page.exception
    assert "2 of 54" in texts(page)


def test_without_a_judged_answer_none_is_called_right() -> None:
    page = AppTest.from_function(why, args=(False,), default_timeout=60).run()
    assert not page.exception
    assert "No answer is judged yet" in texts(page)
    assert not page.success


def test_an_absurd_price_is_a_sentence(own_data_folder: object, monkeypatch: pytest.MonkeyPatch) -> None:
    def page() -> None:
        from compare.run_measures import measure
        from tests.test_ladder import run_of
        from ui.ladder_run import costs_of

        costs_of(measure(run_of({"prompt": 13}), {}))

    monkeypatch.setenv("LEVER_PRICE_GPU_HOUR", "1e12")
    settings.cache_clear()
    shown = AppTest.from_function(page, default_timeout=60).run()
    assert not shown.exception
    (warning,) = shown.warning
    assert "was it mistyped" in warning.value
    assert "These are the usual prices" in warning.value


def test_the_page_says_what_the_report_says() -> None:
    def page() -> None:
        from compare.ladder import ladder_of
        from compare.prices import Prices
        from compare.run_measures import measure
        from tests.test_cost import HOURLY, costs_of, spread
        from tests.test_ladder import run_of, verdict_of
        from ui.decide_ladder import ladder_table

        costs = costs_of({"prompt": spread(1_000), "rag": spread(2_000)}, HOURLY, mode="demo")
        found = measure(run_of({"prompt": 13, "rag": 58}), {})
        rungs = ladder_of(found, verdict_of(found), costs)
        ladder_table(rungs, costs, Prices(), once=True, alone=False)

    shown = AppTest.from_function(page, default_timeout=60).run()
    assert not shown.exception
    (table,) = shown.dataframe
    assert table.value["Right"].iloc[1].startswith("58 of 60 (")
    assert all(cost.startswith("at most $") for cost in table.value["1,000 answers"])
