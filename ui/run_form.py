"""How a scenario's cases are to be asked, how long that may take, and the start."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from backends.base import DEFAULT_BACKENDS, missing
from backends.errors import LeverError
from backends.registry import registry
from backends.scenario import PromptTexts, Scenario
from backends.types import Mode, Sampling
from compare import numbers
from compare.cases import Case
from compare.lane_names import lane_title
from compare.plan import Plan, Which
from compare.runner import MAX_REPEATS
from compare.scenario_run import make_plan
from compare.scenario_runs import scenario_runs
from ui.going_runs import STARTED
from ui.prompt_texts import texts_popover
from ui.resources import get_engine, get_store
from ui.text import safe, said
from ui.words import MODES

AGAIN = "run_again_of"
"""The run that is to be repeated as it was, until it was."""
SPLITS: dict[Which, str] = {"test": "Those for verdicts", "dev": "Those for tuning", "all": "All"}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the form says."""

    lanes: tuple[str, ...]
    texts: PromptTexts
    which: Which
    repeats: int
    mode: Mode
    sampling: Sampling
    seed: int


def run_form(scenario: Scenario, cases: Sequence[Case], name: str = "") -> None:
    """Settings, an estimate and the button; ``name`` is what the run is called."""
    asked = _settings(scenario)
    chosen = [case for case in cases if asked.which in ("all", case.split)]
    calls = len(chosen) * len(asked.lanes) * asked.repeats
    per_call = _seconds_per_call(asked)
    long = "how long it takes shows soon after the start"
    if per_call is not None:
        long = f"about {numbers.seconds(1000 * per_call * calls)} at the last such run's pace"
    with st.container(horizontal=True, vertical_alignment="center"):
        icon = ":material/play_arrow:"
        run = st.button("Run", type="primary", icon=icon, key="run_cases", disabled=not calls)
        if calls and (run or AGAIN in st.session_state):
            _start(scenario, chosen, asked, name)
        many = numbers.plural(len(chosen), "case")
        st.caption(f"{many}, {numbers.plural(calls, 'answer')}; {long}")


def _settings(scenario: Scenario) -> Asked:
    wanted = st.pills(
        "Approaches",
        list(registry()),
        selection_mode="multi",
        default=list(DEFAULT_BACKENDS),
        format_func=lane_title,
        key="run_lanes",
        persist_state="session",
    )
    texts, older = texts_popover(scenario, shown=True)
    lanes = (*_able(scenario, texts, wanted or DEFAULT_BACKENDS), *older)
    first, second, third, fourth = st.columns(4)
    repeats = first.number_input(
        "How often each", 1, MAX_REPEATS, 1, key="run_repeats", persist_state="session",
        help="Several answers to each question show how steady an approach is.",
    )  # fmt: skip
    which = second.selectbox(
        "Which cases", list(SPLITS), index=2, format_func=lambda which: SPLITS[which], key="run_split",
        persist_state="session", help="By the column split: test for verdicts, dev for tuning.",
    )  # fmt: skip
    mode = third.selectbox(
        "Timing", list(MODES), format_func=lambda mode: MODES[mode], key="run_mode", persist_state="session",
        help="One answer at a time takes longer and gives times that can be compared.",
    )  # fmt: skip
    temperature = fourth.number_input(
        "Freedom (temperature)", 0.0, 2.0, 0.7, 0.1, key="run_temperature", persist_state="session",
        help="0 always takes the likeliest word: then one answer each is enough.",
    )  # fmt: skip
    return Asked(
        lanes=lanes,
        texts=texts,
        which=which,
        repeats=int(repeats),
        mode=mode,
        sampling=Sampling(temperature=float(temperature)),
        seed=0,
    )


def _start(scenario: Scenario, cases: Sequence[Case], asked: Asked, name: str) -> None:
    try:
        plan = make_plan(
            scenario,
            asked.lanes,
            cases=cases,
            repeats=asked.repeats,
            seed=asked.seed,
            mode=asked.mode,
            sampling=asked.sampling,
            texts=asked.texts,
        )
        if _asked_before(plan):
            return
        run = scenario_runs().start(plan, store=get_store(), engine=get_engine())
        if name:
            get_store().rename_run(run.id, name)
    except LeverError as error:
        st.error(said(error))
        return
    st.session_state[STARTED] = run.id
    st.rerun()  # The progress stands above.


def _able(scenario: Scenario, texts: PromptTexts, wanted: Sequence[str]) -> tuple[str, ...]:
    """Those of the wanted backends that can answer, cheap ones first; says what the others need."""
    known = {name: backend for name, backend in registry().items() if name in wanted}
    needs = {name: missing(backend, scenario, texts, get_engine()) for name, backend in known.items()}
    left_out = [f"{lane_title(name)} needs {' and '.join(need)}" for name, need in needs.items() if need]
    if left_out:
        st.caption(f"Left out, as the scenario has not all that they need: {safe('; '.join(left_out))}.")
    return tuple(name for name, need in needs.items() if not need)


def _asked_before(plan: Plan) -> bool:
    """Whether exactly this was run before and nobody said yet that it is to run again; asks on the page."""
    twin = get_store().twin_of(plan)
    if twin is None or st.session_state.pop(AGAIN, None) == twin:
        return False
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="twin"):
        same = " Its answers would be the same." if plan.sampling.temperature == 0 else ""
        st.markdown(f"Exactly this was run before.{same}", width="stretch")
        st.button("Run it again", icon=":material/replay:", key="run_again", on_click=_again, args=(twin,))
        link = {"label": "See its figures", "icon": ":material/monitoring:", "query_params": {"run": twin}}
        st.page_link("pages/results.py", **link)
    return True


def _again(twin: str) -> None:
    st.session_state[AGAIN] = twin


def _seconds_per_call(asked: Asked) -> float | None:
    """As the newest finished scenario run of this kind took; None when there is none."""
    try:
        return get_store().pace(asked.mode, once=asked.repeats == 1)
    except LeverError:
        return None
