"""The fairness ledger: what differs is found in the prompts; one lever at a time makes a run controlled."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from backends.ledger import Ledger, LedgerEntry, Lever, differing_levers, is_controlled, sentence
from backends.types import Layer, Passage, Prompt

SETTINGS = {"sampling": "temperature 0.7", "longest answer": "128 tokens"}
NAMES = {lane: lane.upper() for lane in ("zero_shot", "prompt", "few_shot", "rag", "lora", "hybrid")}


def prompt(
    system: str = "Be brief.", passages: int = 0, adapter: str | None = None, shots: str = ""
) -> Prompt:
    layers = [Layer(kind="system", text=system)] if system else []
    layers += [Layer(kind="few_shot", text=shots)] if shots else []
    found = tuple(
        Passage(number=n, source="a.md", chunk_id=f"a.md#{n}", text=f"fact {n}", cosine=0.5)
        for n in range(1, passages + 1)
    )
    return Prompt(messages=(), layers=tuple(layers), adapter=adapter, passages=found)


LANES = {
    "zero_shot": prompt(system=""),
    "prompt": prompt(),
    "few_shot": prompt(shots="Hi"),
    "rag": prompt(passages=2),
    "lora": prompt(adapter="s/lora"),
    "hybrid": prompt(passages=2, adapter="s/hybrid"),
}


def entries(*lanes: str, **changed: Mapping[str, str]) -> tuple[LedgerEntry, ...]:
    ledger = Ledger(lanes)
    for lane in lanes:
        for case in ("a", "b"):
            ledger.note(lane, case, LANES[lane])
    settings = {
        what: dict.fromkeys(lanes, value) | dict(changed.get(what.replace(" ", "_"), {}))
        for what, value in SETTINGS.items()
    }
    return ledger.entries(settings, {"s/lora": "abcdef0123"})


def by_what(found: tuple[LedgerEntry, ...]) -> dict[str, LedgerEntry]:
    return {entry.what: entry for entry in found}


def test_the_default_lanes_are_controlled_and_their_differences_named() -> None:
    found = entries("prompt", "rag", "lora", "hybrid")
    assert is_controlled(found)
    assert {entry.what for entry in found if entry.differs} == {"passages", "adapter"}
    rows = by_what(found)
    assert rows["adapter"].values["lora"] == "s/lora abcdef01"
    assert rows["passages"].values["prompt"] == "none"
    assert rows["passages"].values["rag"] == rows["passages"].values["hybrid"]
    assert rows["passages"].values["rag"].startswith("2 a question ")
    assert sentence(found, NAMES).startswith("Controlled")


@pytest.mark.parametrize(
    ("lanes", "controlled"),
    [
        (("prompt",), True),
        (("prompt", "rag"), True),
        (("zero_shot", "prompt", "rag"), True),
        (("prompt", "few_shot"), True),
        (("prompt", "hybrid"), False),
        (("zero_shot", "rag"), False),
        (("rag", "lora"), False),
        (("rag", "lora", "prompt"), True),
        (("few_shot", "rag"), False),
    ],
)
def test_controlled_means_steps_of_one_lever(lanes: tuple[str, ...], controlled: bool) -> None:
    assert is_controlled(entries(*lanes)) is controlled


def test_two_levers_at_once_are_named_with_what_to_do() -> None:
    said = sentence(entries("prompt", "hybrid"), NAMES)
    assert said.startswith("Not controlled: PROMPT and HYBRID differ in retrieval and the adapter at once")
    assert "between them" in said


@pytest.mark.parametrize("what", ["sampling", "longest answer"])
def test_a_difference_of_no_lever_is_never_controlled(what: str) -> None:
    found = entries("prompt", "rag", **{what.replace(" ", "_"): {"rag": "something else"}})
    assert not is_controlled(found)
    assert what in sentence(found, NAMES)
    assert differing_levers(found, "prompt", "rag") == frozenset[Lever | None]({"retrieval", None})


def test_a_text_that_changes_in_the_midst_of_a_run_shows() -> None:
    ledger = Ledger(["prompt", "rag"])
    ledger.note("prompt", "a", prompt("One."))
    ledger.note("prompt", "b", prompt("Two."))
    ledger.note("rag", "a", prompt("One.", passages=1))
    rows = by_what(ledger.entries({}, {}))
    assert " or " in rows["system text"].values["prompt"]
    assert rows["system text"].differs


def test_lanes_that_read_other_passages_of_equal_number_differ() -> None:
    ledger = Ledger(["rag", "hybrid"])
    ledger.note("rag", "a", prompt(passages=1))
    other = replace(prompt(passages=1).passages[0], text="another fact")
    ledger.note("hybrid", "a", replace(prompt(passages=1), passages=(other,)))
    assert by_what(ledger.entries({}, {}))["passages"].differs


def test_noting_a_prompt_twice_changes_nothing() -> None:
    once, twice = Ledger(["rag"]), Ledger(["rag"])
    for _ in range(2):
        twice.note("rag", "a", LANES["rag"])
    once.note("rag", "a", LANES["rag"])
    assert once.entries({}, {}) == twice.entries({}, {})


def test_a_run_that_has_not_ended_has_no_ledger_yet() -> None:
    assert "known when the run has ended" in sentence(None, NAMES)
    assert "nothing is compared" in sentence(entries("prompt"), NAMES)


def test_a_lane_whose_prompts_could_not_be_made_is_named() -> None:
    ledger = Ledger(["prompt", "rag"])
    assert not is_controlled(ledger.entries({}, {}))
    ledger.note("prompt", "a", LANES["prompt"])
    found = ledger.entries({"sampling": {"prompt": "x", "rag": "x"}}, {})
    assert not is_controlled(found)
    assert sentence(found, NAMES) == "Not controlled: no prompt could be made for RAG."
