"""One approach of this run against any of another run: a small model that learnt against a larger one that
is told, say.
"""

import pandas as pd
import streamlit as st

from backends.errors import LeverError
from compare.lane_difference import compare_lanes, lane_difference_rows
from compare.lane_names import lane_title
from compare.run_measures import Measured
from ui.text import safe, said

THIS, AGAINST = "lane_here", "lane_there"


def lanes_compared(found: Measured, before: Measured, bases: tuple[str, str]) -> None:
    """Let the reader choose both, then say which is right more often and what each takes; ``bases`` are the
    models of ``before`` and of ``found``.
    """
    st.subheader("One approach against any other")
    here, there = st.columns(2)
    this = here.selectbox(
        f"This approach, on {safe(bases[1])}",
        found.lanes,
        format_func=lane_title,
        key=f"{THIS}_{found.run.id}",
    )
    against = there.selectbox(
        f"Against that one, on {safe(bases[0])}", before.lanes, format_func=lane_title,
        key=f"{AGAINST}_{before.run.id}",
    )  # fmt: skip
    try:
        pair = compare_lanes(found.run, this, before.run, against)
    except LeverError as error:
        st.error(said(error))
        return
    st.markdown(safe(pair.takeaway))
    table = pd.DataFrame(lane_difference_rows(pair))
    st.dataframe(table, hide_index=True, key="lane_pair", alt="What each approach does and takes")
    reasons = [f"Times are left out: {_lower(pair.no_times)}" if pair.no_times else "", pair.no_cost]
    if bases[0] != bases[1]:
        reasons.append("Each model counts tokens in its own way.")
    st.caption(safe(" ".join(reason for reason in reasons if reason)))


def _lower(sentence: str) -> str:
    return f"{sentence[:1].lower()}{sentence[1:]}"
