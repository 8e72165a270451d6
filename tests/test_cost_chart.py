"""The lines of cost: where they run, where they cross, and how far that point may lie elsewhere."""

from dataclasses import replace
from typing import Any

import pytest

from compare.break_evens import break_evens
from compare.charts.cost import By, cost_chart, cost_figure
from compare.cost import LaneCost
from compare.cost_setup import Setup
from compare.prices import Prices
from tests.test_cost import FREE, HOURLY, costs_of, spread

STORE = replace(HOURLY, month_of_store=25)


def lanes(rag: list[float]) -> dict[str, LaneCost]:
    return costs_of({"few_shot": spread(2_000), "rag": rag}, STORE, rag=Setup(looks_up=True, index_s=0.0))


def layers(costs: dict[str, LaneCost], prices: Prices, by: By = "volume") -> list[dict[str, Any]]:
    """The rows of each layer of the drawn chart."""
    chart = cost_chart(costs, prices, by)
    assert chart is not None
    return [layer["data"] for layer in chart.to_dict()["layer"]]


def rows(data: list[dict[str, Any]], field: str) -> list[dict[str, Any]]:
    """Those of the first layer that have a field."""
    return next(found["values"] for found in data if field in found["values"][0])


def test_lines_run_from_setup_to_the_total_and_cross_at_the_break_even() -> None:
    costs = lanes(spread(1_000))
    (found,) = break_evens(costs, STORE, "few_shot")
    data = layers(costs, STORE)
    (ring,) = rows(data, "pair")
    assert ring["x"] == found.volume.at == pytest.approx(25_000)
    assert ring["y"] == pytest.approx(12 * 25_000 * 0.002) == pytest.approx(12 * (25 + 25_000 * 0.001))
    assert (ring["low"], ring["high"]) == (found.volume.low, found.volume.high)
    assert (ring["label"], ring["pair"]) == ("25,000", "■ RAG and ◐ Prompt + examples")
    line = [row for row in rows(data, "family") if row["lane"] == "■ RAG"]
    assert (line[0]["x"], line[0]["y"]) == (0, pytest.approx(300))
    end = line[-1]
    assert end["x"] == pytest.approx(1.3 * 25_000)
    assert end["y"] == pytest.approx(12 * (25 + 1.3 * 25_000 * 0.001))
    assert end["low"] < end["y"] < end["high"]


def test_month_by_month_the_store_costs_as_it_goes() -> None:
    prices = replace(STORE, answers_per_month=50_000)
    data = layers(lanes(spread(1_000)), prices, "months")
    line = [row for row in rows(data, "family") if row["lane"] == "■ RAG"]
    assert (line[0]["y"], line[-1]["x"]) == (0, pytest.approx(1.6 * 12))
    assert line[-1]["y"] == pytest.approx(1.6 * 12 * 75)
    assert not any("pair" in found["values"][0] for found in data)  # RAG is cheaper from the first month on.


def test_an_interval_that_ends_in_never_reaches_the_edge() -> None:
    prices = replace(STORE, answers_per_month=400_000)
    (ring,) = rows(layers(costs_of(
        {"few_shot": [1_000 + 900 * (n % 2) for n in range(20)], "rag": [1_400.0] * 20}, prices,
        rag=Setup(looks_up=True, index_s=0.0),
    ), prices), "pair")  # fmt: skip
    assert ring["x"] == pytest.approx(500_000)
    assert ring["high"] == pytest.approx(1.3 * 500_000)
    assert ring["low"] < 120_000


def test_a_crossing_that_is_far_away_is_not_drawn_and_few_cases_have_no_bar() -> None:
    far = replace(STORE, answers_per_month=1_000)
    assert not any("pair" in found["values"][0] for found in layers(lanes(spread(1_000)), far))
    few = costs_of({"few_shot": [2_000.0] * 3, "rag": [1_000.0] * 3}, STORE,
                   rag=Setup(looks_up=True, index_s=0.0))  # fmt: skip
    (ring,) = rows(layers(few, STORE), "pair")
    assert ring["low"] == ring["x"] == ring["high"]


def test_there_is_a_picture_of_nothing_spent_and_none_of_nothing_known() -> None:
    costs = costs_of({"prompt": spread(1_000), "rag": []}, FREE)
    idle = replace(FREE, answers_per_month=0)
    for by in ("volume", "months"):
        line = rows(layers(costs, idle, by), "family")
        assert {row["lane"] for row in line} == {"● Prompt"}
        assert {row["y"] for row in line} == {0}
    nothing = cost_figure({"rag": costs["rag"]}, FREE, "volume")
    assert nothing.chart is None
    assert nothing.takeaway.startswith("No answer of this run")


@pytest.mark.parametrize("ms", [777, 1_003, 1_111, 1_237, 1_499])
@pytest.mark.parametrize("by", ["volume", "months"])
def test_every_line_has_its_mark_and_its_name_at_the_end(ms: int, by: By) -> None:
    data = layers(lanes(spread(ms)), STORE, by)
    ends = [found["values"] for found in data if len(found["values"]) == 2 and "lane" in found["values"][0]]
    assert len(ends) >= 2  # The marks, and the names.
    assert {row["lane"] for found in ends for row in found} == {"■ RAG", "◐ Prompt + examples"}
