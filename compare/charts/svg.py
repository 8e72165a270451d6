"""A chart as a picture inside a file: SVG, made without a browser and without the network."""

import tomllib
from functools import lru_cache
from typing import TYPE_CHECKING

from backends.settings import ROOT

if TYPE_CHECKING:
    import altair as alt

WIDTH_PX = 560
FONT = "Arial, Helvetica, sans-serif"
"""Their widths are known where the picture is made, so that its words keep their distance."""


def svg(chart: "alt.LayerChart | alt.Chart") -> str:
    """The chart on white, as wide as half of a printed page or a laptop's screen, in the app's colours."""
    import altair as alt
    import vl_convert

    with alt.data_transformers.disable_max_rows():
        spec = chart.to_dict()
    spec.setdefault("width", WIDTH_PX)
    return str(vl_convert.vegalite_to_svg(spec, config=_config(), allowed_base_urls=[]))


@lru_cache(maxsize=1)
def _config() -> dict[str, object]:
    """What Streamlit's theme does on the page."""
    theme = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]["light"]
    text, line = theme["textColor"], theme["borderColor"]
    words = {"labelColor": text, "titleColor": text, "titleFontWeight": "normal", "titleFontSize": 12}
    return {
        "background": "transparent",
        "font": FONT,
        "range": {"category": theme["chartCategoricalColors"]},
        "title": {"color": text, "anchor": "start", "fontSize": 14, "fontWeight": "normal"},
        "axis": {**words, "labelFontSize": 12, "gridColor": line, "domainColor": line, "tickColor": line},
        "legend": {**words, "labelFontSize": 12, "columnPadding": 24},
        "view": {"stroke": "transparent"},
    }
