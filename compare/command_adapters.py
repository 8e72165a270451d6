"""``adapters``: a scenario's adapters: list, choose, delete, give away, take in."""

import argparse
from pathlib import Path

from backends.adapter_zip import export_zip, import_zip
from backends.adapters import Registered, delete, registered, use
from backends.errors import BadInput
from backends.scenario import Scenario, load_scenario
from backends.training import ADAPTERS
from compare.command import Outcome, started_engine
from compare.numbers import loss, plural, size


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the command to the command line."""
    command = commands.add_parser("adapters", help="list, choose, delete, export and import adapters")
    command.add_argument("scenario")
    does = command.add_mutually_exclusive_group()
    does.add_argument(
        "--use", nargs=2, metavar=("KIND", "NUMBER"), help="answer with this one from now on; 0: as shipped"
    )
    does.add_argument("--delete", type=int, metavar="NUMBER", help="delete one that was trained or imported")
    does.add_argument("--export", type=int, metavar="NUMBER", help="write one as a zip file; needs --out")
    does.add_argument("--import", dest="take", type=Path, metavar="FILE.zip", help="take one in, if it fits")
    command.add_argument("--out", type=Path, metavar="FILE.zip", help="where to export to")
    command.add_argument("--kind", choices=ADAPTERS, default="", help="of an import that does not say it")
    command.add_argument(
        "--vouch", action="store_true", help="an import without a card is for this base model, as you know"
    )
    return command


def run(options: argparse.Namespace) -> Outcome:
    """Do what is asked for, then list what there is.

    Raises:
        BadInput: there is no such scenario or adapter, or a file can't be read, written or taken in.
        EngineStopped: an import needs the model, and there is none.
    """
    scenario = load_scenario(options.scenario)
    said = _done(scenario, options)
    found = registered(scenario)
    lines = [said, *map(_line, found)] if said else [*map(_line, found)]
    text = "\n".join(lines) or f"The scenario {scenario.name} has no adapters."
    return Outcome(document={"scenario": scenario.name, "adapters": [_row(one) for one in found]}, text=text)


def _done(scenario: Scenario, options: argparse.Namespace) -> str:
    """A sentence on what was done; empty when nothing was asked for."""
    if options.use:
        kind, number = options.use
        if kind not in ADAPTERS or not number.isdecimal():
            raise BadInput(f"Nothing is called {kind} {number}.", "Write it like --use lora 2.")
        use(scenario, kind, int(number))
        return f"From now on, {kind} answers with {f'adapter {number}' if int(number) else 'what ships'}."
    if options.delete is not None:
        return delete(scenario, options.delete)
    if options.export is not None:
        return _exported(scenario, options.export, options.out)
    if options.take is not None:
        try:
            data = options.take.read_bytes()
        except OSError as error:
            raise BadInput(f"{options.take} can't be read: {error.strerror or error}.") from error
        engine, _ = started_engine()
        one = import_zip(scenario, data, engine=engine, kind=options.kind, vouched=options.vouch)
        return f"Taken in as adapter {one.number}; ask it as {one.kind}+{one.number}."
    return ""


def _exported(scenario: Scenario, number: int, out: Path | None) -> str:
    if out is None:
        raise BadInput("Nothing says where to export to.", "Add --out FILE.zip.")
    one = next((one for one in registered(scenario) if one.number == number > 0), None)
    if one is None:
        raise BadInput(f"The scenario {scenario.name} has no adapter {number} of its own.")
    data = export_zip(one)
    try:
        out.write_bytes(data)
    except OSError as error:
        raise BadInput(f"{out} can't be written: {error.strerror or error}.") from error
    return f"Adapter {number} stands in {out}."


def _row(one: Registered) -> dict[str, object]:
    card = one.card
    return {
        "kind": one.kind,
        "number": one.number,
        "key": one.key,
        "in_use": one.in_use,
        "held_out_loss": card.held_out_loss,
        "examples": card.examples.get("file"),
        "size_bytes": card.size_bytes,
        "trained_at": card.trained_at or None,
        "origin": card.origin,
        "note": card.note,
        "problem": one.problem or None,
    }


def _line(one: Registered) -> str:
    card = one.card
    parts = [
        f"{one.kind} {one.number or 'as shipped'}" + (" (in use)" if one.in_use else ""),
        f"held-out loss {loss(card.held_out_loss)}",
        plural(card.examples["file"], "example") if "file" in card.examples else "",
        size(card.size_bytes),
        card.trained_at[:10],
        card.note,
        f"it {one.problem}" if one.problem else "",
    ]
    return ", ".join(part for part in parts if part)
