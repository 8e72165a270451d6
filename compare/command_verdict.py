"""``verdict``: the cheapest lever that works, as a stored run shows it, or that it cannot be told yet."""

import argparse

from compare.command import Outcome
from compare.looks import look_at
from compare.store import store
from compare.terms import Terms


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the command to the command line."""
    command = commands.add_parser("verdict", help="say which lever of a run is the cheapest that works")
    command.add_argument("run_id", metavar="RUN")
    add_terms(command)
    return command


def add_terms(command: argparse.ArgumentParser) -> None:
    """The options of what a verdict is asked by."""
    usual = Terms()
    command.add_argument(
        "--bar", type=float, default=usual.bar, help="the share of right answers that is enough"
    )
    command.add_argument("--gain", type=float, default=usual.gain, help="the smallest gain worth paying")
    command.add_argument("--confidence", type=float, default=usual.confidence, help="default: %(default)s")
    command.add_argument("--order", default="", metavar="A,B,C", help="the approaches, cheapest first")


def asked_terms(options: argparse.Namespace) -> Terms:
    """What they say.

    Raises:
        BadInput: a number is out of range.
    """
    order = tuple(name.strip() for name in options.order.split(",") if name.strip())
    return Terms(bar=options.bar, gain=options.gain, confidence=options.confidence, order=order)


def run(options: argparse.Namespace) -> Outcome:
    """Decide from the store alone; a verdict that cannot tell yet is a verdict.

    Raises:
        BadInput: there is no such run, or what is asked cannot be.
    """
    return verdict_outcome(options.run_id, asked_terms(options))


def verdict_outcome(run_id: str, terms: Terms) -> Outcome:
    """A look at a stored run.

    Raises:
        BadInput: there is no such run, or what is asked cannot be.
    """
    kept = store()
    stored = kept.stored_run(run_id)
    found = look_at(stored, terms, kept)
    document: dict[str, object] = {
        "run_id": stored.id,
        "scenario": stored.plan.scenario,
        **found.look.document,
        "counted": found.counted,
        "stands": found.verdict is None,
        "note": found.note,
    }
    lines = [found.look.sentence, *([found.note] if found.note else []), f"run {stored.id}"]
    return Outcome(document=document, text="\n".join(lines))
