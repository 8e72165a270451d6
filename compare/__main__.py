"""The command line: ``python -m compare COMMAND``. What a command does stands in a file of its own.

Exit codes: 0 fine, 1 a gate failed, 2 bad input (one sentence on standard error), 3 no call is done or
something broke. ``--json`` prints one JSON document on standard output and nothing else there; progress goes
to standard error.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import NoReturn

from backends.engine.factory import stop_engine
from backends.errors import BadInput, LeverError
from compare import (
    command_adapters,
    command_ask,
    command_check,
    command_climb,
    command_curve,
    command_diff,
    command_distil,
    command_doctor,
    command_drill,
    command_export,
    command_helped,
    command_ratings,
    command_rebase,
    command_report,
    command_results,
    command_run,
    command_train,
    command_verdict,
)
from compare.command import BAD_INPUT, BROKEN, say

COMMANDS = (
    command_doctor,
    command_ask,
    command_check,
    command_run,
    command_results,
    command_diff,
    command_export,
    command_ratings,
    command_distil,
    command_train,
    command_adapters,
    command_helped,
    command_curve,
    command_rebase,
    command_report,
    command_drill,
    command_climb,
    command_verdict,
)
"""Adding a command is adding a module with ``register`` and ``run`` here."""


class _Parser(argparse.ArgumentParser):
    """One that answers a mistake with a sentence instead of its whole usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{message[:1].upper()}{message[1:]}. See: {self.prog} --help\n")


def parser() -> argparse.ArgumentParser:
    """The parser with all commands."""
    top = _Parser(
        prog="python -m compare", description="Compare prompting, retrieval and fine-tuning, headless."
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    for module in COMMANDS:
        command = module.register(commands)
        command.add_argument("--json", action="store_true", help="print one JSON document")
        command.set_defaults(run=module.run)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives its exit code."""
    options = parser().parse_args(arguments)
    try:
        with redirect_stdout(sys.stderr):  # Whatever a library prints is no part of the document.
            outcome = options.run(options)
    except BadInput as error:
        say(str(error))
        return BAD_INPUT
    except LeverError as error:
        say(str(error))
        return BROKEN
    except KeyboardInterrupt:
        say("Stopped.")
        return BROKEN
    except Exception as error:
        say(f"Something broke: {type(error).__name__}: {error}")
        return BROKEN
    finally:
        stop_engine()
    print(json.dumps(outcome.document, ensure_ascii=False, indent=2) if options.json else outcome.text)
    return int(outcome.exit_code)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(main())
