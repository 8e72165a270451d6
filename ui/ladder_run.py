"""The run that a scenario's decision rests on: which one, and what its approaches cost."""

from collections.abc import Mapping

import streamlit as st

from backends.errors import BadInput, LeverError
from backends.scenario import Scenario
from compare.climbing import NAME, climbs
from compare.cost import LaneCost, lane_costs
from compare.cost_setup import setups_of
from compare.drill_results import RUN_NAMES
from compare.lanes import parts_of
from compare.measured_store import MeasuredLine
from compare.prices import Prices, load_prices
from compare.run_measures import Measured
from ui.resources import get_store
from ui.results import run_labels
from ui.text import safe, said

LISTED = 200


def choose_ladder(scenario: Scenario) -> str | None:
    """The run that is read: the one that is climbed, else the newest ladder, else the newest run of usual
    approaches; None before there is one.
    """
    try:
        lines = [
            line for line in get_store().measured_runs(LISTED, testing=scenario.name) if _is_ladder(line)
        ]
    except LeverError as error:
        st.error(said(error))
        return None
    known = {line.id: line for line in sorted(lines, key=lambda line: line.name != NAME)}
    if len(known) < 2:
        return next(iter(known), None)
    labels, key, taken = run_labels(known), f"ladder_{scenario.name}", f"ladder_taken_{scenario.name}"
    climbed = climbs().get(scenario.name)
    newest = "" if climbed is None else climbed.seen().run_id
    if newest in known and st.session_state.get(taken) != newest:  # What was climbed last is what one reads.
        st.session_state[key] = st.session_state[taken] = newest
    return st.selectbox("Run", list(known), format_func=labels.get, key=key, persist_state="session")


def _is_ladder(line: MeasuredLine) -> bool:
    """A run of approaches as they are, without versions of texts and without named adapters; a drill's asks
    of a changed fact, and one case tells nothing of approaches.
    """
    plain = all(parts_of(lane)[1:] == (None, None, None) for lane in line.lanes)
    asks = line.cases > 1 and line.name not in RUN_NAMES.values()
    return plain and (asks or line.name == NAME)


def costs_of(found: Measured) -> tuple[dict[str, LaneCost], Prices]:
    """What each lane costs at the prices that were saved; where they can't be used, at the usual ones, and a
    sentence says so.
    """
    try:
        prices, problem = load_prices()
    except BadInput as error:
        prices, problem = Prices(), f"{error} These are the usual prices."
    if problem:
        st.warning(safe(problem))
    return lane_costs(found.run, found.lanes, setups_of(found.run, found.lanes), prices), prices


def per_answer_of(costs: Mapping[str, LaneCost]) -> dict[str, float | None]:
    """What an answer of each lane costs; None where that is not known."""
    return {lane: one.per_answer and one.per_answer.value for lane, one in costs.items()}
