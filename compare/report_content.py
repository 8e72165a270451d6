"""What a report consists of, before it is a file: sections of texts, tables, lists and charts. Plain text
everywhere; ``report_html.py`` and ``report_markdown.py`` write it down.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    import altair as alt

Look = Literal["plain", "lead", "note", "soft"]
"""``lead`` is what a section says first and loudest; ``note`` a warning; ``soft`` what explains."""
LONGEST = 320
"""Characters of a question or answer that stands as an example."""
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")
"""They would turn what stands around them round."""


@dataclass(frozen=True, kw_only=True)
class Text:
    """A paragraph."""

    kind: ClassVar[str] = "text"

    text: str
    look: Look = "plain"


@dataclass(frozen=True, kw_only=True)
class Items:
    """A list of sentences."""

    kind: ClassVar[str] = "items"

    items: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """``rows`` hold as many cells as there are ``columns``; the first cell names its row."""

    kind: ClassVar[str] = "table"

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A chart, what it says, and its data; ``alt`` says what it is to people who can't see it."""

    kind: ClassVar[str] = "picture"

    key: str
    chart: "alt.LayerChart | alt.Chart | None"
    alt: str
    takeaway: str
    figures: Table


Block = Text | Items | Table | Picture


@dataclass(frozen=True, kw_only=True)
class Section:
    """``source`` is the command that computes the section's figures again."""

    key: str
    title: str
    blocks: tuple[Block, ...]
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Report:
    """``stamp`` is what it can be made again from, as JSON; ``run_link`` leads to its run, maybe empty."""

    title: str
    about: str
    run_id: str
    run_link: str
    sections: tuple[Section, ...]
    stamp: str


def table_of(caption: str, rows: Sequence[Mapping[str, str]]) -> tuple[Table, ...]:
    """Rows of one set of columns as a table; none without rows."""
    if not rows:
        return ()
    columns = tuple(rows[0])
    return (
        Table(
            caption=caption, columns=columns, rows=tuple(tuple(row[name] for name in columns) for row in rows)
        ),
    )


def quoted(text: str) -> str:
    """A question or an answer as it stands inside a report: on one line, cut where it is long."""
    line = " ".join(plain(text).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 2].rstrip()} …"


def plain(text: str) -> str:
    """A text whose control characters are seen, not obeyed; white space stays."""
    return "".join(_seen(character) for character in text)


def _seen(character: str) -> str:
    if character in "\t\n\r" or character == " ":
        return character
    strange = unicodedata.category(character) in ("Cc", "Cs", "Co", "Cn") or character in _TURNING
    return "\ufffd" if strange else character


def cleaned(report: Report) -> Report:
    """The same report with nothing in its texts that a page or a terminal would obey."""
    return _cleaned(report)  # type: ignore[return-value]


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, tuple):
        return tuple(map(_cleaned, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: _cleaned(getattr(value, one.name)) for one in fields(value)})
    return value
