"""The house rules that tools can check: ruff's rules and formatting, mypy's types."""

import subprocess
import sys

import pytest

from backends.settings import ROOT


@pytest.mark.parametrize("command", ["ruff check .", "ruff format --check .", "mypy"])
def test_the_code_meets_the_house_rules(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command.split()], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
