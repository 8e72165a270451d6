"""Did the adapter help? The test questions with it and without it; and what of another scenario it forgot."""

import streamlit as st

from backends.adapters import Registered, registered
from backends.errors import LeverError
from backends.scenario import Scenario
from compare.before_after import adapter_before, before_after, plan_before_after, plan_regression
from compare.before_after_words import of_forgetting, of_help, of_leaked
from compare.case_files import load_cases
from compare.curve_work import NOTE
from compare.lane_names import lane_name, lane_title
from compare.measured import StoredRun
from ui.asked_run import asked, full_results
from ui.before_after_view import changed_cases, classes_table, gains_chart, proof_line, rates_table
from ui.resources import scenarios
from ui.text import safe, said, shorten

REPEATS = 3
"""Answers to each question: with one, chance and the adapter are hard to tell apart."""
NOTE_CHARS = 40
NOTHING = -1
"""Chosen in place of an adapter before: none."""


def helped(scenario: Scenario) -> None:
    """Choose an adapter, ask the test questions, see what it changed, and what it forgot elsewhere."""
    adapters = [one for one in registered(scenario) if not one.problem]
    if not adapters:
        st.info("There is no adapter yet. Train one first, then see here whether it helped.")
        return
    try:
        if not any(case.split == "test" for case in load_cases(scenario)):
            st.info("This scenario has no test questions. Add cases under “Scenarios”, then ask them here.")
            return
        chosen, before, repeats = _choose(scenario, adapters)
        plan = plan_before_after(scenario, chosen.kind, chosen.number, before, repeats=repeats)
        name = f"Did it help: {lane_name(plan.lanes[-1])}"
        run = asked(plan, key="helped", label="Ask the test questions", name=name)
        if run is None:
            lanes = ", ".join(safe(lane_title(lane)) for lane in plan.lanes)
            st.caption(f"{len(plan.cases)} questions that no tuning has used, asked of {lanes}.")
        else:
            _found(run)
        st.divider()
        _regression(scenario, chosen, repeats)
    except LeverError as error:
        st.error(said(error))


def _choose(scenario: Scenario, adapters: list[Registered]) -> tuple[Registered, int, int]:
    """The adapter, the number of the one before it (its own: none), and how often each question is asked."""
    by_lane = {f"{one.kind}+{one.number}": one for one in adapters}
    meant = [lane for lane, one in by_lane.items() if not one.card.note.startswith(NOTE)]
    newest = max(meant or by_lane, key=lambda lane: by_lane[lane].number)
    left, middle, right = st.columns((3, 3, 1), vertical_alignment="bottom")
    lane = left.selectbox(
        "Adapter", list(by_lane), index=list(by_lane).index(newest), key=f"helped_{scenario.name}",
        format_func=lambda lane: _label(lane, by_lane[lane]),
    )  # fmt: skip
    chosen = by_lane[lane]
    others = [one.number for one in adapters if one.kind == chosen.kind and one is not chosen]
    usual = adapter_before(scenario, chosen.kind, chosen.number)
    options = [NOTHING, *others]
    before = middle.selectbox(
        "Beside the answers without it, compare with", options, key=f"helped_before_{lane}_{scenario.name}",
        index=0 if usual not in options else options.index(usual),
        format_func=lambda n: "no other adapter" if n == NOTHING else lane_title(f"{chosen.kind}+{n}"),
    )  # fmt: skip
    repeats = right.number_input("Answers to each", 1, 20, REPEATS, key="helped_repeats")
    return chosen, chosen.number if before == NOTHING else before, repeats


def _label(lane: str, one: Registered) -> str:
    note = shorten(one.card.note, NOTE_CHARS)
    return ", ".join(filter(None, (lane_title(lane), "in use" if one.in_use else "", note)))


def _found(run: StoredRun) -> None:
    """What the run says of its last lane."""
    *others, after = run.plan.lanes
    bare = others[0]
    st.markdown(f"#### {safe(of_help(before_after(run, bare, after)))}")
    if leaked := of_leaked(run, bare, after):
        st.warning(safe(leaked), icon=":material/content_copy:")
    gains_chart(run, bare, "helped_chart")
    before = bare
    if len(others) > 1:
        before = st.segmented_control(
            "Compared with", others, default=bare, required=True, key="helped_against", format_func=lane_title
        )  # fmt: skip
    found = before_after(run, before, after)
    if before != bare:
        st.markdown(f"**{safe(of_help(found))}**")
    rates_table(found, "helped_rates")
    classes_table(found, "helped_classes")
    changed_cases(run, found, "helped_cases")
    proof_line(found.proof)
    full_results(run)


def _regression(scenario: Scenario, chosen: Registered, repeats: int) -> None:
    """The same adapter on the questions of another scenario."""
    others = {name: one for name, one in scenarios()[0].items() if name != scenario.name}
    st.markdown("##### Did it forget anything?")
    st.caption(
        "An adapter can spoil what the model does elsewhere. Ask another scenario's questions with it and "
        "without it."
    )
    if not others:
        st.info("There is no other scenario yet. Make one under “Scenarios”.")
        return
    name = st.selectbox(
        "Another scenario", list(others), format_func=lambda name: others[name].title, key="forgot_scenario",
        width=420,
    )  # fmt: skip
    plan = plan_regression(others[name], scenario.name, chosen.kind, chosen.number, repeats=repeats)
    called = f"Did it forget: {lane_name(plan.lanes[-1])}"
    run = asked(plan, key="forgot", label="Ask its questions", name=called)
    if run is not None:
        found = before_after(run, *plan.lanes)
        st.markdown(f"**{safe(of_forgetting(found, others[name].title))}**")
        gains_chart(run, plan.lanes[0], "forgot_chart")
        rates_table(found, "forgot_rates")
        classes_table(found, "forgot_classes")
        changed_cases(run, found, "forgot_cases")
        proof_line(found.proof)
        full_results(run)
