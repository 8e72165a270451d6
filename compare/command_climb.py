"""``climb``: ask a scenario's test cases with one approach after another, the cheapest first."""

import argparse

from backends.errors import EngineStopped
from backends.scenario import load_scenario
from backends.types import Sampling
from compare.case_files import load_cases
from compare.climbing import Climbing, climbs, in_climbing_order, once_met, rungs_of
from compare.command import BROKEN, Outcome, say, started_engine, watch
from compare.command_ask import asked_lanes
from compare.command_verdict import add_terms, asked_terms, verdict_outcome
from compare.lane_names import lane_name
from compare.numbers import share
from compare.scenario_run import make_plan
from compare.store import store


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the command to the command line."""
    usual = Sampling()
    command = commands.add_parser(
        "climb", help="ask one approach after another, the cheapest first, and say which is enough"
    )
    command.add_argument("scenario", metavar="NAME")
    command.add_argument("--backends", default="", metavar="A,B", help="default: all that the scenario can")
    command.add_argument("--repeats", type=int, default=1, metavar="K", help="default: %(default)s")
    command.add_argument("--seed", type=int, default=0, metavar="S", help="default: %(default)s")
    command.add_argument("--mode", default="demo", metavar="MODE", help="demo (merged) or bench (one by one)")
    command.add_argument("--temperature", type=float, default=usual.temperature, metavar="T")
    command.add_argument("--first", type=int, metavar="N", help="only the first N test cases")
    command.add_argument("--all", action="store_true", help="go on where an approach already meets the bar")
    add_terms(command)
    return command


def run(options: argparse.Namespace) -> Outcome:
    """Climb, on the newest run that asked a part of this if there is one, and give the verdict.

    Raises:
        BadInput: there is no such scenario, or what is asked for can't be.
        EngineStopped: the model is not there.
    """
    scenario, terms = load_scenario(options.scenario), asked_terms(options)
    cases = [case for case in load_cases(scenario) if case.split == "test"]
    engine, status = started_engine()
    if status.state != "ready":
        raise EngineStopped(status.detail)
    rungs = rungs_of(scenario, cases, engine)
    for name, needs in rungs.left_out.items():
        say(f"{lane_name(name)} is left out: it needs {needs}.")
    lanes, terms = in_climbing_order(asked_lanes(options) or rungs.lanes, terms)
    plan = make_plan(
        scenario, lanes, which="test", first=options.first,
        repeats=options.repeats, seed=options.seed, mode=options.mode,
        sampling=Sampling(temperature=options.temperature),
    )  # fmt: skip
    going = climbs().start(
        plan, status.base_hash or status.model, enough=None if options.all else once_met(lanes, terms),
        store=store(), engine=engine,
    )  # fmt: skip
    seen = watch(going.wait, going.cancel, _line)
    outcome = verdict_outcome(seen.run_id, terms)
    if seen.enough_at:
        say(f"{lane_name(seen.enough_at)} meets the bar; nothing dearer was asked. --all goes on.")
    if seen.progress.state == "done":
        return outcome
    say(seen.progress.problem)
    return Outcome(document=outcome.document, text=outcome.text, exit_code=BROKEN)


def _line(seen: Climbing) -> str:
    ended = seen.progress.done + seen.progress.failed
    return f"{lane_name(seen.lane)}: {share(ended, seen.progress.planned)} calls"
