"""Where a training can be taken up: transformers' checkpoints, and the mark that one is whole."""

from pathlib import Path

WHOLE = "whole.json"
"""Written into a checkpoint when all else is there; one without it was cut short."""


def last_checkpoint(workspace: Path) -> Path | None:
    """The newest checkpoint that is whole."""
    whole = [file.parent for file in workspace.glob(f"checkpoint-*/{WHOLE}")]
    return max(whole, key=lambda folder: int(folder.name.rpartition("-")[2]), default=None)
