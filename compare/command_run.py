"""``run``: all cases of a scenario to several backends, in the background of whatever else is asked."""

import argparse
from pathlib import Path

from backends.errors import BadInput, EngineStopped
from backends.scenario import NO_SCENARIO, load_scenario
from compare.cases import Case
from compare.command import BROKEN, FINE, GATE_FAILED, Outcome, say, started_engine, watch
from compare.command_ask import add_run_options, asked_lanes, asked_sampling
from compare.command_check import add_column_option, opened, said
from compare.command_results import MEASURES, outcome_of
from compare.csv_import import import_cases
from compare.csv_mapping import folded_header
from compare.gates import read_gate
from compare.numbers import plural, seconds, share
from compare.plan import Plan
from compare.scenario_run import Progress, ScenarioRun, make_plan, resume_scenario_run, start_scenario_run
from compare.store import store


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the command to the command line."""
    command = commands.add_parser("run", help="ask all backends all cases of a scenario")
    command.add_argument("cases", nargs="?", metavar="NAME|FILE.csv", help="a scenario, or a file of cases")
    command.add_argument(
        "--scenario",
        metavar="NAME",
        help="whose instructions, documents and adapters a file's cases are asked with; default: none",
    )
    add_column_option(command)
    command.add_argument("--good-rows", action="store_true", help="leave out the rows that can't be used")
    add_run_options(command)
    command.add_argument("--split", choices=("dev", "test", "all"), default="all", help="default: all cases")
    command.add_argument("--first", type=int, metavar="N", help="only the first N of them")
    command.add_argument("--resume", metavar="RUN", help="go on with a run that was interrupted")
    command.add_argument(
        "--gate", action="append", default=[], metavar="GATE", help='such as "rag.pass_rate>=0.8"; repeatable'
    )
    command.add_argument("--calls", action="store_true", help="with --json, give every call too")
    return command


def run(options: argparse.Namespace) -> Outcome:
    """Run, wait, and show the figures.

    Raises:
        BadInput: what is asked for can't be; nothing was run then.
        EngineStopped: the model is not there.
    """
    plan = None if options.resume else _plan(options)
    lanes = plan.lanes if plan else store().stored_run(options.resume).plan.lanes
    gates = [read_gate(text, lanes, MEASURES) for text in options.gate]
    engine, status = started_engine()
    if status.state != "ready":
        raise EngineStopped(status.detail)
    if plan is None:
        going = resume_scenario_run(options.resume, store=store(), engine=engine)
    else:
        if twin := store().twin_of(plan):
            say(f"Exactly this was run before as {twin}; this makes another run.")
        going = start_scenario_run(plan, store=store(), engine=engine)
    say(f"Run {going.id}")
    progress = follow(going)
    if progress.problem:
        say(progress.problem)
        say(f"Go on by: python -m compare run --resume {going.id}")
    kept = store()
    stored = kept.stored_run(going.id)
    outcome = outcome_of(stored, kept.vectors(stored), calls=options.calls)
    figures = outcome.document["backends"]
    failures = [failure for gate in gates if (failure := gate.failure(figures))]  # type: ignore[arg-type]
    for failure in failures:
        say(failure)
    code = BROKEN if progress.state != "done" or not progress.done else GATE_FAILED if failures else FINE
    return Outcome(document=outcome.document, text=outcome.text, exit_code=code)


def _plan(options: argparse.Namespace) -> Plan:
    if not options.cases:
        raise BadInput("Name a scenario or a file to run, or a run to resume.")
    is_file = options.cases.lower().endswith(".csv")
    scenario = load_scenario((options.scenario or NO_SCENARIO) if is_file else options.cases)
    return make_plan(
        scenario,
        asked_lanes(options),
        cases=_file_cases(options) if is_file else None,
        which=options.split,
        first=options.first,
        repeats=options.repeats,
        seed=options.seed,
        mode=options.mode,
        sampling=asked_sampling(options),
    )


def _file_cases(options: argparse.Namespace) -> list[Case]:
    """The file's cases. Guessed columns and bad rows are said, not passed over: a gate must not shrink."""
    seen, mapping = opened(Path(options.cases), options.column)
    guessed = {known: header for known, header in mapping.items() if folded_header(header) != known}
    given = {column.partition("=")[0].strip() for column in options.column}
    if left := [f"--column {known}={header!r}" for known, header in guessed.items() if known not in given]:
        raise BadInput("Some columns have other names than the known ones.", f"If so, add: {' '.join(left)}.")
    found = import_cases(seen, mapping)
    if found.n_problems and not options.good_rows:
        first = said(found.problems[0])
        raise BadInput(
            f"{plural(found.n_problems, 'problem')} in the file; the first: {first}",
            "See all by: python -m compare check. --good-rows runs the others.",
        )
    return found.cases


def follow(going: ScenarioRun) -> Progress:
    """Say how far a run is until it has ended; Ctrl-C stops it."""
    return watch(going.wait, going.cancel, _line, _left)


def _line(progress: Progress) -> str:
    return f"{share(progress.done + progress.failed, progress.planned)} calls"


def _left(progress: Progress) -> str:
    return "" if progress.left_s is None else f", about {seconds(1000 * progress.left_s)} left"
