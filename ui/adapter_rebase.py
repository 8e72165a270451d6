"""Another base model than a scenario's adapters were trained for: one button trains them for it and asks the
cases again.
"""

from datetime import UTC, datetime

import streamlit as st

from backends.adapters import registered
from backends.errors import LeverError
from backends.registry import registry
from backends.scenario import Scenario
from backends.training.progress import TrainingView
from compare import numbers
from compare.another_base import AnotherBase, another_base, fits
from compare.rebasing import RebaseProgress, Rebasing, rebasings
from ui.rater import rater_here
from ui.resources import get_engine, get_store
from ui.text import safe, said
from ui.words import ago

LOOK_S = 1.0
STAGE = "rebase_stage"
VIEW = "Against another run"
"""The view of the results page that compares two runs, as its link says it."""


def rebase(scenario: Scenario) -> None:
    """What goes on or has ended; else, when the loaded base is another one, the notice with the button."""
    going = rebasings().get(scenario.name)
    if going is not None:
        ended = going.progress().ended
        st.fragment(_follow, run_every=None if ended else LOOK_S, key="rebasing")(going, following=not ended)
        if going.progress().state != "stopped":
            return
    status = get_engine().status()
    if status.state != "ready" or all(fits(one, status) for one in registered(scenario) if one.in_use):
        return
    try:
        _notice(scenario, another_base(scenario, status, get_store()))
    except LeverError as error:
        st.error(said(error))


def _notice(scenario: Scenario, found: AnotherBase) -> None:
    with st.container(border=True, key="another_base"):
        trained_for = " and ".join(found.trained_for) or "another model"
        asks = found.plan is not None and found.asked_again is None
        todo = "Train them again" if found.to_train else "Use those for it again"
        todo += " and ask the cases again" if asks else ""
        st.markdown(
            f":material/swap_horiz: **These adapters were trained for {safe(trained_for)}; now "
            f"{safe(found.base)} is loaded.**"
        )
        st.caption(safe(" ".join(_what(found))))
        if found.to_train or found.to_use:
            st.button(
                todo, type="primary", icon=":material/model_training:", key="rebase",
                on_click=_start, args=(scenario,),
            )  # fmt: skip


def _what(found: AnotherBase) -> list[str]:
    """What the button does, sentence by sentence."""
    sentences = []
    if found.to_train:
        kinds = "; ".join(registry()[one.kind].title for one in found.to_train)
        sentences.append(f"Trained from what they learnt from: {kinds}.")
    if found.to_use:
        kinds = "; ".join(registry()[one.kind].title for one in found.to_use)
        sentences.append(f"There for this model already: {kinds}.")
    if found.no_examples:
        kinds = "; ".join(registry()[kind].title for kind in found.no_examples)
        sentences.append(f"No examples are here to train {kinds} from; give a file below.")
    if found.plan is None or found.repeats is None:
        sentences.append("No finished run with another model is stored, so no cases are asked.")
    elif found.asked_again is None:
        begun = ago(get_store().stored_run(found.repeats).started_at, datetime.now(UTC))
        asked = numbers.plural(len(found.plan.cases), "case")
        sentences.append(f"Then {asked} are asked as in the run that began {begun}.")
    return sentences


def _follow(going: Rebasing, *, following: bool) -> None:
    progress = going.progress()
    stage = (progress.state, len(progress.trainings))
    if following and st.session_state.get(STAGE) != stage:
        st.session_state[STAGE] = stage
        st.rerun()  # Another training is followed below, or none any more.
    with st.container(border=True, key="rebasing_stands"):
        if progress.ended:
            _over(progress)
            return
        st.markdown(f"**Bringing the adapters to {safe(progress.base)}**")
        st.progress(*_stands(progress))
        st.button(
            "Stop", icon=":material/stop:", key="stop_rebase", on_click=going.stop,
            help="What is done stays; begun again, it goes on from there.",
        )  # fmt: skip


def _stands(progress: RebaseProgress) -> tuple[float, str]:
    """How far it is, in [0, 1] and in words."""
    if progress.state == "asking":
        asked = progress.asked
        if asked is None:
            return 0.0, "Asking the cases again …"
        ended = asked.done + asked.failed
        if ended == asked.planned:
            return 1.0, "Measuring how alike the answers are …"
        return ended / asked.planned, f"Asking again: {numbers.share(ended, asked.planned)} answers"
    if not progress.trainings:
        return 0.0, "Beginning …"
    seen = progress.trainings[-1]
    place = numbers.share(len(progress.trainings), progress.to_train)
    return seen.share, f"Training {safe(_title(seen))}, {place}"


def _over(progress: RebaseProgress) -> None:
    if progress.state == "stopped":
        st.markdown(f":material/pause_circle: {safe(progress.problem or 'Stopped.')}")
        if progress.run_id is not None:
            st.caption("What was answered stays. Next: go on with the run under “Scenarios”.")
        return
    trained = "; ".join(_title(seen) for seen in progress.trainings)
    what = f"{safe(trained)} trained for it" if trained else "All of them are in use again"
    st.markdown(f":material/check_circle: **The adapters are for {safe(progress.base)} now**: {what}.")
    if progress.run_id is None or progress.asked_before is None:
        st.caption("Next: ask the cases under “Scenarios”.")
        return
    st.page_link(
        "pages/results.py", label="See both models side by side", icon=":material/monitoring:",
        query_params={"run": progress.run_id, "against": progress.asked_before, "view": VIEW},
    )  # fmt: skip


def _title(seen: TrainingView) -> str:
    return registry()[seen.job.kind].title


def _start(scenario: Scenario) -> None:
    try:
        rebasings().start(scenario, store=get_store(), engine=get_engine(), by=rater_here())
    except LeverError as error:
        st.toast(said(error), icon=":material/error:")
