"""LlamaIndex and Chroma, imported by one thread at a time.

Their modules import one another in circles. Two threads that enter at different places meet half-loaded ones:
an ImportError in 3 of 9 tries, when the engine's thread loads the embedder while a worker opens the index.
"""

import threading

_lock = threading.Lock()


def load_llama_index() -> None:
    """Import what Lever uses of LlamaIndex; call it before any import of its parts."""
    with _lock:
        import llama_index.core
        import llama_index.embeddings.huggingface
        import llama_index.vector_stores.chroma  # noqa: F401 (that it is loaded is all that is wanted)
