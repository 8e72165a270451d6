"""A run that a page needs: asked on a button, followed here, taken up again, and found when it was asked
before.
"""

import streamlit as st

from backends.errors import LeverError
from compare import numbers
from compare.measured import StoredRun
from compare.plan import Plan
from compare.scenario_run import ScenarioRun
from compare.scenario_runs import scenario_runs
from compare.twins import same_twin
from ui.resources import get_engine, get_store
from ui.text import safe, said

POLL_S = 0.5


def asked(plan: Plan, *, key: str, label: str, name: str) -> StoredRun | None:
    """The finished run of exactly this plan, by the model, adapters and documents that are there now. Where
    there is none: a button ``label`` that asks it, how far it is, or what stopped it. ``name`` is what the
    run is called among the results.
    """
    try:
        now = get_engine().status()
        run_id = same_twin(plan, now.base_hash or now.model, get_store())
        status = "" if run_id is None else get_store().run_state(run_id)[0]
        if run_id is not None and status == "done":
            st.button(
                "Ask again", type="tertiary", icon=":material/replay:", key=f"{key}_again",
                disabled=now.state != "ready", on_click=_ask, args=(plan, name),
            )  # fmt: skip
            return get_store().stored_run(run_id)
    except LeverError as error:
        st.error(said(error))
        return None
    going = scenario_runs().get(run_id) if run_id else None
    if going is not None and not going.progress().ended:
        st.fragment(_draw, run_every=POLL_S, key=f"{key}_progress")(going, key)
        return None
    ready = now.state == "ready"
    many = numbers.plural(len(plan.calls()), "answer")
    if run_id is None:
        st.button(
            label, type="primary", icon=":material/play_arrow:", key=f"{key}_ask", disabled=not ready,
            on_click=_ask, args=(plan, name), help=f"{many}; other questions go first meanwhile.",
        )  # fmt: skip
    else:
        problem = going.progress().problem if going is not None else "This was begun and has not ended."
        st.warning(safe(problem), icon=":material/pause_circle:")
        st.button(
            "Go on", type="primary", icon=":material/resume:", key=f"{key}_go_on", disabled=not ready,
            on_click=_go_on, args=(run_id,), help="What is answered stays.",
        )  # fmt: skip
    if not ready:
        st.caption("This can be asked as soon as the model is there.")
    return None


def full_results(run: StoredRun) -> None:
    """The way to all figures of a run."""
    st.page_link(
        "pages/results.py", label="Full results", icon=":material/monitoring:", query_params={"run": run.id}
    )


def _ask(plan: Plan, name: str) -> None:
    try:
        run = scenario_runs().start(plan, store=get_store(), engine=get_engine())
        get_store().rename_run(run.id, name)
    except LeverError as error:
        st.toast(said(error))


def _go_on(run_id: str) -> None:
    try:
        scenario_runs().resume(run_id, store=get_store(), engine=get_engine())
    except LeverError as error:
        st.toast(said(error))


def _draw(run: ScenarioRun, key: str) -> None:
    progress = run.progress()
    if progress.ended:
        st.rerun()
    ended = progress.done + progress.failed
    left = "" if progress.left_s is None else f", about {numbers.seconds(1000 * progress.left_s)} left"
    st.progress(ended / max(1, progress.planned), f"{numbers.share(ended, progress.planned)} answers{left}")
    st.button("Stop", icon=":material/stop_circle:", key=f"{key}_stop", on_click=run.cancel)
