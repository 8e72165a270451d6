"""The scenario runs that go on, and those that ended early: followed, paused, stopped, taken up again."""

import streamlit as st

from backends.errors import LeverError
from compare import numbers
from compare.scenario_run import ScenarioRun
from compare.scenario_runs import scenario_runs
from ui.resources import get_engine, get_store
from ui.text import safe, said

LOOK_S = 1.0
OFFERED = 5
STARTED = "started_run"
"""The run that this session started last."""


def going_runs() -> None:
    """What goes on renews itself; the list of the others is read once, with the page."""
    going = scenario_runs().going()
    pace = LOOK_S if going else None
    st.fragment(_draw, run_every=pace, key="going")(following=pace is not None)
    _ended_early({run.id for run in going})


def _draw(*, following: bool) -> None:
    going = scenario_runs().going()
    if following and not going:
        st.rerun()
    for run in going:
        _one(run)
    started = st.session_state.get(STARTED)
    ended = scenario_runs().get(started) if started else None
    if ended is not None and ended.progress().ended:
        _over(ended)


def _one(run: ScenarioRun) -> None:
    progress = run.progress()
    ended = progress.done + progress.failed
    left = "" if progress.left_s is None else f", about {numbers.seconds(1000 * progress.left_s)} left"
    failed = f", {progress.failed:,} failed" if progress.failed else ""
    stands = f"{numbers.share(ended, progress.planned)} answers{failed}{left}"
    if ended == progress.planned:
        stands = "Measuring how alike the answers are"
    if progress.state == "paused":
        stands = f"Paused: {stands}"
    with st.container(border=True, key=f"going_{run.id}"):
        st.markdown(f"**{safe(run.plan.scenario)}**, {numbers.plural(len(run.plan.cases), 'case')}")
        st.progress(ended / max(1, progress.planned), stands)
        with st.container(horizontal=True):
            if progress.state == "paused":
                st.button("Go on", icon=":material/play_arrow:", key=f"go_on_{run.id}", on_click=run.go_on)
            else:
                st.button("Pause", icon=":material/pause:", key=f"pause_{run.id}", on_click=run.pause)
            st.button(
                "Stop",
                icon=":material/stop:",
                key=f"cancel_{run.id}",
                on_click=run.cancel,
                help="What is answered stays; the run can be taken up again.",
            )
            _figures(run.id)


def _over(run: ScenarioRun) -> None:
    """What the session started and what became of it."""
    progress = run.progress()
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="over"):
        failed = f", {progress.failed:,} failed" if progress.failed else ""
        if progress.state == "done":
            icon, what = ":material/check_circle:", f"{numbers.plural(progress.done, 'answer')}{failed}"
        else:
            icon, what = ":material/pause_circle:", safe(progress.problem)
        st.markdown(f"{icon} **{safe(run.plan.scenario)}**: {what}", width="stretch")
        _figures(run.id, "See the figures")


def _figures(run_id: str, label: str = "Figures so far") -> None:
    st.page_link("pages/results.py", label=label, icon=":material/monitoring:", query_params={"run": run_id})


def _ended_early(going: set[str]) -> None:
    try:
        lines = get_store().measured_runs()
    except LeverError as error:
        st.error(said(error))
        return
    early = [line for line in lines if line.status == "interrupted" and not line.query]
    for line in [line for line in early if line.id not in going][:OFFERED]:
        with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"early_{line.id}"):
            name, cases = safe(line.name or line.scenario), numbers.plural(line.cases, "case")
            st.markdown(f"**{name}**, {cases}: ended before its end", width="stretch")
            st.button(
                "Take it up again",
                icon=":material/resume:",
                key=f"resume_{line.id}",
                on_click=_resume,
                args=(line.id,),
            )
            _figures(line.id)


def _resume(run_id: str) -> None:
    try:
        scenario_runs().resume(run_id, store=get_store(), engine=get_engine())
    except LeverError as error:
        st.toast(said(error))
