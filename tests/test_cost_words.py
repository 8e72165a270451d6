"""What costs are told in: each sentence from figures that give it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from backends.errors import BadInput
from compare.break_evens import break_evens
from compare.cost import LaneCost
from compare.cost_setup import Setup
from compare.cost_words import cost_rows, notes, of_break_even, of_cheapest, of_month, of_published
from compare.prices import Prices
from tests.test_cost import FREE, HOURLY, costs_of, spread

STORE = replace(HOURLY, month_of_store=25)
LOOKS_UP = Setup(looks_up=True, index_s=0.0)


def told(costs: dict[str, LaneCost], prices: Prices, over: str) -> str:
    (found,) = break_evens(costs, prices, over)
    return of_break_even(found)


def test_the_sentence_that_a_team_lead_repeats() -> None:
    prices = replace(HOURLY, labelled_example=1, months=1, answers_per_month=20_000)
    setup = Setup(learns=True, training_s=0.0, examples=500)
    costs = costs_of({"few_shot": spread(20_000), "lora": spread(5_000)}, prices, lora=setup)
    (found,) = break_evens(costs, prices, "few_shot")
    low, high = (round(found.volume.whole(end or 0)) for end in (found.volume.low, found.volume.high))
    assert of_break_even(found) == (
        "LoRA pays off against Prompt + examples from 33,334 answers a month on "
        f"(95 % interval {low:,} to {high:,})."
    )
    assert of_month(found, prices) == (
        "At 20,000 answers a month it has paid off in month 2, later than the 1 looked at."
    )
    assert told(costs, prices, "lora").startswith(
        "Prompt + examples costs less than LoRA up to 33,333 answers a month (95 % interval"
    )


@pytest.mark.parametrize(
    ("one", "other", "over", "sentence"),
    [
        (spread(1_000), spread(3_000), "prompt", "RAG never pays off against Prompt: its answers cost more."),
        (spread(1_000), spread(3_000), "rag",
         "Prompt always costs less than RAG, from the first answer on."),
        (spread(1_000), spread(1_000), "prompt",
         "RAG never pays off against Prompt: its answers cost the same."),
        ([1_000 + 900 * (n % 2) for n in range(20)], [1_400] * 20, "prompt",
         "RAG pays off against Prompt from 500,000 answers a month on (95 % interval 108,696 to never)."),
        ([1_000 + 900 * (n % 2) for n in range(20)], [1_500] * 20, "prompt",
         "RAG never pays off against Prompt: its answers cost more "
         "(95 % interval: never, or from 192,308 answers a month on)."),
        ([1_000 + 900 * (n % 2) for n in range(20)], [1_500] * 20, "rag",
         "Prompt always costs less than RAG, from the first answer on "
         "(95 % interval: always, or up to 192,307 answers a month)."),
        ([2_000] * 3, [1_000] * 3, "prompt",
         "RAG pays off against Prompt from 25,000 answers a month on (too few cases for an interval)."),
    ],
)  # fmt: skip
def test_when_a_lane_pays_off_is_one_sentence(
    one: Sequence[float], other: Sequence[float], over: str, sentence: str
) -> None:
    # Of twenty that are 1,000 or 1,900, with 95 % six to fourteen are long: means of 1,270 to 1,630.
    costs = costs_of({"prompt": one, "rag": other}, STORE, rag=LOOKS_UP)
    assert told(costs, STORE, over) == sentence


def test_without_fixed_costs_answers_alone_decide_or_can_not() -> None:
    both = {"prompt": spread(1_000, 0.9), "few_shot": spread(1_000, 0.9)[::-1]}
    both["few_shot"][0] += 1
    assert told(costs_of(both, HOURLY), HOURLY, "prompt") == (
        "Which of Prompt + examples and Prompt costs less can't be told: their answers cost nearly the same."
    )
    clear = costs_of({"prompt": spread(1_000), "few_shot": spread(2_000)}, HOURLY)
    assert (
        told(clear, HOURLY, "prompt")
        == "Prompt + examples never pays off against Prompt: its answers cost more."
    )
    free = costs_of({"prompt": spread(1_000), "few_shot": spread(2_000)}, FREE)
    assert told(free, FREE, "prompt") == "Prompt + examples and Prompt cost the same."
    assert notes(free, FREE) == [
        "At these prices answers cost nothing, so no approach saves anything by answering."
    ]


@pytest.mark.parametrize(
    ("answers", "examples", "sentence"),
    [
        (10_000, 120, "At 10,000 answers a month it has paid off in month 12 (95 % interval 12 to 13)."),
        (10_000, 1_000, "At 10,000 answers a month it has paid off in month 100 (95 % interval"),
        (0, 120, "At 0 answers a month it never pays off."),
        (1, 120, "At 1 answer a month it never pays off."),
        (10_000, 0, "At 10,000 answers a month it costs less from the first month on."),
    ],
)
def test_the_month_in_which_it_has_paid_off(answers: int, examples: int, sentence: str) -> None:
    prices = replace(HOURLY, labelled_example=1, answers_per_month=answers)
    setup = Setup(learns=True, training_s=0.0, examples=examples)
    costs = costs_of({"few_shot": spread(2_000), "lora": spread(1_000)}, prices, lora=setup)
    (found,) = break_evens(costs, prices, "few_shot")
    assert of_month(found, prices).startswith(sentence)


def test_what_only_starts_cheaper_is_told_by_its_months() -> None:
    prices = replace(HOURLY, labelled_example=1)
    setup = Setup(learns=True, training_s=0.0, examples=125)
    costs = costs_of({"few_shot": spread(2_000), "lora": spread(1_000)}, prices, lora=setup)
    (found,) = break_evens(costs, prices, "lora")
    assert of_month(found, prices) == "At 10,000 answers a month it costs less for the first 12 months only."
    at_once = replace(prices, answers_per_month=1_000_000)
    (found,) = break_evens(costs, at_once, "lora")
    assert of_month(found, at_once) == "At 1,000,000 answers a month it never pays off."


def test_volumes_that_nobody_has_are_not_told_to_the_digit() -> None:
    prices = replace(HOURLY, gpu_hour=1e-6, month_of_store=1e6)
    costs = costs_of({"prompt": spread(2_000), "rag": spread(1_000)}, prices, rag=LOOKS_UP)
    assert told(costs, prices, "prompt") == (
        "RAG pays off against Prompt from more than 1,000,000,000 answers a month on "
        "(95 % interval over 1,000,000,000 to over 1,000,000,000)."
    )


def test_the_cheapest_is_named_with_its_total() -> None:
    costs = costs_of({"prompt": spread(1_000), "rag": spread(500)}, STORE, rag=LOOKS_UP)
    assert (
        of_cheapest(costs, STORE) == "At 10,000 answers a month Prompt costs least: $120.00 over 12 months."
    )
    idle = replace(STORE, answers_per_month=0, months=1, currency="EUR")
    assert of_cheapest({"rag": costs["rag"]}, idle) == (
        "Without any answers, RAG costs least over 1 month: EUR 25.00 for what has to be there."
    )
    assert of_cheapest(costs_of({"prompt": []}), STORE).startswith("No answer of this run says what it cost")


def test_what_a_reader_must_know_is_said() -> None:
    costs = costs_of(
        {"prompt": spread(1_000), "rag": spread(500), "lora": spread(700), "hybrid": spread(900), "cot": []},
        STORE,
        mode="demo",
        rag=Setup(looks_up=True),
        lora=Setup(learns=True, training_s=60, examples=200),
        hybrid=Setup(learns=True, looks_up=True, training_s=60),
    )
    shared, silent, index, nothing = notes(costs, STORE)
    assert shared.startswith("Answers of this run shared the machine, so what one costs is the most")
    assert silent == "No finished answer says what one costs: Prompt, reasoning first."
    assert index == "Not measured, so on top of what is shown for RAG: building the index."
    assert nothing.startswith(
        "No total for RAG + LoRA: nothing here says what labelling the examples and building the index took."
    )
    assert of_cheapest({"hybrid": costs["hybrid"]}, STORE).startswith(
        "What these approaches cost in total can't"
    )
    alone = costs_of({"prompt": spread(1_000)})
    assert notes(alone, HOURLY) == []


def test_the_table_has_a_row_a_lane() -> None:
    costs = costs_of({"prompt": spread(1_000), "rag": [500.0] * 3, "lora": []}, STORE,
                     rag=Setup(looks_up=True))  # fmt: skip
    prompt, rag, lora = cost_rows(costs, STORE)
    assert prompt["1,000 answers"].startswith("$1.00 ($0.95 to 1.0")
    assert (prompt["Setup"], prompt["Each month besides"]) == ("$0.00", "$0.00")
    assert prompt["12 months of 10,000 answers"] == "$120.00"
    assert rag == {
        "Approach": "■ RAG",
        "1,000 answers": "$0.50 (3 cases)",
        "Setup": "more than $0.00",
        "Each month besides": "$25.00",
        "12 months of 10,000 answers": "more than $360.00",
    }
    assert (lora["1,000 answers"], lora["12 months of 10,000 answers"]) == ("–", "–")
    shared = costs_of({"prompt": spread(1_000)}, mode="demo")
    assert cost_rows(shared, HOURLY)[0]["1,000 answers"].startswith("at most $1.00")


def test_the_published_formula_answers_in_words() -> None:
    assert of_published(0.02, 500, 0.005) == (
        "Break-even is at 33,333 requests; request 33,334 is the first that has paid off."
    )
    assert of_published(0.005, 500, 0.005).startswith("Never: a fine-tuned request costs as much")
    assert of_published(0.005, 0, 0.02).startswith("Never: a fine-tuned request costs more")
    assert of_published(0.02, 0, 0.005).startswith("From the first request on")
    with pytest.raises(BadInput, match="The fixed cost of fine-tuning can't be -1"):
        of_published(0.02, -1, 0.005)
