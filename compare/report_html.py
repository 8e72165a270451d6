"""A report as one HTML file that opens anywhere, on a screen and on paper."""

import re

from compare.charts.svg import svg
from compare.html_pages import page
from compare.report_content import Picture, Report

LONG_WORD = 24
_SPOKEN = re.compile(r' (?:aria-[a-z]+|role)="[^"]*"')
"""What the parts of a drawing would say: as one picture with its figures below it they are silent."""
_BRACKET = re.compile(r"\([^()]{1,16}\)")
_UNIT = re.compile(r"(?<=\d) (?=(?:%|s|points?)(?!\w))")


def report_html(report: Report) -> str:
    """The file; the same bytes for the same report."""
    return "".join(
        page("report.html", title=report.title, report=report, firm=_firm, drawn=_drawn, unbroken=_unbroken)
    )


def _unbroken(text: str) -> bool:
    """Whether a word is so long that it must be broken somewhere."""
    return any(len(word) > LONG_WORD for word in text.split())


def _drawn(picture: Picture) -> str:
    return "" if picture.chart is None else _SPOKEN.sub("", svg(picture.chart))


def _firm(text: str) -> str:
    """A text whose numbers keep their units, and short brackets what stands in them, when a line breaks."""
    return _BRACKET.sub(lambda found: found[0].replace(" ", "\u00a0"), _UNIT.sub("\u00a0", text))
