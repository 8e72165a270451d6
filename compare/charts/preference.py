"""How often each lane is preferred over the others."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from compare import numbers
from compare.charts.look import FRAME_PX, ROW_PX, intervals, marked
from compare.ratings import Standing

if TYPE_CHECKING:
    import altair as alt

DOMAIN = (-0.02, 1.06)


def preference_chart(standings: Sequence[Standing]) -> "alt.LayerChart | None":
    """Each lane's chance to be preferred over another one, with its interval where there are cases enough."""
    values = [
        marked(
            one.lane,
            value=one.preferred,
            low=one.low if one.enough else one.preferred,
            high=one.high if one.enough else one.preferred,
            said=numbers.percent_range(one.low, one.high) if one.enough else "too few cases",
            label=numbers.percent(one.preferred),
        )
        for one in standings
    ]
    chart = intervals(
        [one.lane for one in standings],
        values,
        title="How often preferred over another approach",
        axis="Chance to be preferred (Bradley and Terry's model of the votes)",
        domain=DOMAIN,
    )
    return None if chart is None else chart.properties(height=ROW_PX * len(standings) + FRAME_PX)
