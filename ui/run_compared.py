"""The run of the results page against another one: by how much each lane changed, and on which cases.

The other run stands in the link (``?against=``).
"""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from backends.errors import LeverError
from compare import numbers, takeaways
from compare.charts.look import Figure
from compare.charts.quality import difference_chart
from compare.lane_names import lane_title
from compare.matrix import cell
from compare.run_difference import Place, RunDifference, compare_runs
from compare.run_measures import Measured
from compare.statistics import Difference
from ui.drawing import draw
from ui.lanes_compared import lanes_compared
from ui.resources import get_store
from ui.results import LISTED, measured, run_labels
from ui.text import safe, said, shorten

LINK, CHOSEN, SHOWN = "against", "against_run", "against_shown"
MOST_ROWS = 500
QUESTION_CHARS, ANSWER_CHARS = 110, 90
KINDS = {"worse": "Worse", "better": "Better", "same": "The same"}


def compared(found: Measured) -> None:
    """Let the reader choose the other run; then what changed since."""
    other = _choose(found)
    if other is None:
        return
    try:
        before = measured(other)
        change = compare_runs(before.run, found.run)
    except LeverError as error:
        st.error(said(error))
        return
    _setup(change)
    left, right = st.columns(2, gap="large")
    with left:
        _counts(found, change)
    with right:
        _chart(found, change)
    lanes_compared(found, before, change.bases)
    _cases(found, before, change)


def _choose(found: Measured) -> str | None:
    """Another run of the same scenario, or of the same question; the newest one before this stands first."""
    try:
        lines = get_store().measured_runs(LISTED)
    except LeverError as error:
        st.error(said(error))
        return None
    run = found.run
    question = run.plan.cases[0].query if run.live else ""
    others = {
        line.id: line
        for line in sorted(lines, key=lambda line: line.started_at >= run.started_at)  # stable: newest first
        if line.id != run.id and line.scenario == run.plan.scenario and line.query == question
    }
    if not others:
        st.info("There is no other run of the same to compare with. Run it again, then look here.")
        return None
    linked = st.query_params.get(LINK)
    if linked in others and linked != st.session_state.get(SHOWN):  # A link was followed.
        st.session_state[CHOSEN] = linked
    if st.session_state.get(CHOSEN) not in others:
        st.session_state.pop(CHOSEN, None)
    labels = run_labels(others)
    chosen = st.selectbox("Compared with", list(others), format_func=labels.get, key=CHOSEN)
    st.query_params[LINK] = st.session_state[SHOWN] = chosen
    return chosen


def _setup(change: RunDifference) -> None:
    there, here = change.bases
    st.caption(safe(f"Base model there: {there}. Base model here: {here}."))
    if not change.changes:
        st.caption("Both were set alike: what differs below is chance, or came with the documents.")
        return
    told = [f"{what} {before} → {after}" for what, before, after in change.changes]
    st.caption(f"Set differently: {safe('; '.join(told))}")


def _counts(found: Measured, change: RunDifference) -> None:
    def of(places: Sequence[Place], lane: str) -> str:
        return numbers.count(sum(at == lane for at, _ in places))

    rows = [
        {
            "Approach": lane_title(lane),
            "Better": of(change.better, lane),
            "Worse": of(change.worse, lane),
            "The same": of(change.same, lane),
            "Change": _change(gain),
        }
        for lane, gain in _ordered(found, change.by_lane).items()
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, key="changes", alt="Cases that changed, by approach")
    alone = len(change.only_a) + len(change.only_b)
    if alone:
        st.caption(f"{numbers.plural(alone, 'cell')} that only one of the runs could judge count nowhere.")


def _change(gain: Difference | None) -> str:
    if gain is None:
        return numbers.ABSENT
    value = numbers.change(gain.value)
    low, high = (f"{100 * bound:+.0f}".replace("-", "−") for bound in (gain.low, gain.high))
    return f"{value} ({low} to {high})" if gain.enough else f"{value}, too few cases"


def _chart(found: Measured, change: RunDifference) -> None:
    gains = _ordered(found, change.by_lane)
    drawn = difference_chart(
        gains,
        title="How much more often right than there",
        axis="Change in points; with 95 % confidence all intervals hold at once",
    )
    takeaway = takeaways.of_changes(gains, found.names)
    draw(Figure(key="change_chart", chart=drawn, alt="Change of each approach", takeaway=takeaway))


def _ordered(found: Measured, gains: Mapping[str, Difference | None]) -> dict[str, Difference | None]:
    return {lane: gains[lane] for lane in found.lanes if lane in gains}


def _cases(found: Measured, before: Measured, change: RunDifference) -> None:
    places: dict[str, Sequence[Place]] = {
        "worse": change.worse, "better": change.better, "same": change.same
    }  # fmt: skip
    kind = st.segmented_control(
        "Cases", list(KINDS), required=True, default="worse", key="changed", bind="query-params",
        format_func=lambda kind: f"{KINDS[kind]} ({len(places[kind]):,})",
    )  # fmt: skip
    chosen = places[kind or "worse"]
    if not chosen:
        st.info(f"No answer is {KINDS[kind or 'worse'].lower()}.")
        return
    asked = {case.id: case.query for case in found.run.plan.cases}
    rows = []
    for lane, case in chosen[:MOST_ROWS]:
        was, now = (cell(one.places, case, lane) for one in (before, found))
        rows.append(
            {
                "Question": shorten(asked[case], QUESTION_CHARS),
                "Approach": lane_title(lane),
                "There": f"{was.mark} {shorten(was.text, ANSWER_CHARS)}",
                "Here": f"{now.mark} {shorten(now.text, ANSWER_CHARS)}",
            }
        )
    st.dataframe(pd.DataFrame(rows), hide_index=True, key="changed_cases", alt="What was said there and here")
    if len(chosen) > MOST_ROWS:
        st.caption(f"The first {MOST_ROWS} of {len(chosen):,}.")
