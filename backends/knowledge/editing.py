"""People change what a scenario knows: documents in, out, edited, and back again.

What ships is never touched: the first change makes a working copy of the documents in the data folder, which
everything uses from then on until it is reset. Names of uploads are never used as paths: what can't be a
plain file name is refused. Of each document that was changed or removed the version before is kept.
"""

import re
import shutil
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from backends.errors import BadInput
from backends.knowledge.documents import (
    READABLE,
    WRITTEN,
    Document,
    digest_of,
    document_paths,
    read_document,
    write_whole,
)
from backends.knowledge.extraction import EXTRACTED, extract_apart
from backends.knowledge.formats import Unreadable
from backends.scenario import RETRIEVAL_FILE, RetrievalSettings, Scenario
from backends.settings import settings

Change = Literal["new", "changed", "removed"]
EARLIER = ".earlier"
_FILE_NAME = re.compile(r"[^\x00-\x1f\x7f/\\:*?\"<>|.][^\x00-\x1f\x7f/\\:*?\"<>|]{0,150}")
_MANGLED = (b"\xff\xfe", b"\xfe\xff")
"""The marks of UTF-16, which is text though it has zeros."""


def add_documents(scenario: Scenario, files: Iterable[tuple[str, bytes]]) -> tuple[list[str], list[str]]:
    """Put documents into the scenario's knowledge, in place of older ones of their names.

    Returns:
        The names that were taken, and a sentence for each file that was not.
    """
    taken: list[str] = []
    refused: list[str] = []
    for given, data in files:
        name = unicodedata.normalize("NFC", given)
        reason = _why_not(name, data) or ("two files have this name" if name in taken else "")
        if reason:
            refused.append(f"{given}: {reason}.")
            continue
        try:
            _put(scenario, name, data)
        except BadInput as error:
            refused.append(error.message)
            continue
        taken.append(name)
    return taken, refused


def write_document(scenario: Scenario, seen: Document, text: str) -> str:
    """Give a document another text; gives its name. The text of a PDF, Word or HTML document becomes a
    Markdown document in its place.

    Args:
        scenario: whose document.
        seen: what it said when somebody began to edit it.
        text: what it is to say.

    Raises:
        BadInput: it says something else by now, or is gone; the new text is empty; it can't be written.
    """
    path = _paths(scenario).get(seen.source)
    if path is None or digest_of(read_document(path)) != digest_of(seen):
        raise BadInput(
            f"{seen.source} was changed or removed meanwhile, so nothing was saved.",
            "Copy your text, open the document again, and put it in.",
        )
    if not text.strip():
        raise BadInput("The text is empty.", "Remove the document instead.")
    suffix = Path(seen.source).suffix.lower()
    name = seen.source if suffix in WRITTEN else f"{Path(seen.source).stem}.md"
    if name != seen.source and name in _paths(scenario):
        raise BadInput(f"There is a document {name} already.", "Remove one of them first.")
    _put(scenario, name, text.encode())
    if name != seen.source:
        remove_document(scenario, seen.source)
    return name


def remove_document(scenario: Scenario, name: str) -> None:
    """Take a document out; one that is not there is no error.

    Raises:
        BadInput: it can't be removed.
    """
    if name in _paths(scenario):
        folder = _working(scenario)
        with _writing(name):
            (folder / EARLIER).mkdir(exist_ok=True)
            (folder / name).replace(folder / EARLIER / name)


def restorable(scenario: Scenario) -> tuple[str, ...]:
    """The names of documents of which a version before is kept, removed ones among them."""
    return tuple(path.name for path in document_paths(scenario.knowledge / EARLIER))


def restore_document(scenario: Scenario, name: str) -> None:
    """Put the version before back; what it replaces is the version before from then on.

    Raises:
        BadInput: there is none, or it can't be written.
    """
    earlier = scenario.knowledge / EARLIER / name
    if name not in restorable(scenario):
        raise BadInput(f"There is no earlier version of {name}.")
    with _writing(name):
        data = earlier.read_bytes()
        if name in _paths(scenario):
            _put(scenario, name, data)
        else:
            write_whole(_working(scenario) / name, data)
            earlier.unlink(missing_ok=True)


def changed_documents(scenario: Scenario) -> dict[str, Change]:
    """In what the documents of a scenario that ships differ from what ships, by name."""
    shipped = {path.name: path for path in document_paths(scenario.path / "knowledge")}
    now = _paths(scenario)
    found: dict[str, Change] = {}
    for name in sorted(shipped.keys() | now.keys()):
        if name not in now:
            found[name] = "removed"
        elif name not in shipped:
            found[name] = "new"
        elif shipped[name].read_bytes() != now[name].read_bytes():
            found[name] = "changed"
    return found


def reset_documents(scenario: Scenario) -> None:
    """Back to the documents that ship; the working copy goes.

    Raises:
        BadInput: it can't be deleted.
    """
    with _writing("The working copy"):
        if scenario.ships and (scenario.changed / "knowledge").is_dir():
            gone = Path(tempfile.mkdtemp(dir=scenario.changed, prefix=".gone-"))
            (scenario.changed / "knowledge").rename(gone / "knowledge")  # At once, whoever reads.
            shutil.rmtree(gone)


def keep_retrieval(scenario: Scenario, wanted: RetrievalSettings) -> None:
    """Make these the scenario's retrieval settings from now on.

    Raises:
        BadInput: they can't be written.
    """
    import tomllib
    from dataclasses import asdict

    import tomli_w

    path = scenario.changed / RETRIEVAL_FILE if scenario.ships else scenario.path / "scenario.toml"
    with _writing(path.name):
        known = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        write_whole(path, tomli_w.dumps({**known, "retrieval": asdict(wanted)}).encode())


def _put(scenario: Scenario, name: str, data: bytes) -> None:
    """Write a document; what it replaces is kept as the version before."""
    folder = _working(scenario)
    with _writing(name):
        there = folder / name
        if there.is_file() and (before := there.read_bytes()) != data:
            write_whole(folder / EARLIER / name, before)
        write_whole(there, data)


def _working(scenario: Scenario) -> Path:
    """The folder in which documents may be changed; a copy of those that ship is made for the first."""
    if not scenario.ships:
        return scenario.path / "knowledge"
    folder = scenario.changed / "knowledge"
    if not folder.is_dir():
        with _writing(f"The working copy of {scenario.name}"):
            scenario.changed.mkdir(parents=True, exist_ok=True)
            part = Path(tempfile.mkdtemp(dir=scenario.changed, prefix=".part-"))
            if (scenario.path / "knowledge").is_dir():
                shutil.copytree(scenario.path / "knowledge", part / "knowledge")
            else:
                (part / "knowledge").mkdir()
            if not folder.is_dir():  # Another tab may have made it just now.
                (part / "knowledge").rename(folder)
            shutil.rmtree(part)
    return folder


def _paths(scenario: Scenario) -> dict[str, Path]:
    return {path.name: path for path in document_paths(scenario.knowledge)}


def _why_not(name: str, data: bytes) -> str:
    """What keeps a file from being a document; empty when nothing does."""
    most, suffix = settings().max_upload_mb, Path(name).suffix.lower()
    if not _FILE_NAME.fullmatch(name):
        return "this can't be a file's name"
    if suffix not in READABLE:
        return f"only {', '.join(READABLE)} files are read"
    if len(data) > most * 1_000_000:
        return f"it has {len(data) / 1e6:,.0f} MB, and at most {most} MB are read"
    if not data.strip():
        return "it is empty"
    if suffix in EXTRACTED:
        try:
            extract_apart(suffix, data)
        except Unreadable as error:
            return str(error)
        return ""
    return "it is no text" if b"\0" in data and not data.startswith(_MANGLED) else ""


@contextmanager
def _writing(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BadInput(f"{what} can't be written: {error.strerror or error}.") from error
