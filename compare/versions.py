"""Which versions of which packages produced an answer."""

import platform
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    "torch",
    "transformers",
    "peft",
    "tokenizers",
    "safetensors",
    "numpy",
    "chromadb",
    "llama-index-core",
    "sentence-transformers",
    "sqlalchemy",
    "streamlit",
)
"""What can change an answer, a figure or a page; read from the packages' metadata, nothing is imported."""


@lru_cache(maxsize=1)
def package_versions() -> dict[str, str]:
    """Package to version, with Python's own; packages that are not installed are left out."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
