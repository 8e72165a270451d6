"""Right answers of a run as training examples of its scenario: a larger model's, say, for a smaller one."""

import streamlit as st

from backends.errors import LeverError
from compare import numbers
from compare.distillation import Distilled, distil_run
from compare.lane_names import lane_title
from compare.run_measures import Measured
from compare.takeaways import best_first
from compare.training_set import collect
from ui.text import safe, said

LABEL = "Keep right answers as training examples"
FOLD = "keep_right_answers"


def keep_right_answers(found: Measured) -> None:
    """Choose the approach, see what would be kept and what not, keep it or save it as a file."""
    if found.run.live:
        return
    with st.expander(LABEL, icon=":material/school:", key=FOLD, on_change="rerun") as fold:
        if not fold.open:  # Nothing is counted for those who don't look.
            return
        rates = {lane: found.summary[lane].passes for lane in found.lanes}
        best = best_first({lane: rate for lane, rate in rates.items() if rate is not None})
        lane = st.selectbox(
            "Whose answers", found.lanes, index=found.lanes.index(best[0]) if best else 0,
            format_func=lane_title, key=f"distil_{found.run.id}", width=320,
        )  # fmt: skip
        try:
            distilled = distil_run(found.run, lane)
        except LeverError as error:
            st.error(said(error))
            return
        many = numbers.plural(len(distilled.examples), "example")
        st.markdown(f"**{many}**: of each case the right answer that was given most often.")
        if distilled.left_out_said:
            st.caption(safe(distilled.left_out_said))
        with st.container(horizontal=True):
            keep = st.button(
                "Keep them", icon=":material/save:", key="distil", disabled=not distilled.examples
            )
            st.download_button(
                "Save as a file", distilled.chat(), file_name=f"lever-examples-{found.run.id[:6]}.jsonl",
                mime="application/jsonl", icon=":material/download:", key="distil_file", on_click="ignore",
                disabled=not distilled.examples,
            )  # fmt: skip
        if keep:
            _keep(found.run.plan.scenario, distilled)


def _keep(scenario: str, distilled: Distilled) -> None:
    try:
        new = collect(scenario, distilled.examples)
    except LeverError as error:
        st.error(said(error))
        return
    many = numbers.plural(new, "new example")
    st.success(f"{many}. Next: under “Adapters”, train from “Made from ratings and runs”.")
