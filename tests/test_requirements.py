"""Required is what is imported: by the app in requirements.txt, by tests alone in tests/requirements.txt."""

import re
import sys
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path

from backends.settings import ROOT
from tests.test_imports import ORDER, files, imported

NOT_IMPORTED = {
    "accelerate",
    "authlib",
}
"""transformers' Trainer and ``st.login`` ask for them."""
TOOLS = {"pytest-xdist", "mypy", "ruff"}
LLAMA_INDEX = {
    "core": "llama-index-core",
    "vector_stores": "llama-index-vector-stores-chroma",
}


def test_what_the_app_imports_is_required_and_nothing_else() -> None:
    assert packages(files()) | NOT_IMPORTED == named("requirements.txt")


def test_what_only_the_tests_import_is_required_by_them() -> None:
    added = packages((ROOT / "tests").rglob("*.py")) - named("requirements.txt")
    assert added | TOOLS == named("tests/requirements.txt")


def named(path: str) -> set[str]:
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith(("#", "-r "))]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+(\.post[0-9]+)?", pin) for pin in pins), pins
    return {pin.partition("==")[0] for pin in pins}


def packages(paths: Iterable[Path]) -> set[str]:
    """The packages that files import, by their names in the registry."""
    known = packages_distributions()
    ours = {*ORDER, "tests", *sys.stdlib_module_names}
    found = set()
    for module in {module for path in paths for module in imported(path)}:
        root, _, rest = module.partition(".")
        if root == "llama_index":
            found.add(LLAMA_INDEX[rest.partition(".")[0]])
        elif root not in ours:
            (name,) = set(known[root])
            found.add(re.sub(r"[-_.]+", "-", name).lower())
    return found
