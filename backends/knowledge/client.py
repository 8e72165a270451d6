"""The way to Chroma: the folder of this machine, or a server."""

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from backends.errors import BadInput, KnowledgeUnavailable
from backends.imports import load_llama_index

if TYPE_CHECKING:
    from chromadb.api import ClientAPI


def folder_identity(path: Path) -> tuple[int, int] | None:
    """Tells a folder from another one of the same name; None when there is none."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_dev, stat.st_ino


def local_client(path: Path) -> "ClientAPI":
    """Chroma in this process, over a folder that is made when it is not there."""
    load_llama_index()
    import chromadb
    from chromadb.config import Settings

    path.mkdir(parents=True, exist_ok=True)
    return chromadb.PersistentClient(path=str(path), settings=Settings(anonymized_telemetry=False))


def server_client(url: str) -> "ClientAPI":
    """A server's client.

    Raises:
        BadInput: ``url`` is no address.
        KnowledgeUnavailable: nobody answers there.
    """
    load_llama_index()
    import chromadb
    from chromadb.config import Settings

    try:
        at = urlsplit(url)
        if at.scheme not in ("http", "https") or not at.hostname:
            raise ValueError("an address looks like http://localhost:8000")
        port = at.port or (443 if at.scheme == "https" else 8000)
    except ValueError as error:
        raise BadInput(f"The setting LEVER_CHROMA_URL can't be used: {error}.") from error
    try:
        return chromadb.HttpClient(
            host=at.hostname,
            port=port,
            ssl=at.scheme == "https",
            settings=Settings(anonymized_telemetry=False),
        )
    except Exception as error:  # Chroma turns what its first call meets into a plain ValueError.
        raise no_server(url, error) from error


def is_away(error: BaseException) -> bool:
    """Whether the server could not be reached, as against it answered something bad."""
    import httpx

    return isinstance(error, httpx.TransportError)


def no_server(url: str, error: BaseException) -> KnowledgeUnavailable:
    """What to say when the server is away."""
    return KnowledgeUnavailable(
        f"The Chroma server at {url} does not answer ({type(error).__name__}).",
        "Start it, or take LEVER_CHROMA_URL away to keep the index in the data folder.",
    )
