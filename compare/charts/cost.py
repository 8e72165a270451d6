"""What approaches cost in total, by answers a month or month by month, and where their lines cross."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from compare import numbers
from compare.break_evens import BreakEven, Crossing, all_break_evens
from compare.charts.look import BESIDE, Figure, apart, colour, data, marked, shape
from compare.cost import LaneCost
from compare.cost_words import of_break_even, of_cheapest, of_month
from compare.lane_names import lane_title
from compare.prices import Prices

if TYPE_CHECKING:
    import altair as alt

By = Literal["volume", "months"]
HEIGHT_PX, NAMES_PX = 400, 150
STEPS = 24
"""Places along a line where the mouse finds a figure."""
FARTHEST = {"volume": 20.0, "months": 5.0}
"""A crossing that lies more than so many times as far out as what is asked about is told in words alone."""
GAP = 0.065
"""Between two names, as a share of the height."""


def cost_figure(costs: Mapping[str, LaneCost], prices: Prices, by: By) -> Figure:
    """The lines of all lanes whose total is known; the sentence is on the cheapest."""
    axis = "answers a month" if by == "volume" else "month"
    return Figure(
        key=f"cost_chart_{by}",
        chart=cost_chart(costs, prices, by),
        alt=f"Total cost of each approach by {axis}, with the points where the cheaper one changes",
        takeaway=of_cheapest(costs, prices),
    )


def cost_chart(costs: Mapping[str, LaneCost], prices: Prices, by: By) -> "alt.LayerChart | None":
    """A line a lane with its interval as a band; a ring where two lines cross, with the interval of that
    point as a bar; dashed what is asked about.
    """
    lanes = [one for one in costs.values() if one.known]
    if not lanes:
        return None
    import altair as alt

    asked = float(prices.answers_per_month if by == "volume" else prices.months)
    evens = all_break_evens(costs, prices)
    points = [(one, one.volume if by == "volume" else one.month) for one in evens]
    end = _end(asked, [point for _, point in points], FARTHEST[by])
    titles = [one.lane for one in lanes]
    top = max(_total(one, prices, by, end) for one in lanes) or 1.0
    names = {"volume": "Answers a month", "months": f"Months at {prices.answers_per_month:,} answers each"}
    y_title = f"Total over {numbers.plural(prices.months, 'month')}" if by == "volume" else "Total until then"
    x = alt.X(
        "x:Q", title=names[by], scale=alt.Scale(domain=[0, end], nice=False),
        axis=alt.Axis(format=",.0f", tickCount=6, tickMinStep=1),
    )  # fmt: skip
    money = f"{json.dumps(numbers.currency_mark(prices.currency))} + format(datum.value, ',')"
    y = alt.Y(
        "y:Q", title=f"{y_title}, {prices.currency}", scale=alt.Scale(domain=[0, top * 1.08], nice=False),
        axis=alt.Axis(labelExpr=money, tickCount=6),
    )  # fmt: skip
    lines = [_line(one, prices, by, end) for one in lanes]
    rows = [row for line in lines for row in line]
    chart = alt.Chart(data(rows)).encode(
        x=x,
        color=colour(),
        detail="lane:N",
        tooltip=[
            alt.Tooltip("lane:N", title="Approach"),
            alt.Tooltip("at:N", title=names[by]),
            alt.Tooltip("said:N", title=y_title),
        ],
    )
    ends = [{**line[-1], "value": float(str(line[-1]["y"])) / top} for line in lines]
    placed = [{**row, "at": float(str(row["at"])) * top} for row in apart(ends, GAP)]
    layers = [
        *_asked(asked, top, x, by),
        chart.mark_area(opacity=0.14).encode(y="low:Q", y2="high:Q"),
        chart.mark_line(strokeWidth=2.5).encode(y=y),
        alt.Chart(data(ends))
        .mark_point(filled=True, size=110, opacity=1)
        .encode(x=x, y=y, color=colour(), shape=shape(titles)),
        alt.Chart(data(placed))
        .mark_text(align="left", dx=12, fontSize=13, color=BESIDE)
        .encode(x=x, y="at:Q", text="lane:N"),
        *_crossings(points, costs, prices, by, end),
    ]
    title = "What it costs by volume" if by == "volume" else "What it costs month by month"
    return alt.LayerChart(layer=layers).properties(
        title=title, height=HEIGHT_PX, padding={"left": 5, "top": 5, "bottom": 5, "right": NAMES_PX}
    )


def _total(one: LaneCost, prices: Prices, by: By, at: float) -> float:
    total = one.total(at, prices.months) if by == "volume" else one.total(prices.answers_per_month, at)
    assert total is not None  # Only lanes with a known cost are drawn.
    return total


def _end(asked: float, points: Sequence[Crossing], farthest: float) -> float:
    """Where the axis ends: behind what is asked about and the crossings that are not too far out."""
    near = [point.at for point in points if point.at is not None and point.at <= farthest * max(asked, 1.0)]
    return max([1.6 * asked, *(1.3 * at for at in near), 1.0])


def _line(one: LaneCost, prices: Prices, by: By, end: float) -> list[dict[str, object]]:
    assert one.per_answer is not None
    found = one.per_answer
    rows = []
    for step in range(STEPS + 1):
        at = end * step / STEPS
        total = _total(one, prices, by, at)
        answers = at * prices.months if by == "volume" else at * prices.answers_per_month
        low, high = (found.low, found.high) if found.enough else (found.value, found.value)
        rows.append(
            marked(
                one.lane,
                x=at,
                y=total,
                low=total - answers * (found.value - low),
                high=total + answers * (high - found.value),
                at=numbers.count(at),
                said=numbers.money(total, prices.currency),
            )
        )
    return rows


def _asked(asked: float, top: float, x: "alt.X", by: By) -> "list[alt.Chart]":
    import altair as alt

    if not asked:
        return []
    text = f"{numbers.count(asked)} a month" if by == "volume" else f"month {numbers.count(asked)}"
    chart = alt.Chart(data([{"x": asked, "top": top * 1.08, "text": text}])).encode(x=x)
    line = chart.mark_rule(color=BESIDE, strokeDash=[4, 4])
    words = chart.mark_text(align="left", dx=6, dy=8, fontSize=12, color=BESIDE)
    return [line, words.encode(y="top:Q", text="text:N")]


def _crossings(
    points: Sequence[tuple[BreakEven, Crossing]],
    costs: Mapping[str, LaneCost],
    prices: Prices,
    by: By,
    end: float,
) -> "list[alt.Chart]":
    import altair as alt

    rows = []
    for even, point in points:
        if point.at is None or point.at > end:
            continue
        said = of_break_even(even) if by == "volume" else of_month(even, prices)
        rows.append(
            {
                "x": point.at,
                "y": _total(costs[even.lane], prices, by, point.at),
                "low": point.at if point.low is None else min(point.low, end),
                "high": (end if even.measured else point.at) if point.high is None else min(point.high, end),
                "label": numbers.count(point.whole(point.at)),
                "pair": f"{lane_title(even.lane)} and {lane_title(even.over)}",
                "said": said,
            }
        )
    if not rows:
        return []
    tooltip = [alt.Tooltip("pair:N", title="Where they cost the same"), alt.Tooltip("said:N", title="So")]
    chart = alt.Chart(data(rows)).encode(y="y:Q", tooltip=tooltip)
    reach = chart.mark_rule(color=BESIDE, strokeWidth=4, opacity=0.55).encode(x="low:Q", x2="high:Q")
    ring = chart.mark_point(size=190, strokeWidth=2.5, color=BESIDE, opacity=1).encode(x="x:Q")
    label = chart.mark_text(dy=-18, fontSize=13, fontWeight="bold", color=BESIDE)
    return [reach, ring, label.encode(x="x:Q", text="label:N")]
