"""The training process: ``python -m backends.training SCENARIO [--adapter NAME] [--epochs N] ...``.

The recipe is the usual one, changed by the scenario's ``[training.<adapter>]``, changed by the options.
Progress goes to standard error, the cards to standard output as one JSON list. Exit codes: 0 fine, 2 bad
input, 3 something broke.
"""

import argparse
import json
import sys
from contextlib import redirect_stdout
from dataclasses import fields
from pathlib import Path

from backends.errors import BadInput, LeverError
from backends.scenario import load_scenario
from backends.settings import settings
from backends.training import ADAPTERS, Recipe
from backends.training.make import make_adapter, recipe_for


def parser() -> argparse.ArgumentParser:
    """One option for every field of :class:`Recipe`; None where it was not given."""
    options = argparse.ArgumentParser(
        prog="python -m backends.training", description="Train a scenario's adapters."
    )
    options.add_argument("scenario")
    options.add_argument(
        "--adapter", choices=ADAPTERS, action="append", help="one of them; all when left out"
    )
    options.add_argument("--examples", type=Path, help="learn from this file instead of the scenario's")
    options.add_argument(
        "--out", type=Path, help="a folder to write the adapters to instead of the scenario's"
    )
    for field in fields(Recipe):
        kind = type(field.default)
        options.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=kind,
            help=f"default: the scenario's, else {field.default}",
        )
    return options


def main(arguments: list[str] | None = None) -> int:
    """Train what was asked for; returns the exit code."""
    asked = parser().parse_args(arguments)
    given = {field.name: getattr(asked, field.name) for field in fields(Recipe)}
    changes = {name: value for name, value in given.items() if value is not None}

    def report(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    try:
        scenario = load_scenario(asked.scenario)
        with redirect_stdout(sys.stderr):  # Whatever a library prints is no card.
            cards = [
                make_adapter(
                    scenario,
                    name,
                    recipe_for(scenario, name, changes),
                    settings(),
                    report,
                    examples_file=asked.examples,
                    out=asked.out and asked.out / name,
                )
                for name in asked.adapter or ADAPTERS
            ]
    except LeverError as error:
        report(str(error))
        return 2 if isinstance(error, BadInput) else 3
    print(json.dumps(cards, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
