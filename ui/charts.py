"""The charts under the lanes: where the time went, and how much text went in and out.

Colours come from the theme (``chartCategoricalColors``), so light and dark both work. Nothing is told by
colour alone: bars name their lanes with a shape, stretches with room say what they are, totals stand at
the end.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from backends.types import Answer
from compare import numbers
from compare.live import RunView

if TYPE_CHECKING:
    import altair as alt

PARTS = ("waiting", "looking up", "reading", "writing")
"""The parts of an answer's time as people know them; their sum is the answer's total."""
TOKEN_PARTS = ("read", "written")
ROW_PX, FRAME_PX = 40, 130
"""Height of one lane's bar with its gap, and of title, axis and legend together."""
INK = "#000000"
"""Text on a bar: at least 4:1 on every colour of both themes."""
BESIDE = "#76808C"
"""Text beside a bar: 4:1 on both backgrounds, as a chart's marks do not know the theme."""
ROOM_FOR_NAME, ROOM_FOR_FIGURE = 0.22, 0.10
"""Share of the longest bar from which on a stretch has room for its name and figure, or its figure only."""


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """One part of one lane's bar: ``start`` and ``end`` on the axis, ``label`` what is written on it."""

    lane: str
    part: str
    order: int
    start: float
    end: float
    label: str
    figure: str


def finished(view: RunView, backend: str) -> tuple[Answer, ...]:
    """The lane's complete answers. Stopped and failed ones never enter a figure."""
    return tuple(
        call.answer for call in view.lane(backend) if call.status == "done" and call.answer is not None
    )


def draw(chart: "alt.LayerChart | None", *, key: str, alt: str) -> None:
    """Put a chart on the page, if there is one; ``alt`` says it in words to people who can't see it."""
    if chart is not None:
        st.altair_chart(chart, key=key, alt=alt)


def latency_chart(view: RunView, titles: Mapping[str, str]) -> "alt.LayerChart | None":
    """Mean seconds per answer and lane, split into :data:`PARTS`; None without a finished answer."""
    figures = {
        titles[name]: _time_parts(finished(view, name)) for name in view.backends if finished(view, name)
    }
    note = "one at a time" if view.query.mode == "bench" else "all lanes at once"
    return _bars(
        _stretches(figures, PARTS, lambda value: numbers.seconds(value * 1000)),
        PARTS,
        title="Where the time went",
        axis=f"Seconds per answer, {note}{_of(view)}",
        total=lambda value: numbers.seconds(value * 1000),
    )


def tokens_chart(view: RunView, titles: Mapping[str, str]) -> "alt.LayerChart | None":
    """Mean tokens read and written per answer and lane; None without a finished answer."""
    figures = {
        titles[name]: _token_parts(finished(view, name)) for name in view.backends if finished(view, name)
    }
    return _bars(
        _stretches(figures, TOKEN_PARTS, numbers.count),
        TOKEN_PARTS,
        title="How much text was read and written",
        axis=f"Tokens (pieces of words) per answer{_of(view)}",
        total=numbers.count,
    )


def _of(view: RunView) -> str:
    return f", mean of {view.query.repeats}" if view.query.repeats > 1 else ""


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _time_parts(answers: Sequence[Answer]) -> tuple[float, ...]:
    times = [answer.timing for answer in answers]
    return (
        _mean([time.queued_ms + time.adapter_switch_ms for time in times]) / 1000,
        _mean([time.embed_ms + time.retrieve_ms for time in times]) / 1000,
        _mean([time.prefill_ms for time in times]) / 1000,
        _mean([time.decode_ms for time in times]) / 1000,
    )


def _token_parts(answers: Sequence[Answer]) -> tuple[float, ...]:
    usages = [answer.usage for answer in answers]
    return _mean([usage.prompt_tokens for usage in usages]), _mean(
        [usage.completion_tokens for usage in usages]
    )


def _stretches(
    figures: Mapping[str, Sequence[float]], parts: Sequence[str], write: Callable[[float], str]
) -> list[Stretch]:
    longest = max((sum(values) for values in figures.values()), default=0.0)
    rows = []
    for lane, values in figures.items():
        start = 0.0
        for order, (part, value) in enumerate(zip(parts, values, strict=True)):
            room = value / longest if longest else 0.0
            figure = write(value)
            label = f"{part} {figure}" if room >= ROOM_FOR_NAME else figure if room >= ROOM_FOR_FIGURE else ""
            rows.append(
                Stretch(
                    lane=lane,
                    part=part,
                    order=order,
                    start=start,
                    end=start + value,
                    label=label,
                    figure=figure,
                )
            )
            start += value
    return rows


def _bars(
    rows: Sequence[Stretch], parts: Sequence[str], *, title: str, axis: str, total: Callable[[float], str]
) -> "alt.LayerChart | None":
    if not rows:
        return None
    import altair as alt

    lanes = list(dict.fromkeys(row.lane for row in rows))
    longest = max(row.end for row in rows)
    y = alt.Y("lane:N", sort=lanes, title=None, axis=alt.Axis(labelLimit=220, ticks=False, domain=False))
    x = alt.X("start:Q", title=axis, scale=alt.Scale(domain=[0, longest * 1.15 or 1], nice=False))
    stretches = alt.Chart(alt.Data(values=[vars(row) for row in rows]))
    bars = stretches.mark_bar(height={"band": 0.62}).encode(
        y=y,
        x=x,
        x2="end:Q",
        color=alt.Color("part:N", sort=list(parts), scale=alt.Scale(domain=list(parts)), title=None).legend(
            orient="bottom"
        ),
        tooltip=[
            alt.Tooltip("lane:N", title="Lane"),
            alt.Tooltip("part:N", title="Part"),
            alt.Tooltip("figure:N", title="Mean"),
        ],
    )
    names = (
        stretches.transform_calculate(middle="(datum.start + datum.end) / 2")
        .mark_text(color=INK, fontSize=12)
        .encode(y=y, x="middle:Q", text="label:N")
    )
    return alt.layer(bars, names, _totals(rows, lanes, y, total)).properties(
        title=title, height=ROW_PX * len(lanes) + FRAME_PX
    )


def _totals(
    rows: Sequence[Stretch], lanes: Sequence[str], y: "alt.Y", write: Callable[[float], str]
) -> "alt.Chart":
    import altair as alt

    ends = {lane: max(row.end for row in rows if row.lane == lane) for lane in lanes}
    values = [{"lane": lane, "end": end, "total": write(end)} for lane, end in ends.items()]
    marks = alt.Chart(alt.Data(values=values)).mark_text(
        align="left", dx=6, fontSize=13, fontWeight="bold", color=BESIDE
    )
    return marks.encode(y=y, x="end:Q", text="total:N")
