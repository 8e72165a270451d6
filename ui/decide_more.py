"""What stands beside a verdict: the questions before data, cost, and what guides claim."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import streamlit as st

from backends.errors import LeverError
from backends.scenario import Scenario
from compare import numbers
from compare.guidance_words import beside_the_verdict
from compare.look_store import Look
from compare.looks import data_of
from compare.terms import Terms
from compare.verdict import in_order
from ui.claims_view import claims_view
from ui.cost_view import cost_view
from ui.guidance_view import guidance_view
from ui.ladder_run import choose_ladder, costs_of, per_answer_of
from ui.resources import get_store
from ui.results import open_run
from ui.text import safe, said
from ui.verdict_terms import terms_of

FIRST = "Nothing was measured yet. Climb the ladder under “Verdict”, then see here"


def before_data(scenario: Scenario) -> None:
    """What guidance expects of the task, beside what was measured."""
    expected = guidance_view(scenario, "guidance")
    run_id = choose_ladder(scenario)
    if expected is None or run_id is None:
        return
    found = open_run(run_id)
    try:
        looks = get_store().looks(run_id)
        terms = terms_of(scenario.name, found.lanes, per_answer_of(costs_of(found)[0]))
    except LeverError as error:
        st.error(said(error))
        return
    if not looks:
        return
    data = data_of(found.run)
    look = look_shown(looks, data, replace(terms, order=in_order(found.lanes, terms)))
    kind, levers = look.kind, cast("list[str]", look.document["levers"])
    meets = bool(look.document["meets_bar"])
    st.markdown("##### Beside the measured verdict")
    words = beside_the_verdict(expected, kind, levers, meets, found.run.plan.lanes)
    st.info(safe(words), icon=":material/balance:")
    if look.data != data:
        st.caption("That verdict rests on earlier answers of this run: see “Verdict”.")


def look_shown(looks: Sequence[Look], data: str, terms: Terms) -> Look:
    """The look at the answers ``data`` by these terms, whose order names every lane; where there is none, the
    newest of the highest number.
    """
    for look in looks:
        order = tuple(lane for lane in terms.order if lane in look.terms.order)
        if look.data == data and look.terms == replace(terms, order=order):
            return look
    return max(reversed(looks), key=lambda look: look.number)


def cost(scenario: Scenario) -> None:
    """What each approach costs, and when a dearer one pays off."""
    run_id = choose_ladder(scenario)
    if run_id is None:
        st.info(f"{FIRST} what each approach costs and when a dearer one pays off.")
        return
    found = open_run(run_id)
    cost_view(found.run, in_order(found.lanes, Terms()), "cost")


def claims(scenario: Scenario) -> None:
    """What guides claim of each lever, beside what was measured."""
    run_id = choose_ladder(scenario)
    found = None if run_id is None else open_run(run_id)
    thousand = {}
    if found is not None:
        costs, prices = costs_of(found)
        thousand = {
            lane: numbers.money(1000 * one.per_answer.value, prices.currency)
            for lane, one in costs.items()
            if one.per_answer is not None
        }
    claims_view(scenario, found, thousand, "claims")
