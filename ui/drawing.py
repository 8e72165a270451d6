"""How a chart comes onto the page."""

import streamlit as st

from compare.charts.look import Figure
from ui.text import safe


def draw(figure: Figure | None, *, stretch: bool = True) -> None:
    """Put a figure on the page, if there is one: the chart below its takeaway."""
    if figure is None:
        return
    with st.container(key=figure.key):
        if figure.takeaway:
            st.markdown(f"**{safe(figure.takeaway)}**")
        if figure.chart is not None:
            width = "stretch" if stretch else "content"
            st.altair_chart(figure.chart, key=f"{figure.key}_drawn", alt=figure.alt, width=width)
