"""What a run's adapters had learnt is found when it ends, and kept. Real engine, embeddings and SQLite."""

import hashlib
import json
import shutil
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backends.engine.local import LocalEngine
from backends.settings import settings
from backends.training.examples import Example
from backends.types import Query
from compare.cases import Case
from compare.command_results import outcome_of
from compare.leakage import LETTERS_ONLY, Leak
from compare.leakage_words import leak_rows, leakage_document, of_leakage, rate_rows, rates_without
from compare.run_html import run_html
from compare.run_leakage import MOST_EMBEDDED, RunLeakage, TrainedOn, look_for_leaks
from compare.run_measures import measure
from compare.runner import start
from compare.scenario_run import start_scenario_run
from compare.store import Store
from compare.training_files import write_examples
from tests.test_scenario_run import (  # noqa: F401
    SHORT,
    WAIT_S,
    engine,
    finished,
    folder,
    own_scenarios,
    plan,
)
from tests.test_sensitive import KEYS
from tests.test_summary import stored

SAME, LIKE, MEANT = "how long does  lamp 0 last?", "How long do lamp 1 last?", "Lamp 2 lasts how long?"
LINES = (SAME, LIKE, MEANT, "How heavy is lamp 3?")


def keep_examples(file: Path, queries: Collection[str] = LINES) -> str:
    """Write examples; gives the file's hash, as a card has it."""
    data = write_examples(Example(line=0, query=query, answer="Nine years.") for query in queries)
    file.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def lamps(folder: Path, own_scenarios: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: F811
    """The scenario's folder, for this test alone."""
    own = tmp_path / "scenarios" / "lamps"
    shutil.copytree(folder / "scenarios" / "lamps", own)
    monkeypatch.setenv("LEVER_SCENARIOS_DIR", str(own.parent))
    settings.cache_clear()
    return own


def learn(lamps: Path, *, beside: bool = False, queries: Collection[str] = LINES) -> None:
    """Let the adapter have learnt from questions: the scenario's, or some that only its own folder has."""
    adapter = lamps / "adapters" / "lora"
    digest = keep_examples((adapter if beside else lamps) / "examples.jsonl", queries)
    card = json.loads((adapter / "card.json").read_text())
    (adapter / "card.json").write_text(json.dumps({**card, "adapter": "lora", "data_hash": digest}))


def cases(*queries: str) -> tuple[Case, ...]:
    return tuple(Case(id=f"c{n}", query=query) for n, query in enumerate(queries))


def ran(lamps: Path, kept: Store, engine: LocalEngine, **changes: object) -> str:  # noqa: F811
    return finished(start_scenario_run(plan(first=4, repeats=1, **changes), store=kept, engine=engine)).id


def test_a_run_keeps_which_of_its_cases_were_learnt_from(
    lamps: Path,
    kept: Store,
    engine: LocalEngine,  # noqa: F811
) -> None:
    learn(lamps)
    run = kept.stored_run(ran(lamps, kept, engine))
    assert run.leakage is not None
    (file,) = run.leakage.trained_on
    assert (file.adapters, file.examples, run.leakage.note) == (("lamps/lora",), 4, "")
    asked = [case.id for case in run.plan.cases]
    assert [(leak.case, leak.line, leak.kind) for leak in file.leaks] == [
        (asked[0], 1, "exact"), (asked[1], 2, "near"), (asked[2], 3, "near"),
    ]  # fmt: skip
    assert of_leakage(run) == "3 of 4 cases stand among the 4 training examples of the adapters."
    document = json.loads(json.dumps(outcome_of(run, {}, calls=False).document))["leakage"]
    assert document["trained_on"][0]["leaks"][0]["text"] == SAME
    assert document["cases"] == sorted(asked[:3])
    assert document["without_leaked"]["lora"]["n_cases"] == 1


def test_a_run_without_an_adapter_learnt_nothing_and_embeds_nothing(
    lamps: Path,
    kept: Store,
    engine: LocalEngine,  # noqa: F811
) -> None:
    learn(lamps)
    short = replace(plan(first=2, repeats=1), lanes=("prompt",))
    run = kept.stored_run(finished(start_scenario_run(short, store=kept, engine=engine)).id)
    assert run.leakage == RunLeakage(trained_on=())
    assert of_leakage(run) == ""
    assert kept.without_embedding(LINES, engine.status().embedder_hash) == sorted(LINES)


def test_a_live_question_is_compared_by_its_letters(
    lamps: Path,
    kept: Store,
    engine: LocalEngine,  # noqa: F811
) -> None:
    learn(lamps)
    query = Query(text=SAME, scenario="lamps", sampling=SHORT)
    run = start(query, backends=("lora",), store=kept, engine=engine).wait(WAIT_S)
    found = kept.stored_run(run.id)
    assert found.leakage is not None
    assert found.leakage.note == LETTERS_ONLY
    assert [(leak.kind, leak.line) for leak in found.leakage.trained_on[0].leaks] == [("exact", 1)]
    assert leak_rows(found)[0]["Question"] == SAME


def test_what_an_adapter_learnt_from_is_known_by_its_card_or_by_what_lies_beside_it(lamps: Path) -> None:
    asked = cases("how long does lamp 0 last?")
    assert look_for_leaks(asked, ["lamps/lora"]).trained_on == (
        TrainedOn(adapters=("lamps/lora",), examples=None),
    )
    learn(lamps)
    assert look_for_leaks(asked, ["lamps/lora"]).cases == {"c0"}
    keep_examples(lamps / "examples.jsonl", ["Something else?"])  # Edited since.
    assert look_for_leaks(asked, ["lamps/lora"]).trained_on[0].examples is None
    learn(lamps, beside=True)
    assert look_for_leaks(asked, ["lamps/lora"]).cases == {"c0"}
    (lamps / "adapters" / "lora" / "examples.jsonl").write_text("no example")
    assert look_for_leaks(asked, ["lamps/lora", "gone/lora"]).trained_on == (
        TrainedOn(adapters=("gone/lora",), examples=None),
        TrainedOn(adapters=("lamps/lora",), examples=None),
    )


def test_adapters_that_people_made_have_their_own_examples(lamps: Path, own_data_folder: Path) -> None:
    learn(lamps, queries=["Something else?"])
    own = own_data_folder / "adapters" / "lamps" / "3"
    shutil.copytree(lamps / "adapters" / "lora", own)
    keep_examples(own / "examples.jsonl")
    (own / "card.json").write_text('{"adapter": "lora"}')
    shipped, mine = look_for_leaks(cases(SAME), ["lamps/lora", "lamps/lora+3"]).trained_on
    assert (shipped.examples, shipped.leaks) == (1, ())
    assert (mine.adapters, len(mine.leaks)) == (("lamps/lora+3",), 1)


def test_adapters_of_one_file_are_told_together(lamps: Path) -> None:
    learn(lamps)
    shutil.copytree(lamps / "adapters" / "lora", lamps / "adapters" / "hybrid")
    (found,) = look_for_leaks(cases(SAME), ["lamps/lora", "lamps/hybrid"]).trained_on
    assert found.adapters == ("lamps/hybrid", "lamps/lora")


def test_only_what_can_be_near_is_embedded_and_never_too_much(lamps: Path) -> None:
    learn(lamps, queries=[MEANT, "And this?"])
    given: list[Collection[str]] = []

    def vectors_of(texts: Collection[str]) -> Mapping[str, np.ndarray]:
        given.append(texts)
        return dict.fromkeys(texts, np.array([1.0], dtype=np.float32))

    found = look_for_leaks(cases("How long will lamp 2 last for?"), ["lamps/lora"], vectors_of)
    assert given == [{MEANT, "How long will lamp 2 last for?"}]
    assert (found.cases, found.note) == ({"c0"}, "")
    many = [f"Lamp number {n} is broken in the {n}th room?" for n in range(MOST_EMBEDDED // 2 + 1)]
    learn(lamps, queries=[query.upper() for query in many])
    found = look_for_leaks(cases(*many), ["lamps/lora"], vectors_of)
    assert len(given) == 1
    assert len(found.cases) == len(many)
    assert found.note.startswith(LETTERS_ONLY)
    assert "2,000" in found.note
    assert look_for_leaks(cases(SAME), ["lamps/lora"], lambda texts: None).note == LETTERS_ONLY


def test_secrets_of_the_examples_are_masked_in_the_store(lamps: Path) -> None:
    said = f"How long does lamp 0 last? My key is {KEYS[0]}."
    learn(lamps, queries=[said])
    (leak,) = look_for_leaks(cases(said), ["lamps/lora"]).trained_on[0].leaks
    assert leak.text == "How long does lamp 0 last? My key is AKIA…."


LEAKS = tuple(
    Leak(case=f"c{n}", kind="exact", where="training", text=f"Asked {n} <b>", likeness=1.0, line=n + 1)
    for n in range(10)
)
LEAKED = RunLeakage(
    trained_on=(
        TrainedOn(adapters=("lamps/lora",), examples=300, leaks=LEAKS),
        TrainedOn(adapters=("lamps/hybrid",), examples=None),
    ),
    note=LETTERS_ONLY,
)


def test_rates_are_told_with_and_without_the_leaked_cases_everywhere() -> None:
    run = stored(dict.fromkeys(range(10), "pass") | dict.fromkeys(range(10, 40), "fail"), leakage=LEAKED)
    without = rates_without(run)["rag"]
    assert without is not None
    assert (without.value, without.cases) == (0.0, 30)
    (row,) = rate_rows(measure(run, {}))
    assert row["Right, all cases"].startswith("25 % (")
    assert row["Right, without these"].startswith("0 % (")
    told = of_leakage(run)
    assert told.startswith(
        "10 of 40 cases stand among the 300 training examples of the adapters. What lamps/hybr"
    )
    assert told.endswith(LETTERS_ONLY)
    source = "".join(run_html(measure(run, {})))
    assert "Had it been learnt before?" in source
    assert "Asked 3 &lt;b&gt;" in source
    assert row["Right, all cases"] in source
    assert told in outcome_of(run, {}, calls=False).text
    document = outcome_of(run, {}, calls=False).document["leakage"]
    assert document["without_leaked"]["rag"]["pass_rate"] == 0.0  # type: ignore[index]


def test_all_cases_leaked_leaves_nothing_to_say() -> None:
    run = stored(dict.fromkeys(range(10), "pass"), leakage=LEAKED)
    assert rates_without(run) == {"rag": None}
    assert rate_rows(measure(run, {}))[0]["Right, without these"] == "nothing judged"
    assert leakage_document(run)["without_leaked"] == {  # type: ignore[index]
        "rag": {"n_cases": 0, "pass_rate": None, "pass_rate_interval": None}
    }


def test_runs_of_before_say_that_it_was_not_looked_for(
    lamps: Path,
    kept: Store,
    engine: LocalEngine,  # noqa: F811
) -> None:
    id_ = ran(lamps, kept, engine)
    run = replace(kept.stored_run(id_), leakage=None)
    assert of_leakage(run) == "Whether the adapters had learnt from these cases was not looked for."
    assert leakage_document(run) is None
    assert of_leakage(replace(run, ledger=None)) == ""
    assert of_leakage(replace(run, plan=replace(run.plan, lanes=("prompt",)))) == ""
    assert "Had it been learnt before?" in "".join(run_html(measure(run, {})))
    assert outcome_of(run, {}, calls=False).document["leakage"] is None
