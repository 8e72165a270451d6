"""Files that people upload by mistake or malice, each with what they are told: fed to the page and to
``check``.
"""

from collections.abc import Callable
from dataclasses import dataclass

FOREVER = "(a+)+$"
"""On forty times "a" and a "!" a naive matcher of this pattern outlives everybody."""


@dataclass(frozen=True, kw_only=True)
class BadFile:
    """``data`` makes the file; ``usable`` cases are left of it (None: it is no table at all); ``told`` stands
    in what the user reads.
    """

    name: str
    data: Callable[[], bytes]
    told: str
    usable: int | None = None


def _text(text: str, encoding: str = "utf-8") -> Callable[[], bytes]:
    return lambda: text.encode(encoding)


BAD_FILES = (
    BadFile(name="renamed xlsx", data=lambda: b"PK\x03\x04 xl/", told="an Excel or other zipped file"),
    BadFile(name="old xls", data=lambda: b"\xd0\xcf\x11\xe0 x", told="an old Excel file"),
    BadFile(name="empty", data=lambda: b"", told="The file is empty"),
    BadFile(name="white space", data=lambda: b" \n\n\t\n", told="The file is empty"),
    BadFile(name="header only", data=lambda: b"query,expected\n", told="a header and no rows"),
    BadFile(name="NUL bytes", data=lambda: b"query\na\0b\n", told="NUL bytes"),
    BadFile(name="no encoding", data=lambda: b"\x81\x8d", told="in no encoding that is known"),
    BadFile(
        name="duplicate headers",
        data=_text("query,query\nfirst,second\n"),
        told="two columns have this name",
        usable=1,
    ),
    BadFile(name="ragged", data=_text("query,tags\na,b\nc\nd,e,f\n"), told="fewer than it should", usable=1),
    BadFile(name="open quote", data=_text('query\na\n"b\nc\n'), told="never closed", usable=1),
    BadFile(
        name="10 MB in a cell",
        data=lambda: b"query,notes\na," + b"x" * 10_000_000 + b"\nb,c\n",
        told="the cell has 10,000,000 characters",
        usable=1,
    ),
    BadFile(
        name="two million rows",
        data=lambda: b"query\n" + b"q\n" * 2_000_000,
        told="1,900,000 rows more",
        usable=100_000,
    ),
    BadFile(
        name="larger than may be",
        data=lambda: b"query\n" + b"q" * 20_000_001,
        told="at most 20 MB are read",
    ),
    BadFile(
        name="mixed encodings",
        data=lambda: "query\nWie groß?\n".encode() + "Wo wächst es?\n".encode("cp1252") + b"Where?\n",
        told="another encoding than the rest",
        usable=2,
    ),
    BadFile(
        name="formulas, markup, right to left, emoji",
        data=_text(
            'query,expected\n=1+1,+1\n"=HYPERLINK(""https://evil.example"")",@x\n'
            "<script>alert(1)</script>,:red[x] ![x](https://evil.example/x.png)\n\u202eשלום 🙂,مرحبا\n"
        ),
        told="4 cases can be asked",
        usable=4,
    ),
    BadFile(
        name="unknown check",
        data=_text("query,checks\na,sounds_like: b\nc,json\n"),
        told="sounds_like",
        usable=1,
    ),
    BadFile(name="bad pattern", data=_text("query,checks\na,regex: (\nc,json\n"), told="pattern", usable=1),
    BadFile(
        name="bad schema",
        data=_text('query,checks\na,"json_schema: {""type"": 3}"\nb,json_schema: {\nc,json\n'),
        told="schema",
        usable=1,
    ),
    BadFile(
        name="a pattern that runs for ever",
        data=_text(f"query,checks\na,regex: {FOREVER}\n"),
        told="1 case can be asked",
        usable=1,
    ),
    BadFile(name="doubled ids", data=_text("id,query\n1,a\n1,b\n"), told="stands in line 2 too", usable=1),
    BadFile(
        name="unknown split", data=_text("query,split\na,train\nb,dev\n"), told="dev, test or empty", usable=1
    ),
    BadFile(name="none usable", data=_text("query,checks\na,regex: (\n"), told="pattern", usable=0),
)
