"""How alike the repeats of one case are, pair by pair."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from compare import numbers
from compare.charts.look import data

if TYPE_CHECKING:
    import altair as alt

PALE, STRONG = "#EAF1F6", "#0B5A8A"
"""The ends of the scale, the same on both backgrounds: pale is 0, strong is 1."""
SIDE_PX, LEGEND_PX = 440, 90
MOST = 60
"""Answers that a square is drawn of; more would be dots."""


def heat_map(square: np.ndarray, places: Sequence[int], *, title: str, measure: str) -> "alt.Chart | None":
    """How alike each answer is to each other one, 0 to 1, shape (answers, answers), at most :data:`MOST`.

    ``places`` are the answers' numbers among the repeats, counted from 0.
    """
    if len(square) < 2:
        return None
    import altair as alt

    shown = min(len(square), MOST)
    values = [
        {
            "a": places[i] + 1,
            "b": places[j] + 1,
            "alike": float(square[i, j]),
            "said": numbers.percent(square[i, j]),
        }
        for i in range(shown)
        for j in range(shown)
    ]
    axis = alt.Axis(labelAngle=0, labelOverlap=True, ticks=False, domain=False)
    return (
        alt.Chart(data(values))
        .mark_rect(stroke="#76808C", strokeWidth=0.3 if shown <= 20 else 0)
        .encode(
            x=alt.X("b:O", title="Answer number", axis=axis),
            y=alt.Y("a:O", title="Answer number", axis=axis),
            color=alt.Color(
                "alike:Q",
                title=measure,
                scale=alt.Scale(domain=[0, 1], range=[PALE, STRONG]),
                legend=alt.Legend(format="%", orient="right"),
            ),
            tooltip=[
                alt.Tooltip("a:O", title="Answer"),
                alt.Tooltip("b:O", title="and answer"),
                alt.Tooltip("said:N", title=measure),
            ],
        )
        .properties(title=title, width=SIDE_PX + LEGEND_PX, height=SIDE_PX)
    )
