"""What all charts share: how lanes look, and how a chart comes onto the page.

A lane's colour is that of its lever (prompt, retrieval, adapter, both), taken from the theme in that order;
its shape is the one that stands before its name on every screen. So nothing is told by colour alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backends.base import READS
from compare import numbers
from compare.lane_names import lane_title
from compare.lanes import layers_of
from compare.statistics import ONE_CASE, Estimate

if TYPE_CHECKING:
    import altair as alt


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A chart, or None where there is nothing to draw, with what it says in one sentence; ``alt`` says what
    it is to people who can't see it.
    """

    key: str
    chart: "alt.LayerChart | alt.Chart | None"
    alt: str
    takeaway: str = ""


INK = "#000000"
"""Text on a bar: at least 4:1 on every colour of both themes."""
BESIDE = "#76808C"
"""Text and lines beside marks: 4:1 on both backgrounds, as a chart's marks do not know the theme."""
ROW_PX, FRAME_PX = 40, 130
"""Height of one lane's row with its gap, and of title, axis and legend together."""
LABEL_PX = 220
"""Room for a lane's name."""
FAMILIES = ("prompt", "retrieval", "adapter", "both")
"""In the order of the theme's colours."""
_DISC = "M-1,0A1,1,0,1,1,1,0A1,1,0,1,1,-1,0Z"
_PATHS = {
    "●": _DISC,
    "○": f"{_DISC}M-.62,0A.62,.62,0,1,0,.62,0A.62,.62,0,1,0,-.62,0Z",
    "◐": f"{_DISC}M0,.62A.62,.62,0,0,0,0,-.62Z",
    "◒": f"{_DISC}M.62,0A.62,.62,0,0,0,-.62,0Z",
    "◉": f"{_DISC}M-.75,0A.75,.75,0,1,0,.75,0A.75,.75,0,1,0,-.75,0Z"
    "M-.42,0A.42,.42,0,1,1,.42,0A.42,.42,0,1,1,-.42,0Z",
    "■": "M-.9,-.9H.9V.9H-.9Z",
    "□": "M-.9,-.9H.9V.9H-.9ZM-.5,-.5V.5H.5V-.5Z",
    "▲": "M0,-1L1,.8H-1Z",
    "△": "M0,-1L1,.8H-1ZM0,-.25L-.4,.45H.4Z",
    "◆": "M0,-1.1L1.1,0L0,1.1L-1.1,0Z",
    "◇": "M-1.1,0L0,-1.1L1.1,0L0,1.1ZM-.6,0L0,.6L.6,0L0,-.6Z",
    "✖": "M-.9,-.5L-.5,-.9L0,-.4L.5,-.9L.9,-.5L.4,0L.9,.5L.5,.9L0,.4L-.5,.9L-.9,.5L-.4,0Z",
    "★": "M-.35,-1H.35V-.35H1V.35H.35V1H-.35V.35H-1V-.35H-.35Z",
}
"""The shapes as SVG paths; inner rings run the other way round and stay empty."""


def family(lane: str) -> str:
    """The lever that a lane adds to its prompt, one of :data:`FAMILIES`."""
    layers = layers_of(lane)
    reads, trained = bool(layers & READS), "adapter" in layers
    return "both" if reads and trained else "retrieval" if reads else "adapter" if trained else "prompt"


def colour() -> "alt.Color":
    """Of the field ``family``."""
    import altair as alt

    return alt.Color("family:N", scale=alt.Scale(domain=list(FAMILIES)), legend=None)


def shape(lanes: Sequence[str], *, legend: bool = False) -> "alt.Shape":
    """Of the field ``lane``, which holds titles; with a legend where lanes have no row of their own."""
    import altair as alt

    scale = shape_scale([lane_title(lane) for lane in lanes])
    names = alt.Legend(title=None, orient="bottom", symbolFillColor=BESIDE, labelExpr="slice(datum.label, 2)")
    return alt.Shape("lane:N", scale=scale, legend=names if legend else None)


def shape_scale(titles: Sequence[str]) -> "alt.Scale":
    """Each title has the shape that it begins with."""
    import altair as alt

    return alt.Scale(domain=list(titles), range=[_PATHS[title[0]] for title in titles])


def rows(lanes: Sequence[str]) -> "alt.Y":
    """One row a lane, in the given order, with its name."""
    import altair as alt

    axis = alt.Axis(labelLimit=LABEL_PX, ticks=False, domain=False, grid=False)
    return alt.Y("lane:N", sort=[lane_title(lane) for lane in lanes], title=None, axis=axis)


def marked(lane: str, **values: object) -> dict[str, object]:
    """A row of chart data that belongs to a lane."""
    return {"lane": lane_title(lane), "family": family(lane), **values}


def data(values: Sequence[dict[str, Any]]) -> "alt.Data":
    """Chart data from plain rows."""
    import altair as alt

    return alt.Data(values=list(values))


def intervals(
    lanes: Sequence[str],
    values: Sequence[dict[str, object]],
    *,
    title: str,
    axis: str,
    domain: tuple[float, float],
    line: float | None = None,
    signed: bool = False,
) -> "alt.LayerChart | None":
    """One row a lane: ``value`` as a point with ``label``, ``low`` to ``high`` as a line, ``said`` beside the
    mouse; a broken line stands at ``line``. ``signed`` values are differences, told in points.
    """
    if not values:
        return None
    import altair as alt

    x = alt.X("value:Q", title=axis, scale=alt.Scale(domain=list(domain), nice=False))
    sign = "(datum.value > 0 ? '+' : datum.value < 0 ? '−' : '') + format(100 * abs(datum.value), '.0f')"
    if signed:
        x = x.axis(labelExpr=sign, tickCount=6)
    else:
        x = x.axis(labelExpr="format(datum.value, '.0%')", values=[0, 0.2, 0.4, 0.6, 0.8, 1])
    chart = alt.Chart(data(values)).encode(
        y=rows(lanes),
        tooltip=[
            alt.Tooltip("lane:N", title="Approach"),
            alt.Tooltip("label:N", title="Measured"),
            alt.Tooltip("said:N", title="Interval"),
        ],
    )
    marks = interval_marks(chart, x, lanes, axis=axis, above_px=14)
    across = [alt.Chart(data([{"at": line}])).mark_rule(color=BESIDE, strokeDash=[4, 4]).encode(x="at:Q")]
    layers = alt.LayerChart(layer=[*(across if line is not None else []), *marks])
    return layers.properties(title=title, height=ROW_PX * len(lanes) + FRAME_PX)


def interval_marks(
    chart: "alt.Chart", x: "alt.X", lanes: Sequence[str], *, axis: str, above_px: int
) -> "list[alt.Chart]":
    """What a row of an interval consists of: the line from ``low`` to ``high``, the point, and its label so
    far above it; ``x`` encodes the point's value.
    """
    import altair as alt

    reach = chart.mark_rule(strokeWidth=3, opacity=0.6).encode(
        x=alt.X("low:Q", title=axis), x2="high:Q", color=colour()
    )
    points = chart.mark_point(filled=True, size=180, opacity=1).encode(
        x=x, color=colour(), shape=shape(lanes)
    )
    labels = chart.mark_text(dy=-above_px, fontSize=13, fontWeight="bold", color=BESIDE)
    return [reach, points, labels.encode(x=x, text="label:N")]


def bounds(found: Estimate) -> dict[str, object]:
    """The interval where one may be drawn; the mark's own place where not."""
    drawn = found.enough or found.method == ONE_CASE
    return {
        "low": found.low if drawn else found.value,
        "high": found.high if drawn else found.value,
        "said": numbers.percent_range(found.low, found.high) if drawn else "too few cases",
    }


def apart(ends: list[dict[str, object]], gap: float = 0.08) -> list[dict[str, object]]:
    """Where names stand at the end of their lines: ``at`` is near their ``value``, but never on another."""
    below = -1.0
    placed = []
    for end in sorted(ends, key=lambda end: float(str(end["value"]))):
        below = max(float(str(end["value"])), below + gap)
        placed.append({**end, "at": below})
    return placed
