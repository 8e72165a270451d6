"""How many examples are enough: right answers by the number of examples that adapters learnt from."""

from typing import TYPE_CHECKING

from compare import numbers
from compare.charts.look import BESIDE, Figure, bounds, colour, data, family
from compare.curve_figures import CurveFigures

if TYPE_CHECKING:
    import altair as alt

HEIGHT_PX = 380
SHARES = (0, 0.2, 0.4, 0.6, 0.8, 1)


def learning_figure(found: CurveFigures, kind: str) -> Figure:
    """The curve of a ``kind`` of adapter, with each training as a dot of its own."""
    return Figure(
        key="learning_chart",
        chart=learning_chart(found, kind),
        alt="Share of right answers by the number of training examples",
        takeaway=found.sentence,
    )


def learning_chart(found: CurveFigures, kind: str) -> "alt.LayerChart | None":
    """A line over the sizes with an interval each; dashed what is right without an adapter; a flag where more
    stopped helping.
    """
    rows = [
        {"size": one.size, "value": one.passes.value, **bounds(one.passes), "family": family(kind),
         "label": numbers.percent(one.passes.value)}
        for one in found.sizes
        if one.passes is not None
    ]  # fmt: skip
    if not rows:
        return None
    import altair as alt

    sizes = [one.size for one in found.sizes]
    x = alt.X(
        "size:Q",
        title="Examples learnt from",
        scale=alt.Scale(type="log", domain=[0.85 * sizes[0], 1.3 * sizes[-1]], nice=False),
        axis=alt.Axis(values=sizes, format=",.0f", labelOverlap="greedy"),
    )
    y = alt.Y(
        "value:Q",
        title="Share of right answers",
        scale=alt.Scale(domain=[0, 1.12], nice=False),
        axis=alt.Axis(labelExpr="format(datum.value, '.0%')", values=list(SHARES)),
    )
    chart = alt.Chart(data(rows)).encode(
        x=x,
        color=colour(),
        tooltip=[
            alt.Tooltip("size:Q", title="Examples"),
            alt.Tooltip("label:N", title="Right"),
            alt.Tooltip("said:N", title="95 % interval"),
        ],
    )
    reach = chart.mark_rule(strokeWidth=3, opacity=0.5).encode(y="low:Q", y2="high:Q")
    labels = chart.mark_text(dx=-8, dy=-10, align="right", fontSize=13, fontWeight="bold")
    layers = [
        *_without(found, x),
        reach,
        chart.mark_line().encode(y=y),
        chart.mark_point(filled=True, size=130, opacity=1, shape="triangle-up").encode(y=y),
        _dots(found, x, y),
        labels.encode(y=y, text="label:N", color=alt.value(BESIDE)),
        *_flag(found, x),
    ]
    return alt.LayerChart(layer=layers).properties(
        title=f"Right answers by examples ({numbers.plural(found.seeds, 'seed')})", height=HEIGHT_PX
    )


def _dots(found: CurveFigures, x: "alt.X", y: "alt.Y") -> "alt.Chart":
    """Each training by itself."""
    import altair as alt

    rows = [{"size": one.size, "value": value} for one in found.sizes for value in one.by_seed]
    chart = alt.Chart(data(rows)).mark_point(size=26, strokeWidth=1.5, color=BESIDE, opacity=0.9)
    return chart.encode(x=x, y=y, tooltip=alt.value(None))


def _without(found: CurveFigures, x: "alt.X") -> "list[alt.Chart]":
    """What the same prompt gets right without an adapter."""
    import altair as alt

    if found.bare is None:
        return []
    said = f"without an adapter: {numbers.percent(found.bare.value)}"
    row = {"size": found.sizes[-1].size, "bare": found.bare.value, "text": said}
    chart = alt.Chart(data([row]))
    line = chart.mark_rule(color=BESIDE, strokeDash=[4, 4]).encode(y="bare:Q")
    words = chart.mark_text(align="right", dy=-8, fontSize=12, color=BESIDE)
    return [line, words.encode(x=x, y="bare:Q", text="text:N")]


def _flag(found: CurveFigures, x: "alt.X") -> "list[alt.Chart]":
    """A line up from the size from which more examples add nothing that matters."""
    import altair as alt

    passes = next((one.passes for one in found.sizes if one.size == found.enough), None)
    if passes is None:
        return []
    row = {"size": found.enough, "value": passes.value, "top": 1.06, "text": "enough"}
    chart = alt.Chart(data([row])).encode(x=x)
    up = chart.mark_rule(strokeDash=[3, 3], color=BESIDE).encode(y="value:Q", y2="top:Q")
    words = chart.mark_text(align="left", dx=6, fontSize=12, color=BESIDE)
    return [up, words.encode(y="top:Q", text="text:N")]
