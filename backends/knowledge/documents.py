"""A folder of documents becomes chunks, measured with the tokenizer of the model that will read them.

Cutting is LlamaIndex's: markdown at its headings, then every section into chunks of whole sentences. Nothing
here downloads anything, as both the tokenizer and the sentence rule are passed in.
"""

import codecs
import csv
import hashlib
import io
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from stat import S_ISREG

from backends.errors import KnowledgeUnavailable
from backends.imports import load_llama_index
from backends.knowledge.extraction import EXTRACTED, EXTRACTION_FORM, extract_apart
from backends.knowledge.formats import Unreadable
from backends.knowledge.places import place_of as place_of
from backends.settings import settings

MOST_ROW_CHARS = 131_072
WRITTEN = (".md", ".txt", ".csv")
"""Documents that are text as they stand, by the end of the file's name."""
READABLE = (*WRITTEN, *EXTRACTED)
"""What is read."""
_SENTENCE_ENDS = re.compile(r"(?<=[.!?])(?=\s)|(?<=[。？！])")
_HEADING = re.compile(r"#+\s+(?P<title>.*?)[ #]*\n+(?P<body>.*)", re.DOTALL)


FolderState = tuple[tuple[str, int, int], ...]
"""Name, time of the last change (ns) and size (bytes) of every readable file."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """One file: ``source`` is its name in the folder, ``text`` what it says."""

    source: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A stretch of one document; ``id`` is "<document>#<n>", n from 1, the same for the same text."""

    id: str
    source: str
    text: str


def document_paths(folder: Path) -> tuple[Path, ...]:
    """The readable files of a folder by name; none when there is no such folder."""
    if not folder.is_dir():
        return ()
    files = (path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    return tuple(sorted(path for path in files if path.suffix.lower() in READABLE))


def left_out(folder: Path) -> tuple[str, ...]:
    """Names of files that can't be read here, such as pictures, so that they are not missed in silence."""
    if not folder.is_dir():
        return ()
    files = (path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    return tuple(sorted(path.name for path in files if path.suffix.lower() not in READABLE))


def read_documents(folder: Path) -> tuple[Document, ...]:
    """Every readable document that says something.

    Raises:
        KnowledgeUnavailable: one of them can't be read; the sentence names it.
    """
    documents = (read_document(path) for path in document_paths(folder))
    return tuple(document for document in documents if document.text.strip())


def read_document(path: Path) -> Document:
    """One file: text is UTF-8, UTF-16 with its mark, or Windows' Western encoding; of the others it is taken
    out once, by a process of its own, and kept.

    Raises:
        KnowledgeUnavailable: it can't be read, or has no text.
    """
    with _reading(path):
        data = path.read_bytes()
        suffix = path.suffix.lower()
        try:
            text = _extracted(suffix, data) if suffix in EXTRACTED else decoded(data)
        except Unreadable as error:
            raise KnowledgeUnavailable(
                f"The document {path.name} can't be read: {error}.", f"Take it out of {path.parent}."
            ) from error
        return Document(source=path.name, text=text)


def folder_state(folder: Path) -> FolderState:
    """Changes whenever a readable file comes, goes or is written."""
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    state = []
    for entry in entries:
        name = entry.name
        if name[0] != "." and name.lower().endswith(READABLE):
            try:
                stat = entry.stat()
            except FileNotFoundError:  # It went away just now.
                continue
            except OSError as error:
                raise _unreadable(folder / name, error) from error
            if S_ISREG(stat.st_mode):
                state.append((name, stat.st_mtime_ns, stat.st_size))
    return tuple(sorted(state))


def documents_digest(folder: Path) -> str:
    """SHA-256 over the names and bytes of all readable files, in hex; empty when there are none.

    Raises:
        KnowledgeUnavailable: one of them can't be read.
    """
    return _digest_of_state(folder, folder_state(folder))


@lru_cache(maxsize=64)
def _digest_of_state(folder: Path, state: FolderState) -> str:
    """``state`` is part of the key: files that were written are read again."""
    digest = hashlib.sha256()
    for name, _, _ in state:
        with _reading(folder / name):
            data = (folder / name).read_bytes()
        digest.update(f"{name}\0{len(data)}\0".encode("utf-8", "surrogateescape") + data)
    return digest.hexdigest() if state else ""


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """A document that can't be read, or went away just now, is a sentence."""
    try:
        yield
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> KnowledgeUnavailable:
    return KnowledgeUnavailable(
        f"The document {path.name} can't be read: {error.strerror or error}.",
        f"Mend it or take it out of {path.parent}.",
    )


def digest_of(document: Document) -> str:
    """The first half of its text's SHA-256, in hex; it changes when the text does."""
    return hashlib.sha256(document.text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def cut(
    documents: Sequence[Document],
    *,
    chunk_tokens: int,
    chunk_overlap: int,
    count_tokens: Callable[[str], int],
) -> tuple[Chunk, ...]:
    """The chunks of all documents in reading order.

    Args:
        documents: what to cut.
        chunk_tokens: the most tokens that a chunk has; only a single word may be longer.
        chunk_overlap: tokens that neighbouring chunks of one section share, in whole sentences.
        count_tokens: tokens of a text for the generating model.

    Raises:
        KnowledgeUnavailable: a document can't be cut; the sentence names it.
    """
    load_llama_index()
    from llama_index.core.node_parser import SentenceSplitter

    splitter = SentenceSplitter(
        chunk_size=chunk_tokens,
        chunk_overlap=chunk_overlap,
        tokenizer=lambda text: range(count_tokens(text)),
        # An empty piece would make it split the rest for ever.
        chunking_tokenizer_fn=lambda text: [piece for piece in _SENTENCE_ENDS.split(text) if piece],
    )
    chunks: list[Chunk] = []
    for document in documents:
        try:
            texts = [text for section in sections(document) for text in splitter.split_text(section)]
        except (ValueError, RecursionError) as error:
            raise KnowledgeUnavailable(
                f"The document {document.source} can't be cut into passages: {error}.",
                "Let passages be longer, or mend its text.",
            ) from error
        chunks += [
            Chunk(id=f"{document.source}#{number}", source=document.source, text=text)
            for number, text in enumerate((text for text in texts if text.strip()), 1)
        ]
    return tuple(chunks)


def sections(document: Document) -> tuple[str, ...]:
    """The parts of a document that no chunk crosses: markdown sections, rows of a CSV file, else all of it.

    White space is folded. A heading becomes the section's first sentence; a row reads "column: value; ...".
    """
    suffix = Path(document.source).suffix.lower()
    if suffix == ".csv":
        parts = _table_rows(document)
    elif suffix == ".md" or suffix in EXTRACTED:
        parts = _markdown_sections(document.text)
    else:
        parts = [document.text]
    folded = (" ".join(part.split()) for part in parts)
    return tuple(part for part in folded if part)


def _table_rows(document: Document) -> list[str]:
    rows = csv.DictReader(io.StringIO(document.text, newline=""))
    try:
        said = ["; ".join(f"{key}: {value}" for key, value in row.items() if key and value) for row in rows]
        if any(len(row) > MOST_ROW_CHARS for row in said):  # Most often a quote that was never closed.
            raise csv.Error(f"a row has more than {MOST_ROW_CHARS:,} characters")
        return said
    except csv.Error as error:
        raise KnowledgeUnavailable(
            f"The document {document.source} can't be read as a table: {error} (line {rows.line_num}).",
            "Mend it or take it out of the scenario's knowledge folder.",
        ) from error


def _markdown_sections(text: str) -> list[str]:
    load_llama_index()
    from llama_index.core.node_parser import MarkdownNodeParser
    from llama_index.core.schema import TextNode

    parts: list[str] = []
    for node in MarkdownNodeParser().get_nodes_from_node(TextNode(text=text)):
        section = node.text
        heading = _HEADING.fullmatch(section)
        if heading:
            title = heading["title"].strip()
            section = f"{title}{'' if title.endswith((':', '.', '?', '!')) else '.'} {heading['body']}"
        elif section.startswith("#") and "\n" not in section.strip():
            continue  # a heading with nothing under it would be found, and say nothing
        parts.append(section)
    return parts


def decoded(data: bytes) -> str:
    """Text in UTF-8, in UTF-16 with its mark, else in Windows' Western encoding."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _extracted(suffix: str, data: bytes) -> str:
    """The text of a document that is none, from what was kept of an earlier look if there was one."""
    kept = _kept_extract(suffix, data)
    try:
        return kept.read_text(encoding="utf-8")
    except OSError:
        text = extract_apart(suffix, data)
    with suppress(OSError):  # What can't be kept is taken out again the next time.
        write_whole(kept, text.encode("utf-8", "replace"))
    return text


def _kept_extract(suffix: str, data: bytes) -> Path:
    digest = hashlib.sha256(data).hexdigest()
    return settings().data_dir / "extracted" / f"{digest}{suffix}.{EXTRACTION_FORM}.txt"


def forget_extracted(folder: Path) -> None:
    """Delete what was kept of the texts of a folder's documents. Whoever has the same ones takes them out
    again.
    """
    for path in (path for path in document_paths(folder) if path.suffix.lower() in EXTRACTED):
        with suppress(OSError):
            _kept_extract(path.suffix.lower(), path.read_bytes()).unlink(missing_ok=True)


def write_whole(path: Path, data: bytes) -> None:
    """All of it or nothing: whoever reads sees the old file or the new one.

    Raises:
        OSError: it can't be written; the old one stands.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".part-", delete=False) as part:
        try:
            part.write(data)
            part.close()
            Path(part.name).chmod(0o644)
            Path(part.name).replace(path)
        except BaseException:
            Path(part.name).unlink(missing_ok=True)
            raise
