"""``distil``: the right answers of a run's lane as training examples."""

import argparse
from pathlib import Path

from backends.errors import BadInput
from compare.command import Outcome
from compare.distillation import distil_run
from compare.numbers import plural
from compare.store import store
from compare.training_set import collect


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the command to the command line."""
    command = commands.add_parser("distil", help="keep a run's right answers as training examples")
    command.add_argument("run_id", metavar="RUN")
    command.add_argument("--lane", required=True, help="whose answers")
    command.add_argument(
        "--out",
        type=Path,
        metavar="FILE.jsonl",
        help="write them as plain chat instead of keeping them",
    )
    return command


def run(options: argparse.Namespace) -> Outcome:
    """Keep the examples with the scenario's others, or write them.

    Raises:
        BadInput: there is no such run or lane, nothing of it is right, or the examples can't be written.
    """
    stored = store().stored_run(options.run_id)
    found = distil_run(stored, options.lane)
    many = plural(len(found.examples), "example")
    if not found.examples:
        raise BadInput(f"There is nothing to learn from. {found.left_out_said}".strip())
    new = None
    if options.out is None:
        new = collect(stored.plan.scenario, found.examples)
        train = f"python -m compare train {stored.plan.scenario} --ratings"
        said = f"{many}, {new:,} of them new. Train by: {train}"
    else:
        try:
            options.out.write_bytes(found.chat())
        except OSError as error:
            raise BadInput(f"{options.out} can't be written: {error.strerror or error}.") from error
        said = f"{many} in {options.out}."
    document: dict[str, object] = {
        "run_id": stored.id,
        "scenario": stored.plan.scenario,
        "backend": options.lane,
        "model": stored.provenance and stored.provenance.model,
        "examples": len(found.examples),
        "new": new,
        "left_out": {why.replace(" ", "_"): list(ids) for why, ids in found.left_out.items()},
        "file": options.out and str(options.out),
    }
    return Outcome(document=document, text="\n".join(part for part in (said, found.left_out_said) if part))
