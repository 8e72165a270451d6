"""How long answers take, call by call, and what a longer prompt costs. Only calls of one run: one mode."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from compare import numbers
from compare.charts.look import BESIDE, FRAME_PX, ROW_PX, colour, data, interval_marks, marked, rows, shape
from compare.latency import LEAST_FOR_P95, Percentiles, Slope

if TYPE_CHECKING:
    import altair as alt

FEW = 60
"""Up to so many answers of a lane each is a point."""
LINE_PX = 320
_PHI = 0.618034


def spread_chart(
    totals_ms: Mapping[str, Sequence[float]], found: Mapping[str, Percentiles | None], *, axis: str
) -> "alt.LayerChart | None":
    """Each lane's median with its interval, its 95th percentile from 20 answers on, and every answer when
    they are few.
    """
    import altair as alt

    lanes = [lane for lane in totals_ms if found.get(lane) is not None]
    if not lanes:
        return None
    values, points = [], []
    for lane in lanes:
        times = found[lane]
        assert times is not None
        low, high = (times.p50 if bound is None else bound for bound in (times.low, times.high))
        values.append(
            marked(
                lane,
                value=times.p50 / 1000,
                low=low / 1000,
                high=high / 1000,
                p95=None if times.p95 is None else times.p95 / 1000,
                label=numbers.seconds(times.p50),
                late=f"95 %: {numbers.seconds(times.p95)}",
                said="too few cases"
                if times.low is None
                else f"{numbers.seconds(low)} to {numbers.seconds(high)}",
                n=f"{times.n:,}",
            )
        )
        if times.n <= FEW:  # Spread over the row's height in an order that looks random but is not.
            points += [
                marked(lane, value=ms / 1000, jitter=(place * _PHI) % 1 - 0.5)
                for place, ms in enumerate(totals_ms[lane])
            ]
    longest = max(
        [float(str(row["value"])) for row in (*values, *points)]
        + [times.p95 / 1000 for lane in lanes if (times := found[lane]) is not None and times.p95 is not None]
    )
    x = alt.X("value:Q", title=axis, scale=alt.Scale(domain=[0, longest * 1.35 or 1], nice=False))
    x = x.axis(tickCount=6)
    chart = alt.Chart(data(values)).encode(
        y=rows(lanes),
        tooltip=[
            alt.Tooltip("lane:N", title="Approach"),
            alt.Tooltip("label:N", title="Half within"),
            alt.Tooltip("said:N", title="95 % interval"),
            alt.Tooltip("n:N", title="Answers"),
        ],
    )
    dots = (
        alt.Chart(data(points))
        .mark_circle(size=24, opacity=0.45)
        .encode(
            y=rows(lanes),
            yOffset=alt.YOffset("jitter:Q", scale=alt.Scale(domain=[-1, 1])),
            x=x,
            color=colour(),
        )
    )
    reach, middle, labels = interval_marks(chart, x, lanes, axis=axis, above_px=16)
    late = chart.transform_filter("datum.p95 != null")
    ticks = late.mark_tick(thickness=2, size=22, color=BESIDE).encode(x="p95:Q")
    late_labels = late.mark_text(align="left", dx=6, color=BESIDE).encode(x="p95:Q", text="late:N")
    layers = alt.LayerChart(layer=[*([dots] if points else []), reach, middle, ticks, late_labels, labels])
    some = any(times is not None and times.p95 is None for times in found.values())
    title = "How long half of the answers take, and 95 % of them"
    title += f" (from {LEAST_FOR_P95} answers on)" if some else ""
    return layers.properties(title=title, height=ROW_PX * len(lanes) + FRAME_PX)


def prompt_chart(
    points: Sequence[tuple[str, str, float, float]], slope: Slope | None, lanes: Sequence[str]
) -> "alt.LayerChart | None":
    """Time to first text against the tokens that were read, a point a case and lane; with the line through
    them where there is one.
    """
    if not points:
        return None
    import altair as alt

    shown = [lane for lane in lanes if any(point[0] == lane for point in points)]
    values = [
        marked(lane, case=case, tokens=tokens, first=ms / 1000, said=numbers.seconds(ms))
        for lane, case, tokens, ms in points
    ]
    x = alt.X("tokens:Q", title="Tokens read before the answer", scale=alt.Scale(zero=True))
    x = x.axis(tickCount=10)
    y = alt.Y("first:Q", title="Seconds until the first text", scale=alt.Scale(zero=True))
    dots = (
        alt.Chart(data(values))
        .mark_point(filled=True, size=70, opacity=0.6)
        .encode(
            x=x,
            y=y,
            color=colour(),
            shape=shape(shown, legend=True),
            tooltip=[
                alt.Tooltip("lane:N", title="Approach"),
                alt.Tooltip("case:N", title="Case"),
                alt.Tooltip("tokens:Q", title="Tokens read"),
                alt.Tooltip("said:N", title="First text"),
            ],
        )
    )
    layers = [dots]
    if slope is not None:
        ends = [min(point[2] for point in points), max(point[2] for point in points)]
        line = [{"tokens": at, "first": (slope.at_zero_ms + slope.ms_per_token * at) / 1000} for at in ends]
        layers.append(
            alt.Chart(data(line)).mark_line(color=BESIDE, strokeDash=[6, 4]).encode(x="tokens:Q", y="first:Q")
        )
    return alt.LayerChart(layer=[*layers]).properties(title="What longer prompts cost", height=LINE_PX)
