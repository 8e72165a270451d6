"""From when on one lane costs less than another: by hand, and for any two straight lines."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compare.break_evens import all_break_evens, break_evens, cheapest, compared, crossing
from compare.cost import first_paid_off
from compare.cost_setup import Setup
from tests.test_cost import FREE, HOURLY, costs_of, spread


def test_the_measured_break_even_is_the_published_one_on_measured_inputs() -> None:
    # 20 s at 0.001 are 0.02, 5 s are 0.005, over one month; 500 examples at 1.
    prices = replace(HOURLY, labelled_example=1, months=1, answers_per_month=20_000)
    setup = Setup(learns=True, training_s=0.0, examples=500)
    costs = costs_of({"few_shot": spread(20_000), "lora": spread(5_000)}, prices, lora=setup)
    (found,) = break_evens(costs, prices, "few_shot")
    assert (found.lane, found.over, found.volume.kind) == ("lora", "few_shot", "from")
    assert found.volume.at == pytest.approx(500 / 0.015)
    assert found.volume.whole(found.volume.at) == first_paid_off(0.02, 500, 0.005) == 33_334
    assert found.volume.low is not None
    assert found.volume.high is not None
    assert found.volume.low < found.volume.at < found.volume.high
    # 20,000 answers a month save 300: the second month pays off 500.
    assert found.month.at == pytest.approx(500 / 300)
    assert found.month.whole(found.month.at) == 2
    assert found.sure
    (turned,) = break_evens(costs, prices, "lora")
    assert turned.volume.kind == "until"
    assert turned.volume.at == pytest.approx(found.volume.at)
    assert turned.volume.whole(turned.volume.at) == 33_333
    (pair,) = all_break_evens(costs, prices)
    assert (pair.lane, pair.over) == ("lora", "few_shot")


def test_dominated_pairs_are_always_or_never() -> None:
    prices = replace(HOURLY, month_of_store=25)
    costs = costs_of({"prompt": spread(1_000), "rag": spread(3_000)}, prices,
                     rag=Setup(looks_up=True, index_s=0.0))  # fmt: skip
    (rag,) = break_evens(costs, prices, "prompt")
    (prompt,) = break_evens(costs, prices, "rag")
    assert (rag.volume.kind, rag.volume.at, rag.volume.low, rag.volume.high) == ("never", None, None, None)
    assert (prompt.volume.kind, prompt.volume.at) == ("always", None)
    assert rag.sure
    assert cheapest(costs, prices) == ("prompt", pytest.approx(12 * 10_000 * 0.001))


def test_an_interval_that_crosses_no_saving_ends_in_never() -> None:
    prices = replace(HOURLY, month_of_store=25)
    needs = Setup(looks_up=True, index_s=0.0)
    barely = {"few_shot": [1_000 + 900 * (n % 2) for n in range(20)], "rag": [1_400.0] * 20}
    (found,) = break_evens(costs_of(barely, prices, rag=needs), prices, "few_shot")
    assert found.volume.kind == "from"
    assert found.volume.low is not None
    assert found.volume.at is not None
    assert found.volume.low < found.volume.at
    assert found.volume.high is None
    assert not found.sure
    dearer = {**barely, "rag": [1_500.0] * 20}
    (found,) = break_evens(costs_of(dearer, prices, rag=needs), prices, "few_shot")
    assert (found.volume.kind, found.volume.at, found.volume.high) == ("never", None, None)
    assert found.volume.low is not None


def test_few_cases_give_a_point_without_an_interval() -> None:
    prices = replace(HOURLY, month_of_store=25)
    few = {"few_shot": [2_000.0] * 14, "rag": [1_000.0] * 14}
    (found,) = break_evens(costs_of(few, prices, rag=Setup(looks_up=True, index_s=0)), prices, "few_shot")
    assert not found.measured
    assert not found.sure
    assert found.volume.at == pytest.approx(25_000)
    assert (found.volume.low, found.volume.high) == (None, None)


def test_lanes_without_a_cost_are_left_out_and_prices_of_zero_save_nothing() -> None:
    costs = costs_of({"prompt": spread(1_000), "rag": []})
    assert break_evens(costs, HOURLY, "prompt") == []
    assert compared(costs["rag"], costs["prompt"], HOURLY) is None
    learnt = costs_of({"prompt": spread(2_000), "lora": spread(1_000)}, lora=Setup(learns=True))
    assert break_evens(learnt, HOURLY, "prompt") == all_break_evens(learnt, HOURLY) == []
    free = costs_of({"prompt": spread(1_000), "few_shot": spread(2_000)}, FREE)
    (found,) = break_evens(free, FREE, "prompt")
    assert (found.volume.kind, found.saving, found.extra) == ("never", 0, 0)
    assert cheapest(free, FREE) == ("prompt", 0)
    assert cheapest({"rag": costs["rag"]}, HOURLY) is None


@given(
    st.floats(-1e6, 1e6).filter(lambda extra: extra == 0 or abs(extra) > 1e-6),
    st.floats(-1e3, 1e3).filter(lambda saving: saving == 0 or abs(saving) > 1e-6),
    st.floats(0, 1e9),
)
def test_on_the_side_that_a_crossing_names_the_lane_costs_less(
    extra: float, saving: float, volume: float
) -> None:
    found = crossing(extra, [saving])
    costs_less = extra - volume * saving < 0
    near = found.at is not None and volume == pytest.approx(found.at, rel=1e-6, abs=1e-6)
    if near or volume == 0:
        return
    if found.kind in ("always", "never"):
        assert found.at is None
        assert costs_less == (found.kind == "always")
    else:
        assert found.at is not None
        assert costs_less == ((volume > found.at) == (found.kind == "from"))
