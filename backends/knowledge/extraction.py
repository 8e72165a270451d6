"""The text of an uploaded PDF, Word or HTML document as Markdown, in a process of its own when it matters.

A document is a stranger's program for its reader: it may loop for ever, fill the memory or crash. Apart, that
costs a sentence.
"""

import logging
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress

from backends.knowledge.formats import Unreadable, docx_blocks, pdf_blocks
from backends.knowledge.html_format import html_blocks
from backends.settings import ROOT

EXTRACTED = (".pdf", ".docx", ".html", ".htm")
"""What is read here, by the end of the file's name."""
EXTRACTION_FORM = 1
"""Of the text that comes out; what was kept in another form is taken out again."""
MOST_TEXT_MB = 20
_MEMORY_GB = 2
_HEADING = re.compile("#+ ")
_REFUSED = 65
"""The child's exit code for a document that can't be read (``EX_DATAERR`` of sysexits.h)."""
_READERS: dict[str, tuple[str, Callable[[bytes], Iterator[str]]]] = {
    ".pdf": ("PDF", pdf_blocks),
    ".docx": ("a Word document (.docx)", docx_blocks),
    ".html": ("HTML", html_blocks),
    ".htm": ("HTML", html_blocks),
}


def extract(suffix: str, data: bytes) -> str:
    """What a document says, in this process: for documents that are trusted, and for the child.

    Headings are "# Title" lines; paragraphs, list items ("- item") and table rows ("column: value; column:
    value.") are lines of their own. Blank lines stand between them. No other line begins with "# ".

    Args:
        suffix: one of ``EXTRACTED``, in any case.
        data: the file.

    Raises:
        Unreadable: why there is no text.
    """
    kind, read = _READERS[suffix.lower()]
    if not data:
        raise Unreadable("it is empty")
    blocks: list[str] = []
    length = 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # What a library thinks of the document is nobody's business.
            for block in read(data):
                blocks += [block] if block else []
                length += len(block.encode())
                if length > MOST_TEXT_MB * 1_000_000:
                    raise Unreadable(f"it has more than {MOST_TEXT_MB} MB of text")
    except MemoryError as error:
        raise Unreadable("reading it takes too much memory") from error
    except (Unreadable, ImportError):
        raise
    except Exception as error:  # Readers raise whatever a damaged document led them to.
        raise Unreadable(f"it is damaged and can't be read as {kind}") from error
    if all(_HEADING.match(block) for block in blocks):  # A scanned page may have a title.
        raise Unreadable("it has no text: it may be scanned pictures")
    return "\n\n".join(blocks) + "\n"


def extract_apart(suffix: str, data: bytes, *, timeout_s: float = 60.0) -> str:
    """The same as :func:`extract` in a child process, which may use so much time and memory and no more.

    Raises:
        Unreadable: why there is no text; also when the child took too long, or broke.
    """
    command = [sys.executable, "-W", "ignore", "-m", "backends.knowledge.extraction", suffix]
    try:
        ran = subprocess.run(
            command, input=data, capture_output=True, cwd=ROOT, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Unreadable(f"reading it took longer than {timeout_s:g} s") from error
    told = ran.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    if ran.returncode == _REFUSED:
        raise Unreadable(told)
    if ran.returncode != 0:
        raise Unreadable(f"its reader broke ({told or f'exit code {ran.returncode}'})")
    return ran.stdout.decode()


def _limit_memory() -> None:
    """So much more than what is mapped already, as NumPy maps some of it for every core of the machine."""
    if sys.platform == "win32":
        return
    import resource

    import psutil

    most = psutil.Process().memory_info().vms + _MEMORY_GB * 2**30
    with suppress(ValueError, OSError):  # a system that has no such limit, or a lower one
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _main() -> int:
    logging.disable()
    _limit_memory()
    try:
        text = extract(sys.argv[1], sys.stdin.buffer.read())
    except Unreadable as reason:
        sys.stderr.write(f"{reason}\n")
        return _REFUSED
    sys.stdout.buffer.write(text.encode())
    return 0


if __name__ == "__main__":
    sys.exit(_main())
