"""The training process.

``python -m backends.training --job ID`` carries out a job from wherever it stands; how it goes stands in
the job's folder. ``python -m backends.training SCENARIO [--adapter NAME] [--epochs N] ...`` makes what ships
anew: it writes into the scenario's folder. There the recipe is the usual one, changed by the scenario's
``[training.<adapter>]``, changed by the options; progress goes to standard error, the cards to standard
output as one JSON list. Exit codes: 0 fine, 2 bad input, 3 something broke.
"""

import argparse
import json
import sys
from argparse import BooleanOptionalAction
from contextlib import redirect_stdout
from dataclasses import fields
from pathlib import Path

from backends.errors import BadInput, LeverError
from backends.scenario import load_scenario
from backends.settings import settings
from backends.training import ADAPTERS, Epoch, Recipe, Step, Watch, Wish
from backends.training.jobs import load_job
from backends.training.make import make_adapter
from backends.training.progress import epoch_line
from backends.training.recipes import recipe_for
from backends.training.run import run_job


def parser() -> argparse.ArgumentParser:
    """One option for every field of :class:`Recipe`; None where it was not given."""
    options = argparse.ArgumentParser(
        prog="python -m backends.training", description="Train a scenario's adapters."
    )
    options.add_argument("scenario", nargs="?", default="")
    options.add_argument("--job", help="carry out this job, from wherever it stands")
    options.add_argument(
        "--adapter", choices=ADAPTERS, action="append", help="one of them; all when left out"
    )
    options.add_argument("--examples", type=Path, help="learn from this file instead of the scenario's")
    options.add_argument(
        "--out", type=Path, help="a folder to write the adapters to instead of the scenario's"
    )
    for field in fields(Recipe):
        name, told = f"--{field.name.replace('_', '-')}", f"default: the scenario's, else {field.default}"
        if isinstance(field.default, bool):
            options.add_argument(name, action=BooleanOptionalAction, help=told)
        else:
            options.add_argument(name, type=type(field.default), help=told)
    return options


class Lines:
    """Writes how it goes to standard error; nothing is wanted of the training."""

    def say(self, line: str) -> None:
        """Take a line for people."""
        print(line, file=sys.stderr, flush=True)

    def step(self, step: Step) -> None:
        """Steps are too many for people."""

    def epoch(self, epoch: Epoch, left_s: float | None) -> None:
        """Take a measured epoch."""
        self.say(epoch_line(epoch, left_s))

    def wish(self) -> Wish:
        """Nobody can ask for anything."""
        return "go on"


def main(arguments: list[str] | None = None) -> int:
    """Train what was asked for; returns the exit code."""
    asked = parser().parse_args(arguments)
    watch = Lines()
    try:
        with redirect_stdout(sys.stderr):  # Whatever a library prints is no card.
            if asked.job:
                run_job(load_job(asked.job), settings())
                return 0
            cards = _make(asked, watch)
    except LeverError as error:
        watch.say(str(error))
        return 2 if isinstance(error, BadInput) else 3
    print(json.dumps(cards, indent=2))
    return 0


def _make(asked: argparse.Namespace, watch: Watch) -> list[dict[str, object]]:
    """Train a scenario's adapters into its folder."""
    scenario = load_scenario(asked.scenario)
    given = {field.name: getattr(asked, field.name) for field in fields(Recipe)}
    changes = {name: value for name, value in given.items() if value is not None}
    return [
        make_adapter(
            scenario,
            name,
            recipe_for(scenario, name, changes),
            settings(),
            watch,
            examples_file=asked.examples,
            out=asked.out and asked.out / name,
        )
        for name in asked.adapter or ADAPTERS
    ]


if __name__ == "__main__":
    sys.exit(main())
