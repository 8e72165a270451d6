"""What a verdict rests on, drawn: how often each rung is right, what it adds and takes, why answers fail."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from compare import numbers
from compare.charts.look import Figure
from compare.charts.quality import difference_chart, rate_chart
from compare.cost import LaneCost
from compare.failure_classes import WHY
from compare.ladder import Rung
from compare.ladder_words import cost_text, gain_text, rate_text, setup_text, with_change
from compare.lane_names import lane_title
from compare.prices import Prices
from compare.run_measures import Measured
from compare.verdict import Verdict
from ui.drawing import draw
from ui.text import safe, shorten

EXAMPLE_CHARS = 160


def ladder_charts(found: Measured, verdict: Verdict) -> None:
    """How often each rung is right, with the bar, and what it gains over the one below."""
    left, right = st.columns(2, gap="large")
    with left:
        chart = rate_chart(
            {lane: verdict.rates[lane] for lane in verdict.order},
            title="How often right", axis="Share of test questions; the line is the bar", once=found.once,
            bar=verdict.terms.bar,
        )  # fmt: skip
        draw(Figure(key="ladder_rates", chart=chart, alt="Share of right answers by approach"))
    below = dict(zip(verdict.order[1:], verdict.order, strict=False))
    with right:
        gains = {lane: verdict.differences.get((lane, under)) for lane, under in below.items()}
        chart = difference_chart(
            gains, title="Gain over the next cheaper approach", axis="Difference in points"
        )  # fmt: skip
        draw(Figure(key="ladder_gains", chart=chart, alt="Gain of each approach over the next cheaper one"))


def ladder_table(
    rungs: Sequence[Rung], costs: Mapping[str, LaneCost], prices: Prices, *, once: bool, alone: bool
) -> None:
    """One row a rung: how often right, what it adds, what it takes."""
    rows = [
        {
            "Approach": lane_title(rung.lane),
            "Right": rate_text(rung.right, once=once),
            "Points gained": gain_text(rung.gain),
            "First text": with_change(rung.ttft_ms, rung.ttft_change_ms, numbers.seconds),
            "Tokens read": with_change(rung.prompt_tokens, rung.prompt_tokens_change, numbers.count),
            "1,000 answers": cost_text(rung, costs.get(rung.lane), prices),
            "Set up in": setup_text(rung, costs.get(rung.lane)),
        }
        for rung in rungs
    ]
    with st.container(key="ladder"):
        st.dataframe(pd.DataFrame(rows), hide_index=True, key="rungs", alt="The ladder, the cheapest first")
        st.caption(
            "Intervals hold together over all approaches and three looks. Points gained, and what stands in "
            "brackets behind times and tokens, are against the approach above."
            + ("" if alone else " Answers shared the machine: one at a time they begin sooner.")
        )


def why_wrong(rungs: Sequence[Rung], best: str | None, run_id: str) -> None:
    """Of one approach, the ``best`` at first: its failures by class, an example of each, what may help."""
    failures = {rung.lane: rung for rung in rungs if rung.failures}
    if not failures and not any(rung.right for rung in rungs):
        st.info("No answer is judged yet. Climb the ladder to see why answers are wrong.")
        return
    if not failures:
        st.success("No answer was wrong.", icon=":material/check_circle:")
        return
    st.markdown("##### Why answers are wrong")
    lanes = list(failures)
    lane = st.selectbox(
        "Approach", lanes, index=lanes.index(best) if best in failures else 0, format_func=lane_title,
        key=f"why_{run_id}", width=420, label_visibility="collapsed",
    )  # fmt: skip
    for one in failures[lane].failures:
        many = numbers.share(one.count, failures[lane].answers)
        question = shorten(one.example.query, EXAMPLE_CHARS)
        answer = shorten(one.example.answer, EXAMPLE_CHARS) or "no answer"
        st.markdown(
            f"- **{safe(WHY[one.kind])}**: {many}. What may help: {safe(one.points_to)}.\n\n"
            f"  :small[:gray[For example “{safe(question)}” → “{safe(answer)}”]]"
        )
