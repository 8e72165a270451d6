"""``report``: the decision report on a stored run as a file, and whether such a file still says the truth."""

import argparse
from dataclasses import asdict
from pathlib import Path

from backends.errors import BadInput
from compare.command import FINE, GATE_FAILED, Outcome, say
from compare.command_verdict import add_terms, asked_terms
from compare.measured import StoredRun
from compare.numbers import plural
from compare.prices import load_prices
from compare.report import form_of, written
from compare.report_basis import basis_of
from compare.report_settings import settings_of
from compare.report_verify import verify
from compare.store import Store, store

MOST_NAMED = 40
"""Differences that are printed; ``--json`` gives all."""


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the command to the command line."""
    command = commands.add_parser("report", help="write the decision report of a run, or check one")
    command.add_argument("run_id", metavar="RUN")
    what = command.add_mutually_exclusive_group(required=True)
    what.add_argument("--out", type=Path, metavar="FILE", help="write it: .html or .md")
    what.add_argument("--verify", type=Path, metavar="FILE", help="name every number that differs by now")
    command.add_argument("--title", default="")
    command.add_argument("--question", default="", help="what is to be decided")
    add_terms(command)
    command.add_argument("--app", default="", metavar="URL", help="where the app runs, for links to the run")
    return command


def run(options: argparse.Namespace) -> Outcome:
    """Write or check. Exit code 1: a number differs.

    Raises:
        BadInput: there is no such run, or the file can't be read, written, or is no report of this run.
    """
    kept = store()
    stored = kept.stored_run(options.run_id)
    return _check(options.verify, stored, kept) if options.verify else _write(options, stored, kept)


def _write(options: argparse.Namespace, stored: StoredRun, kept: Store) -> Outcome:
    form = form_of(options.out.name)
    prices, problem = load_prices()
    if problem:
        say(problem)
    told = settings_of(
        stored,
        prices,
        title=options.title,
        question=options.question,
        terms=asked_terms(options),
        app=options.app,
    )
    text = written(basis_of(stored, told, kept), form)
    try:
        options.out.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise BadInput(f"The file {options.out} can't be written: {error.strerror or error}.") from error
    size = options.out.stat().st_size
    document = {"run_id": stored.id, "file": str(options.out), "format": form, "bytes": size}
    return Outcome(document=document, text=f"{options.out}: {size:,} bytes")


def _check(file: Path, stored: StoredRun, kept: Store) -> Outcome:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise BadInput(f"The file {file} can't be read: {error.strerror or error}.") from error
    found = verify(data, file.name, stored, kept)
    same = not found.differences
    document: dict[str, object] = {
        "run_id": stored.id,
        "file": str(file),
        "same": same,
        "grown": found.grown or None,
        "differences": [asdict(one) for one in found.differences],
    }
    lines = [found.grown] if found.grown else []
    lines += [one.sentence for one in found.differences[:MOST_NAMED]]
    if (left := len(found.differences) - MOST_NAMED) > 0:
        lines.append(f"{plural(left, 'place')} more; --json names all.")
    if same:
        lines.append(f"Every number of {file} is what the stored calls of run {stored.id} give.")
    return Outcome(document=document, text="\n".join(lines), exit_code=FINE if same else GATE_FAILED)
