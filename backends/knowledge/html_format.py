"""What an HTML page shows, block by block, as in :mod:`backends.knowledge.formats`. Nothing is fetched."""

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from backends.knowledge.formats import UNSEEN, Unreadable, folded, rows_said

if TYPE_CHECKING:
    from bs4 import Tag

_BREAK, _END = "\0", "\x08"
"""The ends of blocks in the text of a page, which can't have them itself: ``UNSEEN`` takes them out."""
_PREFIXES = {_END: "", "\x07": "- "} | {chr(level): "#" * level + " " for level in range(1, 7)}
_MARKS = {"title": "\x01", "li": "\x07"} | {f"h{level}": chr(level) for level in range(1, 7)}
_LEFT_OUT = {"script", "style", "noscript", "template", "svg", "iframe"}
_ALSO_BLOCKS = {"body", "br", "caption", "legend", "option", "summary", "td", "th", "title", "tr"}
_ANY_MARK = re.compile("[\0-\x08]")
_CELL = ["td", "th"]
_NO_DATA = ["table", "h1", "h2", "h3", "h4", "h5", "h6"]
"""A table that holds one of these lays out a page."""
_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_WESTERN = {"iso-8859-1", "latin-1", "latin1", "ascii", "us-ascii"}
"""Browsers read what declares these as Windows' Western encoding, which has quotes and dashes too."""
_NO_PAGE = (b"%PDF", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How PDF, zipped and old Office files begin."""
_MOST_SPAN = 1_000


def html_blocks(data: bytes) -> Iterator[str]:
    """The title, headings, paragraphs, list items and table rows that a page shows.

    Raises:
        Unreadable: it is no text, or something else under this name.
    """
    from bs4 import BeautifulSoup
    from bs4.dammit import EncodingDetector, UnicodeDammit

    declared = EncodingDetector.find_declared_encoding(data, is_html=True)
    first = "windows-1252" if declared in _WESTERN else declared or "utf-8"
    page = UnicodeDammit(data, user_encodings=[first, "utf-8", "windows-1252"], is_html=True).unicode_markup
    if page is None or "\0" in page or data.startswith(_NO_PAGE):
        raise Unreadable("it is no HTML page")
    prefix = ""
    for piece in "".join(_html_said(BeautifulSoup(page, "html.parser"))).split(_BREAK):
        prefix = _PREFIXES.get(piece[:1], prefix)
        said = folded(piece)
        if said:
            yield f"{prefix}{said}"
            prefix = ""


def _html_said(root: "Tag") -> Iterator[str]:
    """The visible text with marks around blocks; no recursion, as tags may nest as deep as they like."""
    from bs4 import NavigableString, Tag

    ahead: list[object] = [*reversed(root.contents)]
    while ahead:
        node = ahead.pop()
        if type(node) is str:  # a mark of ours, which came here with its block
            yield node
        elif type(node) is NavigableString:  # and no comment, which is a kind of it
            yield UNSEEN.sub("", node)
        elif isinstance(node, Tag) and not _is_hidden(node):
            if node.name == "table" and _is_data(node):
                for said in (_line(node.caption), *_table_said(node)):
                    yield f"{_BREAK}{said}{_BREAK}"
            else:
                mark = _MARKS.get(node.name, "")
                edge = _BREAK if mark or node.name in _blocks() else ""
                yield edge + mark
                ahead.append(edge + (_END if mark else ""))
                ahead += reversed(node.contents)


@cache
def _blocks() -> set[str]:
    from bs4.builder import HTMLTreeBuilder

    return HTMLTreeBuilder.DEFAULT_BLOCK_ELEMENTS | _ALSO_BLOCKS


def _is_hidden(tag: "Tag") -> bool:
    return tag.name in _LEFT_OUT or tag.has_attr("hidden") or bool(_HIDING.search(str(tag.get("style", ""))))


def _is_data(table: "Tag") -> bool:
    """It lays out no page, and has rows of cells that are closed (else each holds all that come after it)."""
    if table.find(_NO_DATA):
        return False
    cell = table.find(_CELL)
    return cell is not None and cell.find_parent("tr") is not None and cell.find(["tr", *_CELL]) is None


def _line(tag: "Tag | None") -> str:
    return folded(_ANY_MARK.sub(" ", "".join(_html_said(tag)))) if tag else ""


def _table_said(table: "Tag") -> Iterator[str]:
    """The rows; a cell over several rows says the same in each of them."""
    lines = [line for line in table.find_all("tr") if not _is_hidden(line)]
    rows: list[dict[int, str]] = []
    tall: dict[int, tuple[str, int]] = {}
    for line in lines:
        row = {column: text for column, (text, _) in tall.items()}
        tall = {column: (text, left - 1) for column, (text, left) in tall.items() if left > 1}
        column = 0
        for cell in _cells(line):
            while column in row:
                column += 1
            text, height = _line(cell), _span(cell, "rowspan")
            for covered in range(column, column + _span(cell, "colspan")):
                row[covered] = text if covered == column else ""
                if height > 1:
                    tall[covered] = (row[covered], height - 1)
        rows.append(row)
    named = bool(lines) and all(cell.name == "th" for cell in _cells(lines[0]))
    return rows_said(rows, named=named)


def _cells(line: "Tag") -> list["Tag"]:
    return [cell for cell in line.find_all(_CELL) if not _is_hidden(cell)]


def _span(cell: "Tag", attribute: str) -> int:
    said = str(cell.get(attribute, ""))
    return max(1, min(int(said), _MOST_SPAN)) if said.isascii() and said.isdigit() and len(said) < 9 else 1
