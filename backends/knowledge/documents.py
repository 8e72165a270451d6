"""A folder of documents becomes chunks, measured with the tokenizer of the model that will read them.

Cutting is LlamaIndex's: markdown at its headings, then every section into chunks of whole sentences. Nothing
here downloads anything, as both the tokenizer and the sentence rule are passed in.
"""

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from backends.errors import KnowledgeUnavailable
from backends.imports import load_llama_index

MOST_ROW_CHARS = 131_072
READABLE = (".md", ".txt", ".csv")
"""What is read, by the end of the file's name."""
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
    """Names of files that can't be read here, such as PDF, so that they are not missed in silence."""
    if not folder.is_dir():
        return ()
    files = (path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    return tuple(sorted(path.name for path in files if path.suffix.lower() not in READABLE))


def read_documents(folder: Path) -> tuple[Document, ...]:
    """Every readable document that says something; UTF-8, else Windows' Western encoding."""
    documents = []
    for path in document_paths(folder):
        with _reading(path):
            documents.append(Document(source=path.name, text=_decoded(path.read_bytes())))
    return tuple(document for document in documents if document.text.strip())


def folder_state(folder: Path) -> FolderState:
    """Changes whenever a readable file comes, goes or is written."""
    state = []
    for path in document_paths(folder):
        with _reading(path):
            stat = path.stat()
        state.append((path.name, stat.st_mtime_ns, stat.st_size))
    return tuple(state)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """A document that can't be read, or went away just now, is a sentence."""
    try:
        yield
    except OSError as error:
        raise KnowledgeUnavailable(
            f"The document {path.name} can't be read: {error.strerror or error}.",
            f"Mend it or take it out of {path.parent}.",
        ) from error


def content_hash(documents: Sequence[Document]) -> str:
    """SHA-256 over names and texts; it changes when any document does."""
    digest = hashlib.sha256()
    for document in documents:
        digest.update(f"{document.source}\0{document.text}\0".encode())
    return digest.hexdigest()


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
    """
    load_llama_index()
    from llama_index.core.node_parser import SentenceSplitter

    splitter = SentenceSplitter(
        chunk_size=chunk_tokens,
        chunk_overlap=chunk_overlap,
        tokenizer=lambda text: range(count_tokens(text)),
        chunking_tokenizer_fn=_SENTENCE_ENDS.split,
    )
    chunks: list[Chunk] = []
    for document in documents:
        texts = [text for section in sections(document) for text in splitter.split_text(section)]
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
    elif suffix == ".md":
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


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
