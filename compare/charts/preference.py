"""How often each lane is preferred over the others."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from compare import numbers
from compare.charts.look import intervals, marked
from compare.charts.quality import SHARES
from compare.ratings import Standing

if TYPE_CHECKING:
    import altair as alt


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
    return intervals(
        [one.lane for one in standings],
        values,
        title="How often preferred over another approach",
        axis="Chance to be preferred (Bradley and Terry's model of the votes)",
        domain=SHARES,
    )
