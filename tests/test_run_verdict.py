"""The verdict on stored runs: which cases and calls count. Real rows in a real SQLite file."""

from dataclasses import replace

import pytest

from compare.leakage import Leak
from compare.run_leakage import RunLeakage, TrainedOn
from compare.run_verdict import meets_bar_at, unfinished, verdict_of
from compare.store import Store, store
from compare.terms import Terms
from tests.verdict_runs import cases, failure, keep_run


def test_a_verdict_on_a_stored_run_is_on_test_cases_that_were_not_learnt() -> None:
    asked = [*cases(30), *cases(40, split="dev")]
    run = keep_run(store(), {"prompt": [0] * 70, "lora": [1] * 70}, asked)
    found = verdict_of(run, Terms())
    assert (found.kind, found.rates["lora"].cases, found.leaked) == ("choose", 30, 0)
    learnt = tuple(
        Leak(case=f"t{n}", text="?", line=n, kind="exact", where="training", likeness=1.0) for n in range(8)
    )
    file = TrainedOn(adapters=("lamps/lora",), examples=99, leaks=learnt)
    found = verdict_of(replace(run, leakage=RunLeakage(trained_on=(file,))), Terms())
    assert (found.rates["prompt"].cases, found.rates["lora"].cases, found.leaked) == (22, 22, 8)
    assert found.lost == 0


def test_greedy_copies_count_once_and_what_a_lever_spoiled_did_not_pass() -> None:
    kept: Store = store()
    run = keep_run(kept, {"prompt": [(0,) * 4] * 40, "rag": [(1,) * 4] * 40}, greedy=True)
    found = verdict_of(run, Terms())
    assert {one.method for one in found.rates.values()} == {"Wilson"}
    assert found.lost == 0
    run = keep_run(kept, {"prompt": [0] * 40, "rag": [1] * 36}, cases(40))
    assert verdict_of(run, Terms()).lost == pytest.approx(4 / 80)
    kept.save_calls(run.id, [(f"t{n}", failure("rag", 0, "prepare")) for n in range(36, 40)])
    found = verdict_of(kept.stored_run(run.id), Terms())
    assert (found.lost, found.rates["rag"].value) == (0, 0.9)


def test_calls_lost_to_the_machine_are_no_finding_and_a_silent_lever_is_left_out() -> None:
    kept = store()
    run = keep_run(kept, {"prompt": [1] * 60, "rag": [1] * 58, "long_context": []}, cases(60))
    kept.save_calls(run.id, [(f"t{n}", failure("rag", 0, "engine")) for n in (58, 59)])
    kept.save_calls(run.id, [(f"t{n}", failure("long_context", 0, "prepare")) for n in range(60)])
    found = verdict_of(kept.stored_run(run.id), Terms())
    assert found.lost == pytest.approx(2 / 180)
    assert (found.order, found.silent) == (("prompt", "rag"), ("long_context",))
    assert found.rates["rag"].cases == 58


def test_an_early_stop_is_as_strict_as_the_verdict_on_all_levers() -> None:
    run = keep_run(store(), {"prompt": [1] * 54 + [0] * 6, "oracle": [1] * 60})
    low = verdict_of(run, Terms()).rates["prompt"].low
    alone = Terms(bar=low - 0.001)
    assert meets_bar_at(run, "prompt", alone, 1)
    assert not meets_bar_at(run, "prompt", alone, 9)
    right = {f"prompt@{n}": [1] * 54 + [0] * 6 for n in range(9)}
    of_nine = verdict_of(keep_run(store(), right), Terms()).rates["prompt@0"].low
    assert meets_bar_at(run, "prompt", Terms(bar=of_nine), 9)
    assert not meets_bar_at(run, "oracle", Terms(bar=0.5), 1)
    assert not meets_bar_at(replace(run, status="running"), "prompt", alone, 1)


def test_a_run_that_has_not_ended_has_no_verdict() -> None:
    kept = store()
    run = keep_run(kept, {"prompt": [0] * 60, "rag": [1] * 60})
    for status in ("running", "interrupted"):
        found = verdict_of(replace(run, status=status), Terms())
        assert (found.kind, found.why, found.refused, found.meets_bar) == (
            "cannot_tell", "not done", True, False,
        )  # fmt: skip
    assert unfinished(run) == ()
    kept.grow_run(run.id, replace(run.plan, lanes=("prompt", "rag", "lora")))
    kept.save_calls(run.id, [(f"t{n}", failure("lora", 0, "engine")) for n in range(59)])
    assert unfinished(kept.stored_run(run.id)) == ("lora",)
