"""How many examples are enough: train on growing parts of them, see where more stopped helping."""

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import streamlit as st

from backends.base import READS
from backends.errors import LeverError
from backends.knowledge.documents import document_paths
from backends.registry import registry
from backends.scenario import Scenario
from backends.training import ADAPTERS
from backends.training.recipes import PRESETS
from compare import numbers
from compare.before_after_words import interval
from compare.charts.learning import learning_figure
from compare.curve_figures import CurveFigures, curve_figures
from compare.curve_state import SEEDS, SIZES, Curve, curves, forget_curve, is_carried_out
from compare.curve_work import LearningCurve
from compare.curves_going import learning_curves
from compare.lane_names import lane_title
from compare.learning_curve import delete_adapters, plan_curve
from compare.statistics import Estimate
from compare.training_plan import Examples, sources, stored_examples
from ui.drawing import draw
from ui.resources import get_engine, get_store
from ui.text import safe, said
from ui.words import ago

POLL_S = 1.0
SOURCES = {"scenario": "the scenario's own", "ratings": "made from ratings"}


def learning_curve(scenario: Scenario) -> None:
    """What goes on, the newest curve's figures, and a new one."""
    work = learning_curves().get(scenario.name)
    if work is not None and (view := work.view()).going:
        st.fragment(_follow, run_every=POLL_S, key="curve_progress")(work, view.curve.asked)
        _found(view.curve)
        return
    try:
        known = curves(scenario.name)
        if known and not known[0].ended and is_carried_out(known[0]):
            _found(known[0])
            st.info("This goes on in another copy of Lever.", icon=":material/hourglass_top:")
            return
        if known:
            _newest(known[0], "" if work is None else work.view().problem)
        with st.expander("A new curve", icon=":material/add:", expanded=not known):
            _new(scenario)
    except LeverError as error:
        st.error(said(error))


def _follow(work: LearningCurve, asked: int) -> None:
    """How far it is; the figures below are drawn anew when one seed more was ``asked``."""
    view = work.view()
    if not view.going or view.curve.asked != asked:
        st.rerun()
    st.progress(min(view.share, 1.0), safe(view.detail) or "Beginning …")
    with st.container(horizontal=True):
        st.button(
            "Pause", icon=":material/pause:", key="pause_curve", on_click=work.pause,
            help="What is trained and asked stays; it can go on later, also after a restart.",
        )  # fmt: skip
        st.button(
            "Stop", icon=":material/stop_circle:", key="stop_curve", on_click=work.stop,
            help="Ends it with the seeds that have answered.",
        )  # fmt: skip


def _newest(curve: Curve, problem: str) -> None:
    """The last curve: its figures, going on with it, and clearing up."""
    kind = safe(lane_title(curve.kind))
    st.caption(f"{kind}, {numbers.plural(len(curve.rounds), 'seed')}, begun {_when(curve)}")
    _found(curve)
    if not curve.ended:
        st.warning(safe(problem or "This has not ended. It can go on."), icon=":material/pause_circle:")
    with st.container(horizontal=True):
        if not curve.ended:
            ready = get_engine().status().state == "ready"
            st.button(
                "Go on", type="primary", icon=":material/resume:", key="curve_go_on", disabled=not ready,
                on_click=_begin, args=(curve,),
            )  # fmt: skip
        many = len(curve.adapters)
        if many:
            st.button(
                f"Delete its {numbers.plural(many, 'adapter')}", icon=":material/delete:",
                key="curve_adapters", on_click=_delete_adapters, args=(curve,),
                help="The figures stay. One that is in use stays too.",
            )  # fmt: skip
        st.button(
            "Forget this curve", icon=":material/delete_forever:", key="curve_forget", on_click=_forget,
            args=(curve,), help="Deletes its figures and its adapters.",
        )  # fmt: skip


def _found(curve: Curve) -> None:
    """Figures of the rounds that were asked; nothing before the first one was."""
    found = curve_figures(curve)
    if not found.seeds:
        st.caption("The figures come when the adapters of the first seed have answered.")
        return
    draw(learning_figure(found, curve.kind))
    st.dataframe(pd.DataFrame(_rows(found)), hide_index=True, key="curve_table", alt="The curve in figures")
    st.caption(
        "Intervals hold the chance of the questions and, from two seeds on, of the training. The held-out "
        "loss is over examples that a training set aside; lower is better."
    )


def _rows(found: CurveFigures) -> list[dict[str, str]]:
    return [
        {
            "Examples": numbers.count(one.size),
            "Right": _share(one.passes),
            "What all examples add": interval(one.to_largest) if one.to_largest else numbers.ABSENT,
            "Held-out loss": numbers.loss(one.held_out),
        }
        for one in found.sizes
    ]


def _new(scenario: Scenario) -> None:
    """Choose and begin."""
    there = [source for source in sources(scenario) if source in SOURCES]
    if not there:
        st.info("There are no training examples yet. Add some first, then see here how many are enough.")
        return
    kinds = [kind for kind in ADAPTERS if not _reads(kind) or document_paths(scenario.knowledge)]
    left, right = st.columns(2)
    kind = left.selectbox("Adapter", kinds, format_func=lane_title, key="curve_kind")
    source = right.selectbox("Examples", there, format_func=SOURCES.__getitem__, key="curve_source")
    found = stored_examples(scenario, source)
    many = len(found.examples)
    usual = [size for size in SIZES if size < many]
    if not usual:
        st.info(f"There are {numbers.plural(many, 'example')}: too few for a curve. Add examples first.")
        return
    sizes = st.pills(
        "Sizes", usual, selection_mode="multi", default=usual, key=f"curve_sizes_{many}",
        help=f"All {many:,} examples are trained on too, as the last size.",
    )  # fmt: skip
    chosen = _settings()
    trainings = numbers.plural((len(sizes) + 1) * chosen["seeds"], "training")
    st.caption(f"That is {trainings}, one after another; the model goes on answering. It can be paused.")
    ready = get_engine().status().state == "ready"
    if st.button(
        "Begin", type="primary", icon=":material/play_arrow:", key="curve_begin",
        disabled=not ready or not sizes,
    ):  # fmt: skip
        _plan(scenario, kind, found, sizes=sizes, **chosen)


def _settings() -> dict[str, Any]:
    """How often and how it is trained and asked, as :func:`plan_curve` takes it."""
    first, second, third = st.columns(3)
    seeds = first.number_input(
        "Seeds", 1, 10, SEEDS, key="curve_seeds",
        help="Each draws other examples. With one, chance and the number of examples can't be told apart.",
    )  # fmt: skip
    preset = second.selectbox(
        "How to train", list(PRESETS), format_func=lambda name: PRESETS[name].title, key="curve_preset"
    )
    repeats = third.number_input("Answers to each question", 1, 20, 1, key="curve_repeats")
    keep = st.toggle("Keep its adapters at the end", key="curve_keep")
    return {"seeds": seeds, "preset": preset, "repeats": repeats, "keep": keep}


def _plan(scenario: Scenario, kind: str, found: Examples, **chosen: Any) -> None:
    try:
        curve = plan_curve(scenario, kind, found, **chosen)
        learning_curves().start(curve, store=get_store(), engine=get_engine())
    except LeverError as error:
        st.error(said(error))
        return
    st.rerun()


def _begin(curve: Curve) -> None:
    try:
        learning_curves().start(curve, store=get_store(), engine=get_engine())
    except LeverError as error:
        st.toast(said(error))


def _delete_adapters(curve: Curve) -> None:
    try:
        many = delete_adapters(curve, get_engine())
        st.toast(f"{numbers.plural(many, 'adapter was', 'adapters were')} deleted; the figures stay.")
    except LeverError as error:
        st.toast(said(error))


def _forget(curve: Curve) -> None:
    try:
        delete_adapters(curve, get_engine())
        forget_curve(curve)
    except LeverError as error:
        st.toast(said(error))


def _reads(kind: str) -> bool:
    return bool(READS & set(registry()[kind].layers))


def _when(curve: Curve) -> str:
    return ago(curve.created_at, datetime.now(UTC)) if curve.created_at else numbers.ABSENT


def _share(found: Estimate | None) -> str:
    if found is None:
        return numbers.ABSENT
    share = numbers.percent(found.value)
    return f"{share} ({numbers.percent_range(found.low, found.high)})" if found.enough else share
