"""A drill as it goes on, and what it found."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from compare import numbers
from compare.drill import Drill, DrillView
from compare.drill_results import Answers, LaneDrill
from compare.drill_takeaway import takeaway
from compare.lane_names import lane_title
from ui.text import safe

POLL_S = 0.5
STAGES = {
    "before": "Asking before the change",
    "editing": "Saving the change, bringing the index in step",
    "after": "Asking after the change",
    "training": "Training LoRA again",
    "retrained": "Asking LoRA again",
}


def follow(drill: Drill) -> None:
    """The drill; while it goes on it renews itself, then lets the page run once more."""
    going = not drill.view().ended
    st.fragment(_draw, run_every=POLL_S if going else None, key="drill_view")(drill, going=going)


def _draw(drill: Drill, *, going: bool) -> None:
    view = drill.view()
    if view.ended == going:
        st.rerun()
    change = view.plan.change
    many = numbers.plural(len(view.plan.cases), "case")
    st.markdown(
        f"**{safe(change.document)}**: :red-background[{safe(change.removed) or '–'}] became "
        f":green-background[{safe(change.added) or '–'}]  \n:gray[:small[{many}, asked "
        f"{numbers.plural(view.plan.repeats, 'time')} each, by each approach]]"
    )
    if not view.ended:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f":blue-badge[:material/hourglass_top: {STAGES[view.stage]}] {safe(view.detail)}",
                width="stretch",
            )
            st.button("Stop", icon=":material/stop_circle:", key="stop_drill", on_click=drill.cancel)
    if view.problem:
        st.error(safe(view.problem), icon=":material/error:")
    if view.lanes:
        _found(view)
    untrained = view.ended and drill.trainable() and not any(found.retrained for found in view.lanes)
    if untrained and view.index_s is not None:
        st.button(
            "Train LoRA on the new fact", icon=":material/model_training:", key="train_again",
            help="Its examples are changed, it is trained on them, which takes minutes, and asked again.",
            on_click=drill.train_again,
        )  # fmt: skip


def _found(view: DrillView) -> None:
    if view.stage == "done":
        st.markdown(f"#### {safe(takeaway(view.lanes))}")
    st.dataframe(_table(view.lanes), hide_index=True, key="drill_table", alt="Each approach over the drill")
    notes = []
    if view.index_s is not None:
        notes.append(f"Saving the change and bringing the index in step took {_s(view.index_s)}.")
    for name, took in view.training_s.items():
        changed = numbers.plural(view.examples_changed, "example")
        notes.append(f"Training {safe(lane_title(name))} again took {_s(took)}; {changed} changed.")
    notes.append(
        "“Right again after” is the work that an approach needs from the change to a right answer: "
        "the index where it looks things up, the training where it was trained, and one answer."
    )
    st.caption(" ".join(notes))
    with st.expander("What they said", icon=":material/chat:"):
        for found in view.lanes:
            stages = (("Before", found.before), ("After", found.after), ("Trained again", found.retrained))
            lines = [f"{name}: {safe(said.example) or '–'}" for name, said in stages if said is not None]
            st.markdown("  \n".join([f"**{safe(lane_title(found.lane))}**", *lines]))


def _table(lanes: Sequence[LaneDrill]) -> pd.DataFrame:
    rows = {
        "Approach": [lane_title(found.lane) for found in lanes],
        "Right before": [_right(found.before) for found in lanes],
        "Right after": [_right(found.after) for found in lanes],
        "Still says the old": [_stale(found.after) for found in lanes],
    }
    if any(found.retrained for found in lanes):
        rows["Right, trained again"] = [_right(found.retrained) for found in lanes]
    if any(found.now for found in lanes):
        rows["Right again after"] = [_again(found) for found in lanes]
    if any(found.cost is not None for found in lanes):
        rows["Cost"] = [numbers.money(found.cost) for found in lanes]
    return pd.DataFrame(rows)


def _right(answers: Answers | None) -> str:
    return numbers.ABSENT if answers is None else numbers.share(answers.right, answers.asked)


def _stale(answers: Answers | None) -> str:
    return numbers.ABSENT if answers is None else numbers.share(answers.stale, answers.asked)


def _again(found: LaneDrill) -> str:
    if found.now is None:
        return numbers.ABSENT
    return "not right" if found.right_again_s is None else _s(found.right_again_s)


def _s(seconds: float) -> str:
    return numbers.seconds(1000 * seconds)
