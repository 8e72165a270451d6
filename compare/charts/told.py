"""What the mouse would say of a chart's marks, as rows of a table, where there is no mouse."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair as alt


def told(chart: "alt.LayerChart | alt.Chart") -> list[dict[str, str]]:
    """One row a mark of the first layer with a tooltip, by the titles that it shows; none without one."""
    spec = chart.to_dict()
    for layer, values in _layers(spec, spec.get("datasets", {}), []):
        tooltip = layer.get("encoding", {}).get("tooltip")
        if isinstance(tooltip, list) and values:
            rows = [{one["title"]: str(row.get(one["field"], "")) for one in tooltip} for row in values]
            return list({tuple(row.items()): row for row in rows}.values())
    return []


def _layers(
    spec: Mapping[str, Any], datasets: Mapping[str, Any], inherited: list[dict[str, Any]]
) -> Iterator[tuple[Mapping[str, Any], list[dict[str, Any]]]]:
    """Each layer with its data; one without data of its own has that of what it stands in."""
    data = spec.get("data", {})
    own = data.get("values") or datasets.get(data.get("name", "")) or inherited
    yield spec, own
    for layer in spec.get("layer", ()):
        yield from _layers(layer, datasets, own)
