"""The corpus is seeded, covers its tasks, and shares neither names nor wording with shipped scenarios."""

import csv
import re
import tomllib
from concurrent.futures import ProcessPoolExecutor
from hashlib import md5
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import pytest
from pydantic import ValidationError

from backends.pocket.corpus import MIXTURE, SEED, sample
from backends.pocket.holdout import allowed, held_out
from backends.pocket.tables import SENTENCES, Tables, tables

SCENARIOS = Path(__file__).parent.parent / "scenarios"
WORD = re.compile(r"[a-z0-9]+")
RUN = 8
CHUNK = 10_000


def runs_of_words(text: str) -> set[tuple[str, ...]]:
    words = WORD.findall(text.lower())
    return set(zip(*(words[i:] for i in range(RUN)), strict=False))


def scenario_texts() -> list[str]:
    texts = [
        file.read_text(encoding="utf-8")
        for file in SCENARIOS.glob("*/knowledge/*")
        if file.suffix in (".md", ".txt", ".csv")
    ]
    for file in SCENARIOS.glob("*/cases.csv"):
        with file.open(encoding="utf-8-sig", newline="") as handle:
            texts += [row["query"] for row in csv.DictReader(handle)]
    return texts


def test_a_sample_depends_on_seed_index_and_level_alone() -> None:
    assert [sample(3, i, 0.5) for i in range(50)] == [sample(3, i, 0.5) for i in range(50)]
    assert [sample(3, i, 0.5) for i in range(50)] != [sample(4, i, 0.5) for i in range(50)]


def test_the_samples_of_the_shipped_model_are_drawn_again() -> None:
    """A changed order of entries or of draws gives other samples: then retrain, and renew the digest."""
    chats = [sample(SEED, index, index / 400) for index in range(400)]
    assert md5(repr(chats).encode()).hexdigest() == "3d48e18a63c3149d3973ad52e3ece0e4"


def test_an_unknown_or_missing_table_is_refused() -> None:
    whole = tomllib.loads(SENTENCES.read_text(encoding="utf-8"))
    assert Tables.model_validate(whole) == tables()
    with pytest.raises(ValidationError):
        Tables.model_validate({**whole, "voyces": {}})
    with pytest.raises(ValidationError):
        Tables.model_validate({name: table for name, table in whole.items() if name != "voices"})


def test_every_task_is_drawn_and_every_chat_ends_with_the_assistant() -> None:
    chats = [sample(1, i, 1.0) for i in range(2000)]
    assert all(chat[-1][0] == "assistant" and all(text.strip() for _, text in chat) for chat in chats)
    assert all(high > 0 for _, high in MIXTURE.values())
    assert any('": "' in chat[-1][1] for chat in chats)
    assert any("Answer:" in chat[-1][1] for chat in chats)
    assert any(re.search(r"\[\d\]", chat[-1][1]) for chat in chats)


def test_no_template_slot_is_left_open() -> None:
    assert not [t for i in range(3000) for _, t in sample(2, i, 1.0) if re.search(r"\{[A-Za-z]\^?\}", t)]


@pytest.mark.parametrize("name", ["Tessel", "Pro", "Velora"])
def test_a_held_out_name_is_refused(name: str) -> None:
    assert not allowed(f"The {name} plan")
    assert allowed(f"The {name}xyz plan")


def test_held_out_wording_is_refused() -> None:
    assert not allowed("Well, what would I pay each month if I move to the other plan?")
    assert allowed("What would I pay each month then?")


def what_chunk_shares(first: int) -> set[str]:
    """What samples ``first`` to ``first + CHUNK`` share with the scenarios; runs in a process of its own."""
    forbidden = set().union(*(runs_of_words(text) for text in scenario_texts()))
    starts = {run[:2] for run in forbidden}
    names = held_out()
    shared: set[str] = set()
    for index in range(first, first + CHUNK):
        for _, text in sample(SEED, index, min(1.0, index / 60_000)):
            shared.update(names.findall(text))
            words = WORD.findall(text.lower())
            for i, pair in enumerate(pairwise(words)):
                if pair in starts and (run := tuple(words[i : i + RUN])) in forbidden:
                    shared.add(" ".join(run))
    return shared


def test_200000_samples_share_no_8_words_and_no_name_with_cases_or_knowledge() -> None:
    """With the training's own seed: these are samples that the model saw."""
    assert len(set().union(*(runs_of_words(text) for text in scenario_texts()))) > 3000
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        assert not set().union(*pool.map(what_chunk_shares, range(0, 200_000, CHUNK)))
