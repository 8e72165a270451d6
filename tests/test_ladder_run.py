"""Which stored run a scenario's decision rests on, over a real store."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from compare.climbing import NAME
from compare.drill_results import RUN_NAMES
from compare.plan import Plan
from compare.store import store
from tests.verdict_runs import cases

FACTS = "support-facts"


@pytest.fixture(autouse=True)
def own_store(own_data_folder: Path) -> Iterator[None]:
    store.cache_clear()
    yield
    store().close()
    store.cache_clear()


def keep(run_id: str, plan: Plan, name: str = "") -> None:
    store().create_scenario_run(run_id, plan)
    store().finish_run(run_id)
    store().rename_run(run_id, name)


def chosen() -> str:
    def page() -> None:
        import streamlit as st

        from backends.scenario import load_scenario
        from ui.ladder_run import choose_ladder

        st.text(f"run: {choose_ladder(load_scenario('support-facts'))}")

    opened = AppTest.from_function(page, default_timeout=60).run()
    assert not opened.exception
    return "".join(text.value for text in opened.text)


def test_a_ladder_is_found_behind_whatever_else_was_run_since(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.ladder_run.LISTED", 4)
    plan = Plan(scenario=FACTS, cases=cases(5), lanes=("prompt", "rag"))
    keep("drilled", plan, RUN_NAMES["before"])
    keep("one", replace(plan, cases=cases(1)))
    assert chosen() == "run: None"
    keep("ladder", plan, NAME)
    for n in range(4):
        keep(f"dev{n}", replace(plan, cases=cases(5, split="dev")))
        keep(f"other{n}", replace(plan, scenario="ticket-routing"))
    assert chosen() == "run: ladder"
