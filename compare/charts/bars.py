"""Stacked bars, one a lane: what an answer's time, or its text, is made of.

Colours come from the theme (``chartCategoricalColors``), so light and dark both work. Stretches with room
say what they are, totals stand at the end.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from backends.types import Timing
from compare import numbers
from compare.charts.look import BESIDE, FRAME_PX, INK, LABEL_PX, ROW_PX

if TYPE_CHECKING:
    import altair as alt

TIME_PARTS = ("waiting", "looking up", "reading", "writing")
"""The parts of an answer's time as people know them; their sum is the answer's total."""
ANSWERING = "answering"
"""All of them but looking up, where a server does not tell them apart."""
ROOM_PER_CHARACTER = 0.016
"""Share of the longest bar that a character of a stretch's label takes on the narrowest chart."""


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


def time_bars(times: Mapping[str, Sequence[Timing]], axis: str) -> "alt.LayerChart | None":
    """Mean seconds per answer of each lane (by its title), split as :func:`time_parts` does, or None."""
    means = {lane: time_parts(found) for lane, found in times.items() if found}
    kinds, figures = aligned(means)

    def write(value: float) -> str:
        return numbers.seconds(value * 1000)

    return stacked(figures, kinds, title="Where the time went", axis=axis, write=write)


def stacked(
    figures: Mapping[str, Sequence[float]],
    parts: Sequence[str],
    *,
    title: str,
    axis: str,
    write: Callable[[float], str],
) -> "alt.LayerChart | None":
    """Bars of one value a part; ``write`` turns a value into text."""
    return _bars(_stretches(figures, parts, write), parts, title=title, axis=axis, total=write)


def time_parts(times: Sequence[Timing]) -> dict[str, float]:
    """Mean seconds of each of :data:`TIME_PARTS`; where a server does not say, of looking up and of
    :data:`ANSWERING`, which is the rest.
    """
    parts = [found for time in times if (found := _parts_ms(time)) is not None]
    if len(parts) == len(times):
        return {kind: fmean(ms) / 1000 for kind, ms in zip(TIME_PARTS, zip(*parts, strict=True), strict=True)}
    looked_up = fmean(time.embed_ms + time.retrieve_ms for time in times) / 1000
    return {"looking up": looked_up, ANSWERING: fmean(time.total_ms for time in times) / 1000 - looked_up}


def _parts_ms(time: Timing) -> tuple[float, float, float, float] | None:
    waited, switched, read, written = time.queued_ms, time.adapter_switch_ms, time.prefill_ms, time.decode_ms
    if waited is None or switched is None or read is None or written is None:
        return None
    return waited + switched, time.embed_ms + time.retrieve_ms, read, written


def aligned(means: Mapping[str, Mapping[str, float]]) -> tuple[tuple[str, ...], dict[str, list[float]]]:
    """The parts that any lane has, in the order in which they pass, and each lane's values of them."""
    kinds = tuple(kind for kind in (*TIME_PARTS, ANSWERING) if any(kind in found for found in means.values()))
    return kinds, {lane: [found.get(kind, 0.0) for kind in kinds] for lane, found in means.items()}


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
            labels = (f"{part} {figure}", figure)
            label = next((text for text in labels if len(text) * ROOM_PER_CHARACTER <= room), "")
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
    y = alt.Y("lane:N", sort=lanes, title=None, axis=alt.Axis(labelLimit=LABEL_PX, ticks=False, domain=False))
    x = alt.X("start:Q", title=axis, scale=alt.Scale(domain=[0, longest * 1.15 or 1], nice=False))
    x = x.axis(tickCount=6)
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
    return alt.LayerChart(layer=[bars, names, _totals(rows, lanes, y, total)]).properties(
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
