"""What a verdict is asked by: the bar, the smallest useful gain, how sure it must be, what costs more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from compare import numbers
from compare.lane_names import lane_title
from compare.terms import Terms
from compare.verdict import in_order

CONFIDENCES = (0.90, 0.95, 0.99)
USUAL, MEASURED, OWN = "As usual", "As measured here", "My own"


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What the session chose last: ``bar`` in percent, ``gain`` in points, ``way`` of ordering by cost, and
    its own order, ``placed``, the cheapest first.
    """

    bar: int = 80
    gain: int = 5
    confidence: float = 0.95
    way: str = USUAL
    placed: tuple[str, ...] = ()


def terms_of(scenario: str, lanes: Sequence[str], costs: Mapping[str, float | None]) -> Terms:
    """The terms that this session asks a scenario's verdict by; ``costs`` of an answer by lane order the
    approaches as measured, where all are known.
    """
    chosen, usual = _chosen(scenario), in_order(lanes, Terms())
    order: tuple[str, ...] = ()
    if chosen.way == OWN:
        order = _own_order(chosen, usual)
    elif chosen.way == MEASURED and (known := _all_known(lanes, costs)):
        order = tuple(sorted(usual, key=lambda lane: known[lane]))
    return Terms(bar=chosen.bar / 100, gain=chosen.gain / 100, confidence=chosen.confidence, order=order)


def choose_terms(scenario: str, lanes: Sequence[str], costs: Mapping[str, float | None]) -> Terms:
    """The same, with what they are in sight and a form to change them: every verdict by other terms is kept,
    so that none is asked for while somebody still moves a slider.
    """
    key, chosen, terms = f"terms_{scenario}", _chosen(scenario), terms_of(scenario, lanes, costs)
    usual = in_order(lanes, Terms())
    label = (
        f"Good enough: {chosen.bar} % right, {chosen.gain} points are worth paying for, "
        f"{numbers.percent(chosen.confidence)} sure"
    )
    with st.popover(label, icon=":material/tune:"), st.form(f"{key}_form", border=False):
        st.slider(
            "The bar: right answers, in percent", 50, 99, chosen.bar, key=f"{key}_bar",
            help="An approach meets it when even the low end of its interval does.",
        )  # fmt: skip
        st.slider(
            "Smallest gain worth paying for, in points", 1, 25, chosen.gain, key=f"{key}_gain",
            help="Approaches that differ by less count as equally good: the cheaper one wins.",
        )  # fmt: skip
        st.segmented_control(
            "How sure", CONFIDENCES, default=chosen.confidence, required=True, format_func=numbers.percent,
            key=f"{key}_confidence",
        )  # fmt: skip
        ways = [USUAL, *([MEASURED] if _all_known(lanes, costs) else []), OWN]
        st.segmented_control(
            "Which approach costs more", ways, default=chosen.way if chosen.way in ways else USUAL,
            required=True, key=f"{key}_way", help="The verdict names the cheapest approach that works.",
        )  # fmt: skip
        st.multiselect(
            f"“{OWN}”: the cheapest first", usual, default=_own_order(chosen, usual), format_func=lane_title,
            key=f"{key}_placed", help="Take them all out, then choose them again, the cheapest first.",
        )  # fmt: skip
        st.caption(f"Now: {' → '.join(lane_title(lane) for lane in terms.order or usual)}")
        st.form_submit_button(
            "Use these", type="primary", key=f"{key}_use", on_click=_use, args=(scenario,)
        )  # fmt: skip
    return terms


def _chosen(scenario: str) -> Chosen:
    chosen: Chosen = st.session_state.get(f"terms_{scenario}", Chosen())
    return chosen


def _use(scenario: str) -> None:
    key, state = f"terms_{scenario}", st.session_state
    state[key] = Chosen(
        bar=state[f"{key}_bar"],
        gain=state[f"{key}_gain"],
        confidence=state[f"{key}_confidence"],
        way=state[f"{key}_way"],
        placed=tuple(state[f"{key}_placed"]),
    )


def _own_order(chosen: Chosen, usual: Sequence[str]) -> tuple[str, ...]:
    """The approaches that were not placed stand last."""
    placed = [lane for lane in chosen.placed if lane in usual]
    return (*placed, *(lane for lane in usual if lane not in placed))


def _all_known(lanes: Sequence[str], costs: Mapping[str, float | None]) -> dict[str, float]:
    """The costs, where every lane has one; else none."""
    known = {lane: cost for lane in lanes if (cost := costs.get(lane)) is not None}
    return known if len(known) == len(lanes) > 1 else {}
