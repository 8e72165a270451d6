"""Costs worked by hand, properties of the formula and the model, costs of a real run's timings."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.adapter_places import WEIGHTS
from backends.adapters import registered
from backends.engine.base import WENT_FIRST
from backends.engine.local import LocalEngine
from backends.errors import BadInput
from backends.ledger import LedgerEntry
from backends.scenario import load_scenario
from backends.settings import Settings, settings
from backends.types import Mode, Sampling, Timing, Usage
from compare.cases import Case
from compare.cost import LaneCost, answer_cost, break_even, first_paid_off, lane_costs
from compare.cost_setup import Setup, setups_of
from compare.judged import JudgedCall
from compare.measured import StoredRun
from compare.plan import Plan
from compare.prices import Prices
from compare.scenario_run import make_plan, start_scenario_run
from compare.store import Store
from tests.tiny import build_adapter, build_model

FREE = Prices(
    gpu_hour=0, prompt_token_million=0, completion_token_million=0, labelled_example=0, month_of_store=0,
    retraining_every_months=0,
)  # fmt: skip
HOURLY = replace(FREE, gpu_hour=3.6)
"""A second of the machine costs 0.001."""


def timing(busy_ms: float, queued_ms: float = 40) -> Timing:
    return Timing(
        queued_ms=queued_ms, adapter_switch_ms=0, embed_ms=0, retrieve_ms=0, prefill_ms=busy_ms / 2,
        decode_ms=busy_ms / 2, total_ms=busy_ms + queued_ms, ttft_ms=None, first_token_ms=None,
    )  # fmt: skip


def call(case: int, lane: str, busy_ms: float, **changes: object) -> JudgedCall:
    made = JudgedCall(
        case_id=f"c{case}", group=f"g{case}", lane=lane, repeat=0, status="done", text="", checks=(),
        timing=timing(busy_ms), usage=Usage(prompt_tokens=100, completion_tokens=10),
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def run_of(calls: Sequence[JudgedCall], mode: Mode = "bench") -> StoredRun:
    lanes = tuple(dict.fromkeys(one.lane for one in calls))
    cases = tuple(Case(id=id_, query="?") for id_ in dict.fromkeys(one.case_id for one in calls))
    plan = Plan(scenario="support-facts", cases=cases, lanes=lanes, mode=mode)
    return StoredRun(
        id="r", name="", status="done", plan=plan, live=False, calls=tuple(calls), provenance=None,
        ledger=None, started_at="", finished_at="",
    )  # fmt: skip


def costs_of(
    times: dict[str, Sequence[float]], prices: Prices = HOURLY, mode: Mode = "bench", **setups: Setup
) -> dict[str, LaneCost]:
    """Each lane's answers took so many busy ms, one a case."""
    run = run_of([call(n, lane, ms) for lane, of in times.items() for n, ms in enumerate(of)], mode)
    return lane_costs(run, tuple(times), {lane: setups.get(lane, Setup()) for lane in times}, prices)


def spread(ms: float, by: float = 0.2) -> list[float]:
    """Twenty times around a mean."""
    return [ms * (1 + by * (n - 9.5) / 9.5) for n in range(20)]


# The published formula


def test_the_published_example_and_its_first_request() -> None:
    assert break_even(0.02, 500, 0.005) == 33_333
    assert first_paid_off(0.02, 500, 0.005) == 33_334
    assert break_even(Decimal("0.02"), Decimal(500), Decimal("0.005")) == 33_333
    assert break_even(prompting_cost_per_request=0.1, fine_tuning_fixed_cost=0.3,
                      fine_tuned_cost_per_request=0) == 3  # int(0.3 / 0.1) is 2 in floats.  # fmt: skip
    assert first_paid_off(0.1, 0.3, 0) == 3  # By then the savings are the fixed cost.


def test_without_a_saving_it_never_pays_and_without_a_cost_it_does_at_once() -> None:
    for prompting, fine_tuned in ((0.005, 0.005), (0.005, 0.02), (0, 0)):
        for fixed in (500, 0):
            assert break_even(prompting, fixed, fine_tuned) is None
            assert first_paid_off(prompting, fixed, fine_tuned) is None
    assert (break_even(0.02, 0, 0.005), first_paid_off(0.02, 0, 0.005)) == (0, 1)


@pytest.mark.parametrize("bad", [-1, -0.0001, float("nan"), float("inf"), Decimal("NaN"), "ten"])
def test_nonsense_is_refused_by_what_it_is(bad: float) -> None:
    for amounts, what in (
        ((bad, 500, 0.005), "prompted"),
        ((0.02, bad, 0.005), "fixed cost"),
        ((0.02, 500, bad), "fine-tuned request"),
    ):
        with pytest.raises(BadInput, match=f"{what}.* can't be"):
            break_even(*amounts)


CENTS = st.decimals(0, 20, places=2)


@given(CENTS, st.decimals(0, 200, places=2), CENTS)
def test_break_even_is_what_counting_request_by_request_gives(
    prompting: Decimal, fixed: Decimal, fine_tuned: Decimal
) -> None:
    even, first = break_even(prompting, fixed, fine_tuned), first_paid_off(prompting, fixed, fine_tuned)
    if even is None or first is None:
        assert prompting <= fine_tuned
        return
    requests = 0
    while (requests + 1) * prompting <= fixed + (requests + 1) * fine_tuned:
        requests += 1
    assert even == requests
    assert first * prompting >= fixed + first * fine_tuned
    assert first == 1 or (first - 1) * prompting < fixed + (first - 1) * fine_tuned


@given(st.floats(0, 1e6), st.floats(0, 1e9), st.floats(0, 1e6), st.floats(0, 1e6))
def test_more_to_pay_off_takes_longer_and_more_to_save_shorter(
    prompting: float, fixed: float, fine_tuned: float, more: float
) -> None:
    never = float("inf")

    def requests(*amounts: float) -> float:
        found = break_even(*amounts)
        return never if found is None else found

    base = requests(prompting, fixed, fine_tuned)
    assert requests(prompting, fixed + more, fine_tuned) >= base
    assert requests(prompting + more, fixed, fine_tuned) <= base
    assert requests(prompting, fixed, fine_tuned + more) >= base


# What one answer costs


def test_an_answer_costs_the_seconds_that_it_had_the_machine_not_its_waiting() -> None:
    assert answer_cost(call(0, "prompt", 2_000), HOURLY) == pytest.approx(0.002)
    waited = call(0, "prompt", 2_000, timing=timing(2_000, queued_ms=90_000))
    assert answer_cost(waited, HOURLY) == pytest.approx(0.002)
    for unknown in ({"status": "failed", "timing": None}, {"marks": (WENT_FIRST,)}, {"status": "cancelled"}):
        assert answer_cost(call(0, "prompt", 2_000, **unknown), HOURLY) is None


def test_a_servers_answer_costs_its_tokens_and_what_is_looked_up_here() -> None:
    prices = replace(HOURLY, prompt_token_million=2, completion_token_million=30)
    remote = Timing(
        queued_ms=None, adapter_switch_ms=None, embed_ms=300, retrieve_ms=200, prefill_ms=None,
        decode_ms=None, total_ms=9_000, ttft_ms=None, first_token_ms=None,
    )  # fmt: skip
    one = call(0, "rag", 1, timing=remote)
    # 100 tokens at 2 a million, 10 at 30 a million, half a second of this machine.
    assert answer_cost(one, prices) == pytest.approx(0.0002 + 0.0003 + 0.0005)
    uncounted = replace(one, usage=Usage(prompt_tokens=100, completion_tokens=None))
    assert answer_cost(uncounted, prices) is None
    run = run_of([one, replace(uncounted, case_id="c1", group="g1")])
    found = lane_costs(run, ("rag",), {"rag": Setup()}, prices)["rag"]
    assert found.basis == "tokens"
    assert found.per_answer is not None
    assert (found.per_answer.cases, found.per_answer.value) == (1, pytest.approx(0.001))


def test_repeats_are_averaged_before_cases_and_few_cases_have_no_interval_to_show() -> None:
    calls = [call(0, "prompt", 1_000), *(call(1, "prompt", 4_000, repeat=n) for n in range(3))]
    found = lane_costs(run_of(calls), ("prompt",), {"prompt": Setup()}, HOURLY)["prompt"]
    assert found.per_answer is not None
    assert found.per_answer.value == pytest.approx(0.0025)
    assert (found.per_answer.cases, found.per_answer.enough) == (2, False)
    assert found.basis == "alone"


def test_the_interval_holds_the_mean_and_cases_of_a_group_are_drawn_together() -> None:
    times = [1_000 + 100 * n for n in range(40)]
    alone = costs_of({"prompt": times})["prompt"].per_answer
    assert alone is not None
    assert alone.low < alone.value < alone.high
    # The standard error of the mean of 1,000 to 4,900 in steps of 100 is 1154 / sqrt(40) = 182.5 ms.
    assert alone.high - alone.low == pytest.approx(2 * 1.96 * 0.0001825, rel=0.05)
    pairs = [call(n, "prompt", ms, group=f"g{n // 2}") for n, ms in enumerate(times)]
    grouped = lane_costs(run_of(pairs), ("prompt",), {"prompt": Setup()}, HOURLY)["prompt"].per_answer
    assert grouped is not None
    assert grouped.groups == 20
    # Neighbours are alike: twenty pairs know about as much as twenty cases.
    assert grouped.high - grouped.low == pytest.approx(2**0.5 * (alone.high - alone.low), rel=0.05)


def test_answers_that_shared_the_machine_are_told_from_those_that_had_it_alone() -> None:
    assert costs_of({"prompt": [1_000]}, mode="demo")["prompt"].basis == "at most"
    share = replace(timing(1_000), device_ms=50, embed_ms=10)
    merged = run_of([call(n, "prompt", 1_000, timing=share) for n in range(20)], "demo")
    found = lane_costs(merged, ("prompt",), {"prompt": Setup()}, HOURLY)["prompt"]
    assert found.basis == "share"
    assert found.per_answer is not None
    assert found.per_answer.value == pytest.approx(0.06 * 0.001)
    alone = replace(merged, plan=replace(merged.plan, mode="bench"))
    found = lane_costs(alone, ("prompt",), {"prompt": Setup()}, HOURLY)["prompt"]
    assert found.per_answer is not None
    assert found.per_answer.value == pytest.approx(0.001)
    nothing = costs_of({"prompt": [1_000], "rag": []})["rag"]
    assert nothing.per_answer is None
    assert nothing.total(100, 12) is None


# Setup and totals


def test_setup_and_months_are_those_of_the_worked_example() -> None:
    prices = Prices(
        gpu_hour=3.6, labelled_example=0.5, month_of_store=25, retraining_every_months=3,
        examples_per_retraining=30,
    )  # fmt: skip
    learnt = Setup(learns=True, training_s=1_000, examples=200)
    assert learnt.cost(prices) == pytest.approx(1 + 100)
    assert learnt.monthly(prices) == pytest.approx((1 + 15) / 3)
    looked_up = Setup(looks_up=True, index_s=2_000)
    assert (looked_up.cost(prices), looked_up.monthly(prices)) == (pytest.approx(2), 25)
    both = Setup(learns=True, looks_up=True, training_s=1_000, examples=200, index_s=2_000)
    assert both.cost(prices) == pytest.approx(101 + 2)
    assert both.monthly(prices) == pytest.approx(16 / 3 + 25)
    assert learnt.monthly(replace(prices, retraining_every_months=0)) == 0


def test_what_was_not_measured_is_named_and_nothing_is_asked_of_who_does_not_need_it() -> None:
    assert Setup().unknown == ()
    assert Setup(learns=True, training_s=3).unknown == ("labelling the examples",)
    assert Setup(learns=True, looks_up=True).unknown == (
        "training", "labelling the examples", "building the index",
    )  # fmt: skip
    assert Setup(looks_up=True, index_s=0.0).unknown == ()


def test_an_adapter_of_which_nothing_is_known_has_no_total_but_an_index_is_a_least() -> None:
    unknown, partly = Setup(learns=True, looks_up=True), Setup(learns=True, training_s=60)
    for setup in (unknown, partly):
        assert (setup.cost(HOURLY), setup.monthly(HOURLY)) == (None, None)
    costs = costs_of(
        {"prompt": [2_000], "rag": [1_000], "lora": [1_000]}, rag=Setup(looks_up=True), lora=partly
    )
    assert [one.known for one in costs.values()] == [True, True, False]
    assert costs["lora"].total(100, 12) is None
    assert costs["rag"].total(100, 12) == pytest.approx(1.2)


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e3), st.integers(1, 120), st.integers(0, 10**6))
def test_the_total_is_linear_in_answers_and_months(
    hour: float, label: float, store: float, months: int, answers: int
) -> None:
    prices = Prices(gpu_hour=hour, labelled_example=label, month_of_store=store, retraining_every_months=2)
    setup = Setup(learns=True, looks_up=True, training_s=60, examples=10, index_s=1)
    one = costs_of({"hybrid": [1_000, 3_000]}, prices, hybrid=setup)["hybrid"]

    def total(volume: float, horizon: float) -> float:
        found = one.total(volume, horizon)
        assert found is not None
        return found

    none, some, twice = (total(n * answers, months) for n in range(3))
    assert twice - some == pytest.approx(some - none, rel=1e-6, abs=1e-6)
    assert none <= some <= twice
    assert total(answers, 0) == pytest.approx(one.setup_cost)
    assert total(answers, 2 * months) - total(answers, months) == pytest.approx(
        total(answers, months) - one.setup_cost, rel=1e-6, abs=1e-6
    )


# A real run


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngine]:
    folder = tmp_path_factory.mktemp("cost")
    model = build_model(folder / "model", context=1024)
    lamps = folder / "scenarios" / "lamps"
    (lamps / "knowledge").mkdir(parents=True)
    (lamps / "scenario.toml").write_text('title = "Lamps"\nsystem_prompt = "Answer in one sentence."\n')
    (lamps / "knowledge" / "lamps.md").write_text("# Lamps\n\nA lamp lasts nine years.\n")
    rows = "".join(f"How long does lamp {n} last?,contains_all: nine\n" for n in range(16))
    (lamps / "cases.csv").write_text("query,checks\n" + rows)
    build_adapter(lamps / "adapters" / "lora", model, seed=1)
    told = Settings(
        model=str(model), device="cpu", dtype="float32", threads=1, scenarios_dir=folder / "scenarios"
    )
    running = LocalEngine(told)
    running.start()
    assert running.wait_ready(120).state == "ready"
    yield running
    running.stop()


def test_a_real_run_costs_what_its_clocks_measured(
    engine: LocalEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEVER_SCENARIOS_DIR", str(engine._settings.scenarios_dir))
    settings.cache_clear()
    kept = Store(f"sqlite:///{tmp_path / 'lever.db'}")
    lanes = ("prompt", "rag", "lora")
    plan = make_plan(load_scenario("lamps"), lanes, mode="bench", sampling=Sampling(max_tokens=6))
    run = start_scenario_run(plan, store=kept, engine=engine)
    assert run.wait(120).state == "done"
    stored = kept.stored_run(run.id)
    kept.close()
    setups = setups_of(stored, lanes)
    card = registered(load_scenario("lamps"))[0].card
    assert setups["prompt"] == Setup()
    index_s = setups["rag"].index_s
    assert index_s is not None
    assert 0 < index_s < 60
    assert setups["rag"] == Setup(looks_up=True, index_s=index_s)
    assert stored.provenance is not None
    another = replace(stored, provenance=replace(stored.provenance, base_hash="f" * 64))
    assert setups_of(another, lanes)["rag"].unknown == ("building the index",)
    assert setups["lora"] == Setup(learns=True, training_s=card.seconds, examples=card.examples.get("file"))
    costs = lane_costs(stored, lanes, setups, HOURLY)
    for lane in lanes:
        of_lane = [one for one in stored.calls if one.lane == lane and one.timing is not None]
        spent = sum(
            part
            for one in of_lane
            if (time := one.timing)
            for part in (time.embed_ms, time.retrieve_ms, time.prefill_ms, time.decode_ms)
            if part is not None
        )
        found = costs[lane].per_answer
        assert costs[lane].basis == "alone"
        assert found is not None
        assert found.enough
        assert found.value == pytest.approx(spent / 16 / 1000 * 0.001, rel=0.02)
        assert 0 < found.low < found.value < found.high
    assert costs["rag"].unknown == ()


def test_an_adapter_is_known_by_its_weights_and_brings_its_card() -> None:
    scenario = load_scenario("support-facts")
    shipped = next(one for one in registered(scenario) if one.kind == "lora")
    digest = hashlib.sha256((shipped.folder / WEIGHTS).read_bytes()).hexdigest()
    used = {"prompt": "none", "lora": f"{shipped.key} {digest[:12]}"}
    entry = LedgerEntry(what="adapter", lever="adapter", values=used)
    run = replace(run_of([call(0, lane, 1_000) for lane in ("prompt", "lora")]), ledger=(entry,))
    setup = setups_of(run, ("lora",))["lora"]
    assert (setup.training_s, setup.examples) == (shipped.card.seconds, shipped.card.examples["file"])
    assert setup.unknown == ()
    other = replace(entry, values={"lora": f"{shipped.key} 0000000000000000"})
    assert setups_of(replace(run, ledger=(other,)), ("lora",))["lora"].unknown == (
        "training", "labelling the examples",
    )  # fmt: skip
