"""``train``: make a scenario's adapters anew for the current base, in a process of their own."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from backends.errors import LeverError
from backends.scenario import load_scenario
from backends.training import ADAPTERS
from compare.command import BAD_INPUT, BROKEN, FINE, Outcome


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the command to the command line."""
    command = commands.add_parser("train", help="train a scenario's adapters for the current base model")
    command.add_argument("scenario")
    command.add_argument("--adapter", choices=ADAPTERS, help="only this one; all when left out")
    command.add_argument("--examples", type=Path, help="learn from this file instead of the scenario's")
    return command


def run(options: argparse.Namespace) -> Outcome:
    """Train and give the adapters' cards; the process shows its progress on standard error.

    Raises:
        BadInput: unknown scenario.
        LeverError: the training process broke.
    """
    scenario = load_scenario(options.scenario)
    command = [sys.executable, "-m", "backends.training", scenario.name]
    command += ["--adapter", options.adapter] if options.adapter else []
    command += ["--examples", str(options.examples.resolve())] if options.examples else []
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if ended.returncode == BAD_INPUT:
        return Outcome(document={"adapters": []}, text="Nothing was trained.", exit_code=BAD_INPUT)
    if ended.returncode:
        raise LeverError("The training process broke; its last line above says why.")
    cards = json.loads(ended.stdout)
    names = ", ".join(f"{scenario.name}/{card['adapter']}" for card in cards)
    code = FINE if cards else BROKEN
    return Outcome(document={"adapters": cards}, text=f"Trained: {names}.", exit_code=code)
