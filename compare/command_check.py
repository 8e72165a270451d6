"""``check``: what a CSV file would become, and every row that can't be used, before anything is asked."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from backends.errors import BadInput
from compare.command import BAD_INPUT, FINE, GATE_FAILED, Outcome
from compare.csv_import import Imported, import_cases
from compare.csv_mapping import TARGETS
from compare.csv_rows import Preview, RowProblem, preview
from compare.numbers import plural

SHOWN = 50
"""Problems that are printed for people; the document has all that are kept."""


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the command to the command line."""
    command = commands.add_parser("check", help="check the rows of a CSV file of cases")
    command.add_argument("file", metavar="FILE.csv")
    add_column_option(command)
    return command


def add_column_option(command: argparse.ArgumentParser) -> None:
    """The option that says which header is which known column."""
    command.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="KNOWN=HEADER",
        help="which header is which column, such as query=Question; repeatable",
    )


def run(options: argparse.Namespace) -> Outcome:
    """Read all rows by the proposed mapping, or the one that is given.

    Raises:
        BadInput: the file can't be read as a table, or no column is the query.
    """
    seen, mapping = opened(Path(options.file), options.column)
    found = import_cases(seen, mapping)
    document: dict[str, object] = {
        "rows": found.rows,
        "usable": len(found.cases),
        "encoding": seen.table.encoding,
        "delimiter": seen.table.delimiter,
        "mapping": mapping,
        "problems": [asdict(problem) for problem in found.problems],
    }
    code = FINE if not found.n_problems else GATE_FAILED if found.cases else BAD_INPUT
    return Outcome(document=document, text=_text(seen, mapping, found), exit_code=code)


def opened(path: Path, columns: Sequence[str]) -> tuple[Preview, dict[str, str]]:
    """A file with its mapping: as proposed, changed by what ``columns`` say ("query=Question").

    Raises:
        BadInput: there is no such file, it is no table, or a column is not written like that.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"The file {path} can't be read: {error.strerror or error}.") from error
    seen = preview(data)
    return seen, {**seen.mapping, **dict(_column(column) for column in columns)}


def said(problem: RowProblem) -> str:
    """A problem as one line for people."""
    where = f"line {problem.line}" if problem.line else "file"
    column = f", {problem.column}" if problem.column else ""
    return f"{where}{column}: {problem.reason}. {problem.fix}"


def _column(text: str) -> tuple[str, str]:
    known, equals, header = text.partition("=")
    if not equals or known.strip() not in TARGETS:
        raise BadInput(
            f"{text!r} names no column.", f"Write it like query=Question; known are {', '.join(TARGETS)}."
        )
    return known.strip(), header.strip()


def _text(seen: Preview, mapping: dict[str, str], found: Imported) -> str:
    mapped = ", ".join(f"{known} = {header!r}" for known, header in mapping.items())
    kept = [header for header in seen.headers if header not in mapping.values()]
    lines = [
        f"{plural(found.rows, 'row')}, {len(found.cases):,} usable; {seen.table.encoding}, "
        f"delimiter {seen.table.delimiter!r}",
        f"columns: {mapped}" + (f"; kept beside: {', '.join(kept)}" if kept else ""),
        *[said(problem) for problem in found.problems[:SHOWN]],
    ]
    if found.n_problems > SHOWN:
        lines.append(f"and {found.n_problems - SHOWN:,} more; --json has them")
    return "\n".join(lines)
