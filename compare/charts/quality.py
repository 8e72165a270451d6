"""Who is right and by how much: shares and differences with their intervals, where results vary, drift."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from compare import numbers
from compare.charts.bars import stacked
from compare.charts.look import BESIDE, apart, bounds, colour, data, intervals, marked, shape
from compare.lane_names import lane_title
from compare.statistics import ONE_CASE, Difference, Estimate
from compare.variance import VarianceSplit

if TYPE_CHECKING:
    import altair as alt

VARIANCE_PARTS = ("from the question", "from asking again")
SHARES = (-0.02, 1.06)
"""The axis of shares: what stands at 0 or 100 % has room beside it."""
LINE_PX = 300


def rate_chart(
    rates: Mapping[str, Estimate | None], *, title: str, axis: str, once: bool, bar: float | None = None
) -> "alt.LayerChart | None":
    """Each lane's share with its interval; too few cases show as the point alone, with its counts where each
    was asked ``once``. A ``bar`` that is to be met stands as a line.
    """
    found = {lane: rate for lane, rate in rates.items() if rate is not None}
    values = [
        marked(lane, value=rate.value, **bounds(rate), label=_rate_label(rate, once=once))
        for lane, rate in found.items()
    ]
    return intervals(list(found), values, title=title, axis=axis, domain=SHARES, line=bar)


def difference_chart(
    gains: Mapping[str, Difference | None], *, title: str, axis: str
) -> "alt.LayerChart | None":
    """Each lane's gain over another with its interval; right of the line is better."""
    found = {lane: gain for lane, gain in gains.items() if gain is not None}
    values = [
        marked(lane, value=gain.value, **bounds(gain), label=_gain_label(gain))
        for lane, gain in found.items()
    ]
    reach = max((abs(bound) for gain in found.values() for bound in (gain.low, gain.high)), default=0.1)
    reach = min(1.0, max(0.1, 1.1 * reach))
    return intervals(list(found), values, title=title, axis=axis, domain=(-reach, reach), line=0, signed=True)


def variance_chart(splits: Mapping[str, VarianceSplit | None]) -> "alt.LayerChart | None":
    """Each lane's variance, split between the questions and asking again; None where that is not known."""
    figures = {
        lane_title(lane): (found.case, found.repeat)
        for lane, found in splits.items()
        if found is not None and found.repeat is not None and found.repeat_share is not None
    }
    return stacked(
        figures,
        VARIANCE_PARTS,
        title="Where results vary",
        axis="Variance of right (1) and wrong (0)",
        write=lambda value: f"{value:.3f}",
    )


def drift_chart(
    stretches: Mapping[str, Sequence[tuple[float, float, int]]], *, axis: str
) -> "alt.LayerChart | None":
    """Each lane's share over the repeats, in the order in which they were asked."""
    import altair as alt

    lanes = [lane for lane, found in stretches.items() if len(found) > 1]
    if not lanes:
        return None
    values = [
        marked(lane, place=place, value=value, n=f"{n:,}", label=numbers.percent(value))
        for lane in lanes
        for place, value, n in stretches[lane]
    ]
    last = max(place for lane in lanes for place, _, _ in stretches[lane])
    chart = alt.Chart(data(values)).encode(
        x=alt.X(
            "place:Q",
            title="Which answer to the question",
            scale=alt.Scale(domain=[1, last * 1.02], nice=False),
            axis=alt.Axis(tickMinStep=1, format="d"),
        ),
        y=alt.Y("value:Q", title=axis, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%")),
        color=colour(),
        detail="lane:N",
        tooltip=[
            alt.Tooltip("lane:N", title="Approach"),
            alt.Tooltip("place:Q", title="Answer number"),
            alt.Tooltip("label:N", title="Share"),
            alt.Tooltip("n:N", title="Answers"),
        ],
    )
    ends = [marked(lane, place=stretches[lane][-1][0], value=stretches[lane][-1][1]) for lane in lanes]
    names = (
        alt.Chart(data(apart(ends)))
        .mark_text(align="left", dx=10, color=BESIDE)
        .encode(x="place:Q", y="at:Q", text="lane:N")
    )
    points = chart.mark_point(filled=True, size=90, opacity=1).encode(shape=shape(lanes))
    layers = alt.LayerChart(layer=[chart.mark_line(), points, names])
    return layers.properties(title="Over the repeats", height=LINE_PX, padding={"right": 150})


def _rate_label(rate: Estimate, *, once: bool) -> str:
    if rate.enough or rate.method == ONE_CASE:
        return numbers.percent(rate.value)
    if once:
        return f"{numbers.share(round(rate.value * rate.cases), rate.cases)} cases"
    return f"{numbers.percent(rate.value)}, only {numbers.plural(rate.cases, 'case')}"


def _gain_label(gain: Difference) -> str:
    few = "" if gain.enough else f", only {numbers.plural(gain.cases, 'case')}"
    return f"{numbers.change(gain.value)}{few}"
