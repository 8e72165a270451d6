"""Trainings that go on, and those that ended early: followed, paused, stopped, taken up again."""

from threading import Thread

import streamlit as st

from backends.adapters import find
from backends.errors import LeverError
from backends.registry import registry
from backends.scenario import Scenario
from backends.training.jobs import TrainingJob, forget_job, jobs
from backends.training.progress import RESUMABLE, TrainingView, view
from compare import numbers
from compare.charts.training import training_figure
from compare.trainings import last_line, resume_training, stop_training
from ui.drawing import draw
from ui.resources import get_engine
from ui.text import safe, said

LOOK_S = 1.0
OFFERED = 5
FOLLOWED = "followed_training"
"""The training that this session began or took up last."""
LOADING = "loading_adapter"
"""Its id once its adapter is being loaded, with the thread that waits for that."""


def trainings(scenario: Scenario) -> None:
    """What goes on renews itself; the others are read once, with the page."""
    seen = [view(job) for job in jobs(scenario.name)]
    going = any(one.state == "running" or _settles(one) for one in seen)
    st.fragment(_draw, run_every=LOOK_S if going else None, key="trainings")(scenario, following=going)
    for one in [one for one in seen if one.state in RESUMABLE][:OFFERED]:
        _resumable(one)


def _draw(scenario: Scenario, *, following: bool) -> None:
    seen = [view(job) for job in jobs(scenario.name)]
    going = [one for one in seen if one.state == "running"]
    if following and not going and not any(map(_settles, seen)):
        st.rerun()
    for one in going:
        _going(one)
    for one in seen:
        if one.job.id == st.session_state.get(FOLLOWED) and one.state == "done":
            _done(scenario, one)


def _going(seen: TrainingView) -> None:
    job = seen.job
    with st.container(border=True, key=f"training_{job.id}"):
        st.markdown(f"**{_title(job)}**")
        st.progress(seen.share, _stands(seen))
        draw(training_figure(seen))
        with st.container(horizontal=True):
            st.button(
                "Pause", icon=":material/pause:", key=f"pause_{job.id}", on_click=_stop, args=(job, False),
                disabled=seen.wish != "go on", help="It can be taken up again, also after a restart.",
            )  # fmt: skip
            st.button(
                "Stop and keep", icon=":material/stop:", key=f"stop_{job.id}", on_click=_stop,
                args=(job, True), disabled=seen.wish != "go on" or len(seen.epochs) < 2,
                help="The best adapter so far is kept. There is one after the first epoch.",
            )  # fmt: skip


def _stands(seen: TrainingView) -> str:
    """How far it is, in one line."""
    if seen.wish == "pause":
        return "Pausing …"
    if seen.wish == "stop":
        return "Stopping …"
    if not seen.steps:
        return safe(seen.detail) or "Beginning …"
    last = seen.steps[-1]
    parts = [f"epoch {last.epoch:.1f} of {seen.job.recipe.epochs}"]
    if seen.tokens_per_second is not None:
        parts.append(f"{numbers.count(seen.tokens_per_second)} tokens a second")
    if seen.left_s is not None:
        parts.append(f"at most {numbers.seconds(1000 * seen.left_s)} left")
    return ", ".join(parts)


def _done(scenario: Scenario, seen: TrainingView) -> None:
    """What the session trained, put to work."""
    assert seen.adapter is not None
    try:
        adapter = find(scenario, seen.job.kind, seen.adapter)
    except LeverError:
        del st.session_state[FOLLOWED]  # It was deleted since.
        return
    _load_once(seen.job, adapter.key, str(adapter.folder))
    with st.container(border=True, key=f"trained_{seen.job.id}"):
        title = registry()[adapter.kind].title
        use = f"{safe(title)} answers with it now" if adapter.in_use else "it is not in use yet"
        st.markdown(f":material/check_circle: **Adapter {adapter.number} is trained**: {use}.")
        loaded = next((one for one in get_engine().status().adapters if one.key == adapter.key), None)
        if loaded is not None and loaded.proof == "passed":
            st.caption("It is loaded, and the check that it leaves the other approaches alone has passed.")
        draw(training_figure(seen))
        st.markdown(
            "Next: see under “Did it help?” whether it answers the test questions better than before."
        )


def _settles(seen: TrainingView) -> bool:
    """Whether it is done, but its adapter is not loaded yet."""
    if seen.state != "done" or seen.job.id != st.session_state.get(FOLLOWED):
        return False
    job_id, loading = st.session_state.get(LOADING, ("", None))
    return job_id != seen.job.id or loading.is_alive()


def _load_once(job: TrainingJob, key: str, folder: str) -> None:
    """Have the engine load it now, not at the first question; that waits for its turn, so not here."""
    if st.session_state.get(LOADING, ("", None))[0] == job.id:
        return
    engine = get_engine()

    def load() -> None:
        try:
            if not engine.adapter_is_current(key, folder):
                engine.load_adapter(key, folder)
        except LeverError:
            return  # The first question says why.

    loading = Thread(target=load, name=f"load {key}", daemon=True)
    st.session_state[LOADING] = (job.id, loading)
    loading.start()


def _resumable(seen: TrainingView) -> None:
    """One that ended before its end."""
    job = seen.job
    how = {"paused": "paused", "interrupted": "was cut short", "failed": "broke"}[seen.state]
    with st.container(border=True, key=f"resumable_{job.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            at = f" at {numbers.percent(seen.share)}" if seen.steps else ""
            st.markdown(f"**{_title(job)}**: {how}{at}", width="stretch")
            st.button(
                "Take it up again", icon=":material/resume:", key=f"resume_{job.id}", on_click=_resume,
                args=(job.id,),
            )  # fmt: skip
            st.button(
                "Delete", icon=":material/delete:", key=f"forget_{job.id}", on_click=_forget, args=(job,)
            )
        if seen.failure or seen.state == "interrupted":
            st.caption(safe(seen.failure or last_line(job)))


def _title(job: TrainingJob) -> str:
    note = f", {safe(job.note)}" if job.note else ""
    return f"{safe(registry()[job.kind].title)}{note}"


def _stop(job: TrainingJob, keep: bool) -> None:
    try:
        stop_training(job, keep=keep)
    except LeverError as error:
        st.toast(said(error))


def _resume(job_id: str) -> None:
    try:
        resume_training(job_id)
        st.session_state[FOLLOWED] = job_id
    except LeverError as error:
        st.toast(said(error))


def _forget(job: TrainingJob) -> None:
    try:
        forget_job(job)
    except LeverError as error:
        st.toast(said(error))
