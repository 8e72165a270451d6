"""How well passages are found, by how many are read, and what other chunk sizes and k would give."""

from collections.abc import Sequence
from math import floor, log
from typing import TYPE_CHECKING

from compare import numbers, retrieval_takeaways
from compare.charts.look import BESIDE, Figure, apart, bounds, data, shape_scale
from compare.retrieval_choice import Recommendation
from compare.retrieval_measures import RetrievalFigures
from compare.retrieval_sweep import Setting, SweepPoint

if TYPE_CHECKING:
    import altair as alt

HIT_RATE, RECALL, MRR = MEASURES = ("● Hit rate", "■ Recall", "▲ Reciprocal rank")
SIZE_SHAPES = "●■▲◆○□△★"
"""Of the chunk sizes, from the smallest."""
HEIGHT_PX, NAMES_PX = 320, 130
SHARES = (0, 0.2, 0.4, 0.6, 0.8, 1)
TICKS = tuple(digit * 10**power for power in range(6) for digit in (1, 2, 5))
"""Where a logarithmic axis of tokens may be labelled."""
GAP = 0.08
"""Between two names, as a share of the axis of shares."""
NEAR = 1.6
"""Names whose places on the axis of tokens differ by a smaller factor would touch."""


def retrieval_figure(found: RetrievalFigures, k: int) -> Figure:
    """The three measures by how many passages are read; the sentence is of the present ``k``."""
    return Figure(
        key="retrieval_chart",
        chart=measures_chart(found),
        alt="Hit rate, recall and mean reciprocal rank by the number of passages read",
        takeaway=retrieval_takeaways.of_retrieval(found, k),
    )


def sweep_figure(points: Sequence[SweepPoint], present: Setting, advice: Recommendation) -> Figure:
    """The settings that were tried, the present and the recommended one marked."""
    return Figure(
        key="sweep_chart",
        chart=sweep_chart(points, present, advice),
        alt="Hit rate by tokens to read for each chunk size, with the present and the recommended setting",
        takeaway=advice.sentence,
    )


def measures_chart(found: RetrievalFigures) -> "alt.LayerChart | None":
    """A group of three points with intervals for each k; too few cases show as points alone."""
    if not found.at:
        return None
    import altair as alt

    values = [
        {"k": k, "measure": name, "value": rate.value, **bounds(rate), "label": write(rate.value)}
        for k, figures in found.at.items()
        for name, rate, write in (
            (HIT_RATE, figures.hit_rate, numbers.percent),
            (RECALL, figures.recall, numbers.percent),
            (MRR, figures.mrr, numbers.coefficient),
        )
    ]
    shares = alt.Axis(labelExpr="format(datum.value, '.0%')", values=list(SHARES))
    scale = alt.Scale(domain=[0, 1.1], nice=False)
    y = alt.Y("value:Q", title="Mean over questions", scale=scale, axis=shares)
    chart = alt.Chart(data(values)).encode(
        x=alt.X("k:O", title="Passages read (k)", axis=alt.Axis(labelAngle=0)),
        xOffset=alt.XOffset("measure:N", sort=list(MEASURES), scale=alt.Scale(paddingOuter=0.2)),
        color=alt.Color("measure:N", scale=alt.Scale(domain=list(MEASURES)), legend=None),
        tooltip=_tooltip("measure", "Measure"),
    )
    labels = chart.mark_text(dy=-14, fontSize=12).encode(y="high:Q", text="label:N", color=alt.value(BESIDE))
    layers = [
        _reach(chart),
        chart.mark_point(filled=True, size=130, opacity=1).encode(
            y=y, shape=alt.Shape("measure:N", scale=shape_scale(MEASURES), legend=None)
        ),
        labels,
        _names_beside([row for row in values if row["k"] == max(found.at)]),
    ]
    title = f"What the first k of {numbers.plural(found.chunks, 'passage')} hold"
    return alt.LayerChart(layer=layers).properties(
        title=title, height=HEIGHT_PX, padding={"left": 5, "top": 5, "bottom": 5, "right": NAMES_PX}
    )


def sweep_chart(
    points: Sequence[SweepPoint], present: Setting, advice: Recommendation
) -> "alt.LayerChart | None":
    """A line a chunk size from its smallest k on: what is read more, and what it finds more."""
    if not points:
        return None
    import altair as alt

    ordered = sorted(points, key=lambda point: point.setting)
    names = _size_names(ordered)
    values = _sweep_rows(ordered, names)
    # In steps of 5 %, so that the picture keeps its frame when little changes.
    bottom = floor(20 * (min(float(str(row["low"])) for row in values) - 2.5 * GAP)) / 20
    y = _hits_axis(bottom)
    sizes = alt.Scale(domain=list(names.values()))
    chart = alt.Chart(data(values)).encode(
        x=_tokens_axis(ordered),
        color=alt.Color("size:N", scale=sizes, legend=None),
        tooltip=[
            *_tooltip("size", "Passages of up to"),
            alt.Tooltip("k:Q", title="Passages read"),
            alt.Tooltip("read:N", title="Tokens read"),
        ],
    )
    dashes = alt.StrokeDash("size:N", scale=sizes, legend=None)
    shapes = alt.Shape("size:N", scale=shape_scale(list(names.values())), legend=None)
    layers = [
        _reach(chart),
        chart.mark_line().encode(y=y, strokeDash=dashes),
        chart.mark_point(filled=True, size=90, opacity=1).encode(y=y, shape=shapes),
        *_names_below(values, bottom),
        *_flags(ordered, present, advice),
    ]
    return alt.LayerChart(layer=layers).properties(
        title="What other passages would find (tuning questions)", height=HEIGHT_PX
    )


def _sweep_rows(points: Sequence[SweepPoint], names: dict[int, str]) -> list[dict[str, object]]:
    return [
        {
            "size": names[point.setting.chunk_tokens],
            "k": point.setting.k,
            "tokens": point.tokens_to_read,
            "value": point.hit_rate.value,
            **bounds(point.hit_rate),
            "label": numbers.percent(point.hit_rate.value),
            "read": numbers.count(point.tokens_to_read),
        }
        for point in points
    ]


def _size_names(points: Sequence[SweepPoint]) -> dict[int, str]:
    """What the lines are called, by chunk size in rising order."""
    sizes = sorted({point.setting.chunk_tokens for point in points})
    return {
        size: f"{SIZE_SHAPES[place % len(SIZE_SHAPES)]} {numbers.count(size)} tokens"
        for place, size in enumerate(sizes)
    }


def _tooltip(field: str, title: str) -> "list[alt.Tooltip]":
    import altair as alt

    return [
        alt.Tooltip(f"{field}:N", title=title),
        alt.Tooltip("label:N", title="Measured"),
        alt.Tooltip("said:N", title="95 % interval"),
    ]


def _reach(chart: "alt.Chart") -> "alt.Chart":
    """The lines from ``low`` to ``high``."""
    return chart.mark_rule(strokeWidth=3, opacity=0.5).encode(y="low:Q", y2="high:Q")


def _tokens_axis(points: Sequence[SweepPoint]) -> "alt.X":
    """Logarithmic: from 1 to 2 passages is as far as from 5 to 10, so that no chunk size is squeezed."""
    import altair as alt

    read = [point.tokens_to_read for point in points]
    low, high = 0.75 * min(read), 1.25 * max(read)
    ticks = [tick for tick in TICKS if low <= tick <= high]
    ks = ", ".join(numbers.count(k) for k in sorted({point.setting.k for point in points}))
    return alt.X(
        "tokens:Q",
        title=f"Tokens to read per question; along a line k = {ks}",
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=alt.Axis(values=ticks if len(ticks) > 1 else sorted({min(read), max(read)}), format=",.0f"),
    )


def _hits_axis(bottom: float) -> "alt.Y":
    """From some room below the lowest interval, for names, to some above 100 %, for flags."""
    import altair as alt

    return alt.Y(
        "value:Q",
        title="Hit rate",
        scale=alt.Scale(domain=[bottom, 1.25], nice=False, zero=False),
        axis=alt.Axis(
            labelExpr="format(datum.value, '.0%')", values=[share for share in SHARES if share > bottom + GAP]
        ),
    )


def _flag_places(
    points: Sequence[SweepPoint], marked: Sequence[SweepPoint]
) -> list[tuple[SweepPoint, int, bool]]:
    """For each flag its row, 0 or 1, and whether its words go right of its line: so that they stay within the
    picture and no line crosses the other's words.
    """
    read = [log(point.tokens_to_read) for point in points]
    wide = max(read) - min(read) or 1.0
    ordered = sorted(marked, key=lambda point: point.tokens_to_read)
    places = [(log(point.tokens_to_read) - min(read)) / wide for point in ordered]
    if not places:
        return []
    if places[-1] < 0.6:  # All words go right: the line farthest left reaches over the other.
        return [(point, len(ordered) - 1 - n, True) for n, point in enumerate(ordered)]
    return [(point, n, places[n] < 0.4) for n, point in enumerate(ordered)]


def _brief(setting: Setting) -> str:
    return f"{numbers.count(setting.k)} × {numbers.count(setting.chunk_tokens)} tokens"


def _names_beside(last: list[dict[str, object]]) -> "alt.Chart":
    """The measures' names right of the last group, as high as their points."""
    import altair as alt

    ends = apart(last[::-1], GAP)
    over = max(0.0, float(str(ends[-1]["at"])) - 1)
    ends = [{**end, "at": float(str(end["at"])) - over} for end in ends]
    return (
        alt.Chart(data(ends))
        .mark_text(align="left", dx=8, fontSize=13, color=BESIDE)
        .encode(x=alt.value("width"), y="at:Q", text="measure:N")
    )


def _names_below(values: Sequence[dict[str, object]], bottom: float) -> "list[alt.Chart]":
    """The chunk sizes' names under everything else, each below the first point of its line and tied to it;
    every other one higher where two are near.
    """
    import altair as alt

    firsts = list({str(row["size"]): row for row in reversed(values)}.values())
    placed: list[dict[str, object]] = []
    for row in sorted(firsts, key=lambda row: float(str(row["tokens"]))):
        last = placed[-1] if placed else None
        near = last is not None and float(str(row["tokens"])) < NEAR * float(str(last["tokens"]))
        raised = near and last is not None and last["at"] == bottom + GAP / 2
        placed.append({**row, "at": bottom + GAP / 2 + (GAP if raised else 0)})
    chart = alt.Chart(data(placed)).encode(x="tokens:Q")
    ties = chart.mark_rule(color=BESIDE, opacity=0.5, strokeDash=[1, 3]).encode(y="tie:Q", y2="low:Q")
    ties = ties.transform_calculate(tie=f"datum.at + {GAP / 2}")
    names = chart.mark_text(fontSize=12, color=BESIDE).encode(y="at:Q", text="size:N")
    return [ties, names]


def _flags(
    points: Sequence[SweepPoint], present: Setting, advice: Recommendation
) -> "list[alt.LayerChart | alt.Chart]":
    """A ring around the present and the recommended setting, and a line up to what they are."""
    import altair as alt

    said = {present: "now"}
    if advice.kind != "cannot_tell":
        said[advice.setting] = "now and recommended" if advice.setting == present else "recommended"
    marked = [point for point in points if point.setting in said]
    rows = [
        {
            "tokens": point.tokens_to_read,
            "value": point.hit_rate.value,
            "top": 1.1 + 0.09 * above,
            "text": f"{said[point.setting]}: {_brief(point.setting)}",
            "left": rightwards,
        }
        for point, above, rightwards in _flag_places(points, marked)
    ]
    chart = alt.Chart(data(rows)).encode(x="tokens:Q")
    ring = chart.mark_point(size=330, strokeWidth=2, color=BESIDE, opacity=1).encode(y="value:Q")
    up = chart.mark_rule(strokeDash=[3, 3], color=BESIDE).encode(y="value:Q", y2="top:Q")
    words = []
    for left in (True, False):
        side = chart.transform_filter(f"datum.left == {str(left).lower()}")
        text = side.mark_text(
            align="left" if left else "right", dx=6 if left else -6, fontSize=12, color=BESIDE
        )
        words.append(text.encode(y="top:Q", text="text:N"))
    return [ring, up, *words] if rows else []
