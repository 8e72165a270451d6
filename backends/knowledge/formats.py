"""What a PDF and a Word document (.docx) say, block by block.

A block is one line: "# Title", "- item", a row "column: value; column: value." or a paragraph. Nothing here
is safe against a hostile document by itself; see :mod:`backends.knowledge.extraction`.
"""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docx.oxml.xmlchemy import BaseOxmlElement
    from docx.styles.style import BaseStyle

MOST_UNPACKED_MB = 200
_OLE = b"\xd0\xcf\x11\xe0"
UNSEEN = re.compile("[\0-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\ufeff]")
_LEADING_MARKS = re.compile(r"(?:#+(?=\s|$)|`{3,}|\s)+")
_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"})
_LINE_END_HYPHEN = re.compile(r"([^\W\d_])-\n(?=([^\W\d_]))")
_FULL_LINE = 0.6
"""A line shorter than this part of the page's longest one is the last of its paragraph."""
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_TAKEN_OUT = {"del", "moveFrom", "Fallback"}
"""Changed away by an editor, or a second copy of a drawing for old programs."""
_SPOKEN = {"tab": " ", "br": " ", "cr": " ", "p": " ", "noBreakHyphen": "-"}


class Unreadable(Exception):
    """The text is a short lower-case reason that fits after "contract.pdf: ", such as "it is encrypted"."""


def folded(text: str) -> str:
    """The text as one line that is no heading and opens no code block, without what can't be seen."""
    paired = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    line = " ".join(UNSEEN.sub("", paired).split())
    marks = _LEADING_MARKS.match(line)
    return line[marks.end() :] if marks else line


def rows_said(rows: Sequence[Mapping[int, str]], *, named: bool) -> Iterator[str]:
    """Rows of column -> text as lines; ``named`` says that the first row holds the columns' names."""
    names = rows[0] if named and len(rows) > 1 else {}
    for row in rows[1:] if names else rows:
        cells = [(names.get(column, ""), text) for column, text in sorted(row.items()) if text]
        between = ": " if len(cells) == 2 and not names else "; "
        said = folded(between.join(f"{name}: {text}" if name else text for name, text in cells))
        if said:
            yield said if said.endswith((".", "!", "?")) else f"{said}."


def pdf_blocks(data: bytes) -> Iterator[str]:
    """The paragraphs of a PDF; a document that opens without a password is read, whatever it forbids.

    Raises:
        Unreadable: it needs a password, or unpacks to more than pypdf allows.
    """
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, FileNotDecryptedError, LimitReachedError

    pages: list[list[str]] = []
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable("it is encrypted")
        for page in reader.pages:
            paragraphs = _pdf_paragraphs(page.extract_text())
            if pages and paragraphs and _goes_on(pages[-1][-1], paragraphs[0]):
                paragraphs[0] = f"{pages[-1].pop()}\n{paragraphs[0]}"
            pages += [paragraphs] if paragraphs else []
    except (FileNotDecryptedError, DependencyError, NotImplementedError) as error:
        raise Unreadable("it is encrypted") from error
    except LimitReachedError as error:
        raise Unreadable("it unpacks to more than is safe to read") from error
    for paragraph in (paragraph for page in pages for paragraph in page):
        yield folded(_unbroken(paragraph.translate(_LIGATURES)))


def _pdf_paragraphs(page: str) -> list[str]:
    lines = [line.strip() for line in page.splitlines()]
    full = _FULL_LINE * max(map(len, lines), default=0)
    paragraphs: list[list[str]] = [[]]
    for line in lines:
        paragraphs[-1] += [line] if line else []
        if len(line) < full and not line.endswith(("-", "\xad")):
            paragraphs.append([])
    return ["\n".join(paragraph) for paragraph in paragraphs if paragraph]


def _goes_on(last: str, first: str) -> bool:
    """A paragraph was cut by the end of a page."""
    return first[0].islower() and not last.endswith((".", "!", "?", ":"))


def _unbroken(paragraph: str) -> str:
    """Words that were hyphenated at the ends of lines are whole again."""

    def joined(match: re.Match[str]) -> str:
        return match[1] if match[1].islower() and match[2].islower() else f"{match[1]}-"

    return _LINE_END_HYPHEN.sub(joined, paragraph.replace("\xad\n", ""))


def docx_blocks(data: bytes) -> Iterator[str]:
    """The headings, paragraphs, list items and table rows of a Word document's body.

    Raises:
        Unreadable: it is something else, encrypted, or would unpack to more than ``MOST_UNPACKED_MB``.
    """
    import docx
    from docx.text.paragraph import Paragraph

    _check_package(data)
    try:
        document = docx.Document(io.BytesIO(data))
    except ValueError as error:  # python-docx's for the main part of an Excel file
        raise Unreadable("it is no Word document (.docx)") from error
    prefixes: dict[str | None, str | None] = {}
    for element in _docx_parts(document.element.body):
        if element.tag == f"{_W}tbl":
            named = element.xpath("string(./w:tblPr/w:tblLook/@w:firstRow)") not in ("0", "false")
            yield from rows_said(_docx_rows(element), named=named)
            continue
        style = element.style
        if style not in prefixes:
            prefixes[style] = _docx_prefix(Paragraph(element, document).style)
        prefix = prefixes[style]
        if prefix == "" and element.xpath("./w:pPr/w:numPr"):
            prefix = "- "
        said = folded("".join(_docx_said(element)))
        if said and prefix is not None:
            yield f"{prefix}{said}"


def _check_package(data: bytes) -> None:
    if data.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise Unreadable("it is encrypted")
        if "WordDocument".encode("utf-16-le") in data:
            raise Unreadable("it is an old Word document (.doc); save it as .docx")
        raise Unreadable("it is encrypted or an old Office file, not a Word document (.docx)")
    if not data.startswith(b"PK"):
        raise Unreadable("it is no Word document (.docx)")
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        members = package.infolist()
    if sum(member.file_size for member in members) > MOST_UNPACKED_MB * 1_000_000:
        raise Unreadable(f"it unpacks to more than {MOST_UNPACKED_MB} MB")
    if any(member.flag_bits & 1 for member in members):
        raise Unreadable("it is encrypted")
    if not any(member.filename.startswith("word/") for member in members):
        raise Unreadable("it is no Word document (.docx)")


def _docx_parts(body: "BaseOxmlElement") -> Iterator["BaseOxmlElement"]:
    """Paragraphs and tables in order, also those in content controls, which python-docx passes over."""
    for element in body:
        if element.tag in (f"{_W}p", f"{_W}tbl"):
            yield element
        elif element.tag in (f"{_W}sdt", f"{_W}sdtContent", f"{_W}customXml", f"{_W}ins"):
            yield from _docx_parts(element)


def _docx_prefix(style: "BaseStyle | None") -> str | None:
    """What stands before a paragraph of this style; None: it is left out, as it only repeats headings."""
    for _ in range(10):  # A damaged document may say that two styles are based on each other.
        name = (style.name or "").lower() if style is not None else ""
        heading = re.fullmatch(r"heading ([1-9])", name)
        if heading:
            return "#" * min(int(heading[1]), 6) + " "
        if name.startswith(("title", "list", "toc ")):
            return {"title": "# ", "list": "- "}.get(name.split()[0])
        style = getattr(style, "base_style", None)
    return ""


def _docx_said(element: "BaseOxmlElement") -> Iterator[str]:
    """The text as the last editor left it, in pieces, hidden text left out."""
    for child in element:
        name = str(child.tag).rpartition("}")[2]
        if name == "t":
            yield child.text or ""
        yield _SPOKEN.get(name, "")
        hidden = child.find(f"{_W}rPr/{_W}vanish") if name == "r" else None
        if name not in _TAKEN_OUT and (hidden is None or hidden.get(f"{_W}val") in ("0", "false")):
            yield from _docx_said(child)
        yield " " if name == "p" else ""


def _docx_rows(table: "BaseOxmlElement") -> list[dict[int, str]]:
    """Column -> text of every row; a cell that is merged with the one above says the same."""
    rows: list[dict[int, str]] = []
    for line in table.xpath("./w:tr | ./w:sdt/w:sdtContent/w:tr"):
        row: dict[int, str] = {}
        column = line.grid_before
        for cell in line.xpath("./w:tc | ./w:sdt/w:sdtContent/w:tc"):
            goes_on = bool(rows) and cell.vMerge == "continue"
            row[column] = rows[-1].get(column, "") if goes_on else folded("".join(_docx_said(cell)))
            column += cell.grid_span
        rows.append(row)
    return rows
