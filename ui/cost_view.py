"""What each approach costs, and when a dearer one pays off: prices, a table, sentences, the lines of cost."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial

import pandas as pd
import streamlit as st

from backends.errors import BadInput
from compare import numbers
from compare.break_evens import break_evens
from compare.charts.cost import cost_figure
from compare.cost import LaneCost, lane_costs
from compare.cost_setup import setups_of
from compare.cost_words import cost_rows, notes, of_break_even, of_month, of_published
from compare.lane_names import lane_title
from compare.measured import StoredRun
from compare.prices import LABELS, LIMITS, Prices, load_prices, reset_prices, save_prices
from ui.drawing import draw
from ui.text import safe, said

WHOLE = ("examples_per_retraining", "answers_per_month", "months")
HELP = {
    "gpu_hour": "Of the machine that answers and trains. Usual: an A10G with 24 GB on demand, about $1.",
    "prompt_token_million": "Counts only where a server answers. Usual: GPT-4o mini's list price.",
    "completion_token_million": "Counts only where a server answers. Usual: GPT-4o mini's list price.",
    "labelled_example": "Usual: two minutes of somebody who costs 30 an hour.",
    "month_of_store": "For approaches that look things up. Usual: a small managed vector store.",
    "retraining_every_months": "0 is never. Usual: twice a year.",
    "examples_per_retraining": "Labelled anew each time that an adapter is trained again.",
}
COLUMNS = 4
PUBLISHED = {"prompting": 0.02, "fixed": 500.0, "fine_tuned": 0.005}
"""The published example."""
BY = {"volume": "By answers a month", "months": "Month by month"}


def cost_view(run: StoredRun, lanes: Sequence[str], key: str) -> None:
    """All of it, for these lanes of a stored run; ``key`` keeps its widgets apart from others'."""
    try:
        prices, problem = load_prices()
    except BadInput as error:
        st.error(said(error))
        return
    if problem:
        st.warning(safe(problem))
    _prices(prices, key)
    costs = lane_costs(run, lanes, setups_of(run, lanes), prices)
    for note in notes(costs, prices):
        st.caption(safe(note))
    table = pd.DataFrame(cost_rows(costs, prices))
    st.dataframe(table, hide_index=True, key=f"{key}_table", alt="What each approach costs")
    if sum(one.known for one in costs.values()) > 1:
        _pay_off(costs, prices, key)
    by = st.segmented_control(
        "Cost", list(BY), default="volume", required=True, format_func=BY.get, key=f"{key}_by",
        label_visibility="collapsed",
    )  # fmt: skip
    draw(cost_figure(costs, prices, "months" if by == "months" else "volume"))
    _published(key)


def _prices(prices: Prices, key: str) -> None:
    """The editor of all prices. What was typed stays while it can't be used; the others follow the file, as
    somebody else may have saved since.
    """
    hour, answers = numbers.money(prices.gpu_hour, prices.currency), numbers.count(prices.answers_per_month)
    label = f"Prices: {hour} an hour of the machine, {answers} answers a month for {prices.months} months"
    read = st.session_state.get(f"{key}_read", prices)
    for name, value in asdict(prices).items():
        if st.session_state.setdefault(f"{key}_{name}", value) == getattr(read, name):
            st.session_state[f"{key}_{name}"] = value
    st.session_state[f"{key}_read"] = prices
    with st.expander(safe(label), icon=":material/payments:"), st.form(f"{key}_prices", border=False):
        names = list(LABELS)
        for first in range(0, len(names), COLUMNS):
            row = st.columns(COLUMNS, vertical_alignment="bottom")
            for column, name in zip(row, names[first : first + COLUMNS], strict=False):
                with column:
                    _input(name, key)
        with st.container(horizontal=True):
            keep = st.form_submit_button("Use these prices", type="primary", key=f"{key}_save")
            st.form_submit_button("Usual prices", key=f"{key}_reset", on_click=partial(_reset, key))
        st.caption("Kept for everybody who works on this Lever. They change no measurement, only its cost.")
    if keep:
        try:
            save_prices(Prices(**{name: st.session_state[f"{key}_{name}"] for name in LABELS}))
        except BadInput as error:
            st.error(said(error))
            return
        st.rerun()


def _input(name: str, key: str) -> None:
    title = LABELS[name]
    if name == "currency":
        st.text_input(title, max_chars=4, key=f"{key}_{name}")
        return
    low, high = LIMITS[name]
    whole = name in WHOLE
    st.number_input(
        title,
        min_value=int(low) if whole else low,
        max_value=int(high) if whole else high,
        step=1 if whole else 0.01,
        format="%d" if whole else "%g",
        key=f"{key}_{name}",
        help=HELP.get(name),
    )


def _reset(key: str) -> None:
    try:
        usual = reset_prices()
    except BadInput as error:
        st.toast(said(error))
        return
    for name, value in asdict(usual).items():
        st.session_state[f"{key}_{name}"] = value


def _pay_off(costs: Mapping[str, LaneCost], prices: Prices, key: str) -> None:
    """When each lane pays off against a chosen one."""
    known = [lane for lane, one in costs.items() if one.known]
    usual = known.index("prompt") if "prompt" in known else 0
    over = st.selectbox(
        "Compared with", known, index=usual, format_func=lane_title, key=f"{key}_over", width=420
    )  # fmt: skip
    lines = []
    for one in break_evens(costs, prices, over):
        month = of_month(one, prices) if one.volume.at is not None else ""
        lines.append(f"- **{safe(of_break_even(one))}** {safe(month)}")
    st.markdown("\n".join(lines))


def _published(key: str) -> None:
    """The published formula, on three amounts that somebody types."""
    with st.expander("The published formula, on your own figures", icon=":material/calculate:"):
        st.caption("Fixed cost of fine-tuning ÷ what a request then saves. Type what you were told.")
        titles = ("A prompted request costs", "Fine-tuning costs once", "A fine-tuned request costs")
        amounts = [
            column.number_input(title, 0.0, value=value, step=0.001, format="%g", key=f"{key}_{name}")
            for column, title, (name, value) in zip(st.columns(3), titles, PUBLISHED.items(), strict=True)
        ]
        st.markdown(f"**{safe(of_published(*amounts))}**")
