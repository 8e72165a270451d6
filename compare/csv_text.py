"""The bytes of an uploaded file as text, and a table's as rows: encoding, delimiter, lines. Knows no cases.

What Excel and its like make of a table is taken as it comes: byte-order marks, UTF-16, Windows-1252,
semicolons, tabs, a ``sep=`` line, trailing empty columns.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backends.errors import BadInput

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_LINES = 50
_SAVE_AS = "Save it as “CSV UTF-8” first (in Excel: File, Save as)."
_MAGIC = (
    (b"PK\x03\x04", "an Excel or other zipped file (.xlsx), whatever its name says"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file (.xls), whatever its name says"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a compressed file (gzip)"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"SQLite format 3", "a database"),
)
csv.field_size_limit(2**31 - 1)
"""The whole process's: a long cell is a problem of its row, not of the file."""


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """A file's text. ``odd_lines`` are its lines (from 1) that were in another encoding than the rest."""

    text: str
    encoding: str
    odd_lines: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Table(Decoded):
    """A decoded table."""

    delimiter: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row: the line of the file on which it begins (from 1), and its cells, or why it can't be read."""

    line: int
    cells: tuple[str, ...]
    problem: str = ""


def read_text(data: bytes, most_mb: int, *, wanted: str, empty: str) -> Decoded:
    """Decode; ``wanted`` ("a CSV file") and ``empty``, a remedy, are for the sentences of errors.

    Raises:
        BadInput: it is too large, empty, or no text.
    """
    if len(data) > most_mb * 1_000_000:
        raise BadInput(
            f"The file has {len(data) / 1e6:,.1f} MB; at most {most_mb:,} MB are read.",
            "Split it, or raise LEVER_MAX_UPLOAD_MB.",
        )
    for magic, what in _MAGIC:
        if data.startswith(magic):
            raise BadInput(f"This is {what}, not {wanted}.", _SAVE_AS)
    text, encoding, odd = _decoded(data)
    if "\0" in text:
        raise BadInput("The file holds NUL bytes, so it is no text.", _SAVE_AS)
    if not text.strip():
        raise BadInput("The file is empty.", empty)
    return Decoded(text=text, encoding=encoding, odd_lines=odd)


def read_table(data: bytes, most_mb: int) -> Table:
    """Decode, and find the delimiter.

    Raises:
        BadInput: it is too large, empty, or no text.
    """
    empty = "Its first line must name the columns; query is the one needed."
    found = read_text(data, most_mb, wanted="a CSV file", empty=empty)
    text, encoding, odd = found.text, found.encoding, found.odd_lines
    first, _, rest = text.partition("\n")
    if first.strip().lower().startswith("sep=") and len(first.strip()) == 5:
        return Table(text="\n" + rest, encoding=encoding, delimiter=first.strip()[4], odd_lines=odd)
    return Table(text=text, encoding=encoding, delimiter=_delimiter(text), odd_lines=odd)


def rows_of(table: Table) -> Iterator[Row]:
    """The table's rows, header first; empty ones are left out."""
    reader = csv.reader(io.StringIO(table.text, newline=""), delimiter=table.delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(line=line, cells=(), problem=_quoting(str(error)))
            continue
        if any(cell.strip() for cell in cells):
            yield Row(line=line, cells=tuple(cells))


def _quoting(error: str) -> str:
    if "unexpected end of data" in error:
        return "a double quote is opened and never closed"
    return "a double quote stands where none may stand"


def _decoded(data: bytes) -> tuple[str, str, frozenset[int]]:
    """Text, the name of its encoding, and the lines that had another one."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16"), "utf-16", frozenset()
        except UnicodeDecodeError as error:
            raise BadInput("The file begins as UTF-16 and is not.", _SAVE_AS) from error
    try:
        text = data.decode("utf-8-sig")
        return text, "utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "utf-8", frozenset()
    except UnicodeDecodeError:
        return _windows(data)


def _windows(data: bytes) -> tuple[str, str, frozenset[int]]:
    """Windows-1252, as a whole or, in a file that is UTF-8 elsewhere, of the lines that are not."""
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    decoded, odd, others = [], [], 0
    for number, line in enumerate(lines, start=1):
        try:
            decoded.append(line.decode("utf-8"))
            others += not line.isascii()
        except UnicodeDecodeError:
            decoded.append(_one_byte(line))
            odd.append(number)
    if not others:  # Not one line that only UTF-8 explains.
        return "\n".join(decoded), "cp1252", frozenset()
    return "\n".join(decoded), "utf-8, partly cp1252", frozenset(odd)


def _one_byte(line: bytes) -> str:
    try:
        return line.decode("cp1252")
    except UnicodeDecodeError as error:
        raise BadInput("The file is in no encoding that is known here.", _SAVE_AS) from error


def _delimiter(text: str) -> str:
    """The one that splits the first lines into most columns, equally many in each as far as possible."""
    sample = text[: 1 << 16].splitlines(keepends=True)[:SAMPLE_LINES]

    def score(delimiter: str) -> tuple[int, int]:
        widths = _widths(sample, delimiter)
        like_the_first = sum(width == widths[0] for width in widths) if widths else 0
        return (like_the_first if widths and widths[0] > 1 else 0, widths[0] if widths else 0)

    return max(DELIMITERS, key=score)


def _widths(sample: Sequence[str], delimiter: str) -> list[int]:
    try:
        return [len(row) for row in csv.reader(sample, delimiter=delimiter) if row]
    except csv.Error:
        return []
