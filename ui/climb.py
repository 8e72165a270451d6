"""Climb a scenario's ladder: what is to be asked, how far it is, what stopped it."""

from collections.abc import Sequence

import streamlit as st

from backends.errors import LeverError
from backends.scenario import Scenario
from backends.types import Mode
from compare import numbers
from compare.case_files import load_cases
from compare.cases import Case
from compare.climbing import Climb, climbs, in_climbing_order, once_met, rungs_of
from compare.lane_names import lane_name, lane_title
from compare.measured import StoredRun
from compare.runner import MAX_REPEATS
from compare.scenario_run import make_plan
from compare.terms import Terms
from compare.training_set import kept_out_of_test
from ui.resources import get_engine, get_store
from ui.text import safe, said
from ui.words import MODES

POLL_S = 0.5


def climb(scenario: Scenario, run: StoredRun | None, terms: Terms) -> bool:
    """The climb that goes on; else what can be asked next. ``run`` is the ladder so far; by ``terms`` a climb
    stops. Gives whether one goes on.
    """
    going = climbs().get(scenario.name)
    if going is not None and not going.seen().ended:
        st.fragment(_draw, run_every=POLL_S, key="climb_progress")(going)
        return True
    if going is not None and (problem := going.seen().progress.problem):
        st.warning(safe(problem), icon=":material/pause_circle:")
    try:
        known = kept_out_of_test(scenario.name, load_cases(scenario))
        cases = [case for case in known if case.split == "test"]
    except LeverError as error:
        st.error(said(error))
        return False
    if not cases:
        st.info("This scenario has no test questions. Add cases under “Scenarios”, then climb here.")
    elif run is None:
        _offer(scenario, cases, None, terms)
    else:
        with st.expander("Ask more", icon=":material/stairs:", key="ask_more"):
            _offer(scenario, cases, run, terms)
    return False


def rungs(scenario: Scenario) -> tuple[str, ...]:
    """The lanes that a climb would ask now."""
    try:
        return rungs_of(scenario, load_cases(scenario), get_engine()).lanes
    except LeverError:
        return ()  # The climb's own part says what is wrong.


def _draw(going: Climb) -> None:
    seen = going.seen()
    progress = seen.progress
    if seen.ended:
        st.rerun()
    ended = progress.done + progress.failed
    left = (
        "" if progress.left_s is None else f", at most about {numbers.seconds(1000 * progress.left_s)} left"
    )
    with st.container(border=True, key="climb"):
        of = f"{numbers.share(seen.number + 1, len(going.plan.lanes))} approaches"
        st.markdown(f"**Asking {safe(lane_title(seen.lane))}**, {of}")
        st.progress(
            ended / max(1, progress.planned), f"{numbers.share(ended, progress.planned)} answers{left}"
        )
        st.button(
            "Stop", icon=":material/stop_circle:", key="climb_stop", on_click=going.cancel,
            help="What is answered stays; climbing again goes on from there.",
        )  # fmt: skip


def more_repeats(scenario: Scenario, run: StoredRun, terms: Terms, repeats: int) -> None:
    """One click that asks each question of a ladder so often more, of all its approaches."""
    asked = run.plan.repeats + repeats
    if not repeats or asked > MAX_REPEATS:
        return
    st.button(
        f"Ask {numbers.plural(repeats, 'more answer')} to each question", icon=":material/add:",
        key="climb_more", disabled=get_engine().status().state != "ready", on_click=_start,
        args=(scenario, run.plan.lanes, asked, run.plan.mode, run.plan.seed, terms), kwargs={"stop": False},
    )  # fmt: skip


def _offer(scenario: Scenario, cases: Sequence[Case], run: StoredRun | None, terms: Terms) -> None:
    """What to ask: of a ladder, what it has not asked yet, or all of it in a new run."""
    anew = run is not None and st.toggle(
        "Begin a new run", key=f"climb_anew_{scenario.name}",
        help="With answers of its own, and three looks of its own. The old run stays.",
    )  # fmt: skip
    old = None if run is None or anew else run.plan
    rungs = rungs_of(scenario, cases, get_engine())
    options = [lane for lane in rungs.lanes if old is None or lane not in old.lanes]
    chosen: list[str] = []
    if options:
        chosen = st.pills(
            "Approaches, the cheapest first", options, selection_mode="multi", default=options,
            format_func=lane_title, key=f"climb_lanes_{scenario.name}_{len(options)}",
            help="The right passage is no approach: it tells why the others fail.",
        )  # fmt: skip
    if rungs.left_out:
        said_out = "; ".join(f"{lane_name(name)} needs {what}" for name, what in rungs.left_out.items())
        st.caption(f"Left out: {safe(said_out)}.")
    first, second, third = st.columns((1, 2, 2), vertical_alignment="bottom")
    least = 1 if old is None else old.repeats
    repeats = first.number_input(
        "Answers to each", least, MAX_REPEATS, least, key=f"climb_repeats_{scenario.name}_{least}",
        help="Several answers to each question tell chance and approach apart.",
    )  # fmt: skip
    mode = second.selectbox(
        "Timing", list(MODES), index=0 if old is None else list(MODES).index(old.mode), format_func=MODES.get,
        key=f"climb_mode_{old is None}", disabled=old is not None,
        help="One answer at a time takes longer and gives times and costs that can be compared.",
    )  # fmt: skip
    stop = third.toggle(
        "Stop at the first that meets the bar", True, key="climb_stop_early", persist_state="session",
        help="Dearer approaches are then not asked: they can't be the answer.",
    )  # fmt: skip
    lanes = [*(() if old is None else old.lanes), *(lane for lane in options if lane in (chosen or ()))]
    seed = (0 if run is None else run.plan.seed + 1) if old is None else old.seed
    calls = () if run is None or anew else run.calls
    asked = sum(call.status == "done" or call.failed_by_itself for call in calls)
    _button(scenario, cases, lanes, int(repeats), mode, seed, terms, stop=stop, anew=anew, asked=asked)


def _button(
    scenario: Scenario, cases: Sequence[Case], lanes: Sequence[str], repeats: int, mode: Mode, seed: int,
    terms: Terms, *, stop: bool, anew: bool, asked: int,
) -> None:  # fmt: skip
    ready = get_engine().status().state == "ready"
    left = len(lanes) * len(cases) * repeats - asked
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Climb the ladder", type="primary", icon=":material/stairs:", key="climb_go",
            disabled=not (ready and left > 0), on_click=_start,
            args=(scenario, lanes, repeats, mode, seed, terms), kwargs={"stop": stop, "anew": anew},
        )  # fmt: skip
        if not ready:
            st.caption("The ladder can be climbed as soon as the model is there.")
        elif left <= 0:
            st.caption("All of this was asked. Ask for more answers to each, or begin a new run.")
        else:
            many = numbers.plural(len(cases), "test question")
            st.caption(f"{many} that no tuning has used, {numbers.plural(left, 'answer')} at most.")


def _start(
    scenario: Scenario, lanes: Sequence[str], repeats: int, mode: Mode, seed: int, terms: Terms, *,
    stop: bool, anew: bool = False,
) -> None:  # fmt: skip
    try:
        ordered, terms = in_climbing_order(lanes, terms)
        plan = make_plan(scenario, ordered, which="test", repeats=repeats, mode=mode, seed=seed)
        now = get_engine().status()
        climbs().start(
            plan, now.base_hash or now.model, enough=once_met(ordered, terms) if stop else None,
            store=get_store(), engine=get_engine(), anew=anew,
        )  # fmt: skip
    except LeverError as error:
        st.toast(said(error))
