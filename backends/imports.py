"""Heavy libraries, imported by one thread at a time.

LlamaIndex's and Chroma's modules import one another in circles: two threads that enter at different places
meet half-loaded ones (an ImportError in 3 of 9 tries, when the engine's thread loads the embedder while a
worker opens the index). SciPy looks for torch among the loaded modules and breaks on a half-loaded one, when
a page measures a stored run while the model loads.
"""

import threading
from functools import lru_cache

_lock = threading.Lock()


@lru_cache(maxsize=1)
def load_llama_index() -> None:
    """Import what Lever uses of LlamaIndex; call it before any import of its parts."""
    with _lock:
        import llama_index.core
        import llama_index.vector_stores.chroma  # noqa: F401 (that it is loaded is all that is wanted)


@lru_cache(maxsize=1)
def load_embedding() -> None:
    """Import sentence-transformers; call it before any import of its parts."""
    with _lock:
        import sentence_transformers  # noqa: F401


@lru_cache(maxsize=1)
def load_charts() -> None:
    """Import Altair before a page draws with it: it and scikit-learn, which the embedding's library imports
    on the engine's thread, both import narwhals, and two threads lock each other out of it.
    """
    with _lock:
        import altair  # noqa: F401


@lru_cache(maxsize=1)
def load_torch() -> None:
    """Import torch; call it before the first import of it in a process that draws pages too."""
    with _lock:
        import torch  # noqa: F401


@lru_cache(maxsize=1)
def load_statistics() -> None:
    """Import what Lever uses of SciPy and statsmodels; call it before any import of their parts."""
    with _lock:
        import statsmodels.stats.contingency_tables
        import statsmodels.stats.multitest
        import statsmodels.stats.proportion  # noqa: F401
