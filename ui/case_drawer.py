"""One case of a run in a drawer at the side: every lane's answers, and all that is known of each call.

Which case is open stands in the link (``?case=``), so that a link leads to it.
"""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from backends.errors import LeverError
from backends.types import Sampling
from compare import numbers
from compare.cases import Case
from compare.judging import combined
from compare.lane_names import lane_title
from compare.live import LiveAnswer
from compare.run_measures import Measured
from ui import folded, sources
from ui.prompt_drawer import show_prompt
from ui.resources import get_store
from ui.text import safe, said

OPEN, CLOSED = "case", "case_closed"
"""In the link: the open case. In the session: how often a drawer was closed."""
DRAWER_PX = 760
LISTED = 200


def open_case(case_id: str) -> None:
    """Open the drawer with the next run of the page."""
    st.query_params[OPEN] = case_id


def closed_so_often() -> int:
    """Part of the key of whatever chose a case: the choice is forgotten as the drawer closes."""
    return int(st.session_state.get(CLOSED, 0))


def _close() -> None:
    st.query_params.pop(OPEN, None)
    st.session_state[CLOSED] = closed_so_often() + 1


def case_drawer(found: Measured, order: Sequence[Case]) -> None:
    """Show the case of the link, if the run has it; ``order`` is what stands before and after it."""
    known = {case.id: case for case in found.run.plan.cases}
    if st.query_params.get(OPEN) not in known:
        st.query_params.pop(OPEN, None)
        return
    st.dialog("One case", width=DRAWER_PX, position="right", on_dismiss=_close)(_show)(found, known, order)


def _show(found: Measured, known: dict[str, Case], order: Sequence[Case]) -> None:
    case = known.get(st.query_params.get(OPEN, ""))
    if case is None:
        return
    _walk(case, [other.id for other in order])
    st.markdown(f"**{safe(case.query)}**")
    _asked(case)
    try:
        calls = get_store().case_calls(found.run.id, case.id)
    except LeverError as error:
        st.error(said(error))
        return
    for lane in found.lanes:
        with st.container(border=True):
            of_lane = [call for call in calls if call.backend == lane]
            _lane(lane, of_lane, case.query, found.run.plan.sampling)


def _walk(case: Case, ids: Sequence[str]) -> None:
    """The way to the case before and the one after."""
    if case.id not in ids:
        return
    place = ids.index(case.id)
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, icon, to in (("Previous", "arrow_back", place - 1), ("Next", "arrow_forward", place + 1)):
            there = 0 <= to < len(ids)
            st.button(
                label,
                icon=f":material/{icon}:",
                key=f"case_{label}",
                disabled=not there,
                on_click=open_case,
                args=(ids[to] if there else "",),
            )
        st.caption(f"{numbers.share(place + 1, len(ids))} that are shown")


def _asked(case: Case) -> None:
    """What the file says of the case."""
    beside = {
        "Expected": case.expected,
        "Checks": case.checks,
        "Source": case.source,
        "Tags": ", ".join(case.tags),
        "Context": case.context,
        "Notes": case.notes,
        **case.metadata,
    }
    lines = [f"{safe(name)}: {safe(text)}" for name, text in beside.items() if text.strip()]
    st.caption("  \n".join([*lines, f"Case {safe(case.id)}, {case.split} split"]))


def _lane(lane: str, calls: Sequence[LiveAnswer], question: str, sampling: Sampling) -> None:
    st.markdown(f"**{safe(lane_title(lane))}**")
    if not calls:
        st.caption("Not asked, or not answered yet.")
        return
    against = folded.held_against(calls, question)
    folded.answers(calls, sampling, against, presenter=False)
    folded.checks(calls)
    folded.consistency(calls, sampling)
    folded.figures(calls)
    asked = next((call for call in calls if call.prompt is not None), None)
    if asked is not None and asked.prompt is not None:
        sources.passages(asked.prompt.passages, against, folded.shown_call(calls).text)
    if len(calls) > 1:
        with st.expander(f"Each of the {numbers.plural(len(calls), 'answer')}", icon=":material/list:"):
            _each(lane, calls)
    if asked is not None and st.toggle("What the model saw", key=f"saw_{lane}"):
        show_prompt(asked)


def _each(lane: str, calls: Sequence[LiveAnswer]) -> None:
    rows = [_row(call) for call in calls[:LISTED]]
    st.dataframe(pd.DataFrame(rows), hide_index=True, key=f"each_{lane}", alt="Every answer of this approach")
    if len(calls) > LISTED:
        st.caption(f"The first {LISTED} of {len(calls):,}; the JSONL export holds all.")


def _row(call: LiveAnswer) -> dict[str, str]:
    answer = call.answer
    return {
        "No.": str(call.repeat + 1),
        "Result": combined(check.result for check in call.checks) if call.status == "done" else call.status,
        "Answer": call.text if call.failure is None else call.failure.message,
        "First words": numbers.seconds(answer.timing.ttft_ms if answer else None),
        "Whole": numbers.seconds(answer.timing.total_ms if answer else None),
        "Tokens written": numbers.count(answer.usage.completion_tokens if answer else None),
        "Ended by": {"end": "itself", "length": "longest length"}.get(answer.finish, answer.finish)
        if answer
        else "",
        "Seed": str(call.seed),
    }
