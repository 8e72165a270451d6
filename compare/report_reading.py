"""A report's file as a reader sees it: line by line and cell by cell, each with its place."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

from backends.errors import BadInput
from compare.report_markdown import STAMP, unescaped

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag
    from bs4.element import PageElement

META = "lever-report"
_LINES = frozenset({"p", "li", "h1", "h2", "h3", "caption", "figcaption", "summary", "title", "text", "tr"})
"""What a reader takes for one line; a row of a table is one of several cells."""
_RULE = re.compile(r"\|(?: --- \|)+")
_CELLS = re.compile(r"(?<!\\)\|")
_BEFORE, _AFTER = STAMP.split("{}")


@dataclass(frozen=True, kw_only=True)
class Line:
    """``cells`` are one text, or those of a table's row; ``section``, ``part`` (a table's caption) and
    ``columns`` say where. ``drawn`` says that it is no text but how the page is made or a chart drawn.
    """

    cells: tuple[str, ...]
    section: str = field(default="", compare=False)
    part: str = field(default="", compare=False)
    columns: tuple[str, ...] = field(default=(), compare=False)
    drawn: bool = False


@dataclass(frozen=True, kw_only=True)
class Reading:
    """``stamp`` is the line that the report can be made again from."""

    stamp: str
    lines: tuple[Line, ...]


def read_report(text: str, name: str, *, html: bool) -> Reading:
    """A file's text; ``name`` is the file's.

    Raises:
        BadInput: it is no report, or more than one.
    """
    stamps, lines = _html(text) if html else _markdown(text)
    if len(stamps) != 1:
        raise BadInput(
            f"{name} is no decision report, or only a part of one.", "Give a file that “report --out” wrote."
        )
    return Reading(stamp=stamps[0], lines=tuple(lines))


def _html(text: str) -> tuple[list[str], list[Line]]:
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(text, "html.parser")
    stamps = [str(tag.get("content", "")) for tag in soup.find_all("meta", attrs={"name": META})]
    return stamps, [*_Page().lines(soup), *_made(soup)]


class _Page:
    """Walks through a page and remembers where it is."""

    def __init__(self) -> None:
        self.section = self.part = ""
        self.columns: tuple[str, ...] = ()

    def lines(self, node: "BeautifulSoup | Tag") -> Iterator[Line]:
        from bs4 import NavigableString, Tag

        for child in node.children:
            if isinstance(child, Tag) and child.name == "style":
                continue
            if isinstance(child, Tag) and child.name not in _LINES:
                if child.name == "table":
                    self.columns = ()
                if child.name == "figure":
                    self.part = _said(child.find("figcaption"))
                if label := child.get("aria-label"):
                    yield self._line((str(label),))
                yield from self.lines(child)
            elif isinstance(child, Tag):
                yield self._of(child)
            elif type(child) is NavigableString and child.strip():
                yield self._line((" ".join(child.split()),))

    def _of(self, tag: "Tag") -> Line:
        if tag.name == "tr":
            cells = tuple(_said(cell) for cell in tag.find_all(("th", "td")))
            stray = _said(tag)
            line = self._line(cells if stray == " ".join(filter(None, cells)) else (stray,))
            self.columns = self.columns or cells
            return line
        said = _said(tag)
        if tag.name == "h2":
            self.section, self.part, self.columns = said, "", ()
        elif tag.name == "caption":
            self.part = said
        elif tag.name == "p":
            self.part, self.columns = "", ()
        return self._line((said,))

    def _line(self, cells: tuple[str, ...]) -> Line:
        columns = self.columns if len(cells) == len(self.columns) else ()
        return Line(cells=cells, section=self.section, part=self.part, columns=columns)


def _said(node: "PageElement | None") -> str:
    return "" if node is None else " ".join(node.get_text(" ").split())


def _made(soup: "BeautifulSoup") -> Iterator[Line]:
    """Each element without its text, so that nothing is hidden, moved or drawn otherwise unseen."""
    from bs4 import NavigableString, Tag

    section = part = ""
    for node in soup.descendants:
        if isinstance(node, Tag):
            if node.name == "h2":
                section, part = _said(node), ""
            elif node.name in ("figure", "table"):
                part = _said(node.find(("figcaption", "caption")))
            if node.name == "meta" and node.get("name") == META:
                continue
            values = (
                f' {key}="{escape(value if isinstance(value, str) else " ".join(value))}"'
                for key, value in sorted(node.attrs.items())
                if key != "aria-label"
            )
            style = " ".join(node.get_text().split()) if node.name == "style" else ""
            said = f"<{node.name}{''.join(values)}>{style}"
            yield Line(cells=(said,), section=section, part=part, drawn=True)
        elif type(node) is not NavigableString and not _in_style(node):
            yield Line(cells=(f"<!{' '.join(str(node).split())}>",), section=section, part=part, drawn=True)


def _in_style(node: "PageElement") -> bool:
    return node.parent is not None and node.parent.name == "style"


def _markdown(text: str) -> tuple[list[str], list[Line]]:
    stamps: list[str] = []
    lines: list[Line] = []
    section = before = ""
    columns: tuple[str, ...] = ()
    for written in filter(None, map(str.strip, text.splitlines())):
        if written.startswith(_BEFORE) and written.endswith(_AFTER):
            stamps.append(written[len(_BEFORE) : -len(_AFTER)])
        elif written.startswith("|"):
            if columns and _RULE.fullmatch(written):
                continue
            cells = tuple(unescaped(cell.strip()) for cell in _CELLS.split(written)[1:-1])
            lines.append(Line(cells=cells, section=section, part=before.strip("*"), columns=columns))
            columns = columns or cells
        else:
            before, columns = unescaped(written), ()
            section = before.removeprefix("## ") if written.startswith("## ") else section
            lines.append(Line(cells=(before,), section=section))
    return stamps, lines
