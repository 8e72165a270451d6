"""The walls of the house: who may import whom, and who may know torch. Read from the source."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.settings import ROOT

ORDER = ("backends", "compare", "ui", "pages", "app")
"""From the ground up: a part may import itself and what stands before it."""
HEAVY = {"torch", "transformers", "peft", "chromadb", "llama_index", "sentence_transformers"}
MAY_BE_HEAVY = (
    "backends/engine/",
    "backends/pocket/",
    "backends/knowledge",
    "backends/training",
    "backends/proof.py",
    "backends/imports.py",
)


def files() -> list[Path]:
    parts = (ROOT / part for part in ORDER[:-1])
    return [*sorted(path for part in parts for path in part.rglob("*.py")), ROOT / "app.py"]


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield node.module or ""


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    part = name.removesuffix(".py").split("/")[0]
    roots = {module.split(".")[0] for module in imported(path)}
    above = {"pages", "app"} if part in ("pages", "app") else set(ORDER[ORDER.index(part) + 1 :])
    assert not roots & above, f"{name} imports what stands above it"
    assert not roots & {"tests"}
    if part in ("backends", "compare"):
        assert "streamlit" not in roots, f"{name} knows Streamlit"
    if not name.startswith(MAY_BE_HEAVY):
        assert not roots & HEAVY, f"{name} knows {sorted(roots & HEAVY)}"


@pytest.mark.parametrize(
    "module",
    [
        "compare.__main__",
        "compare.runner",
        "backends.registry",
        "backends.knowledge",
        "backends.engine.local",
        "backends.engine.remote",
    ],
)
def test_importing_it_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(sorted({HEAVY!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
