"""``export``: a stored run as a file."""

import argparse
from pathlib import Path

from backends.errors import BadInput
from compare.command import Outcome
from compare.numbers import plural
from compare.run_export import FORMATS, export
from compare.run_measures import measure
from compare.store import store


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the command to the command line."""
    command = commands.add_parser("export", help="write a stored run to a file")
    command.add_argument("run_id", metavar="RUN")
    command.add_argument("--format", choices=FORMATS, required=True)
    command.add_argument("--out", type=Path, required=True, metavar="FILE")
    return command


def run(options: argparse.Namespace) -> Outcome:
    """Write the file; an existing one is replaced.

    Raises:
        BadInput: there is no such run, or the file can't be written.
    """
    kept = store()
    stored = kept.stored_run(options.run_id)
    try:
        with options.out.open("wb") as out:
            out.writelines(export(measure(stored, kept.vectors(stored)), kept, options.format))
    except OSError as error:
        raise BadInput(f"The file {options.out} can't be written: {error.strerror or error}.") from error
    size = options.out.stat().st_size
    document: dict[str, object] = {
        "run_id": stored.id,
        "file": str(options.out),
        "bytes": size,
        "cases": len(stored.plan.cases),
        "calls": len(stored.calls),
    }
    said = f"{plural(len(stored.plan.cases), 'case')}, {plural(len(stored.calls), 'call')}"
    return Outcome(document=document, text=f"{options.out}: {said}, {size:,} bytes")
