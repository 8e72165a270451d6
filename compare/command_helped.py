"""``helped``: did an adapter help? The test questions with and without it; or what it forgot elsewhere."""

import argparse
from collections.abc import Mapping

from backends.adapters import registered
from backends.errors import BadInput, EngineStopped
from backends.scenario import Scenario, load_scenario
from backends.settings import settings
from compare.before_after import BeforeAfter, before_after, plan_before_after, plan_regression
from compare.before_after_words import interval, of_forgetting, of_help, of_leaked
from compare.command import BROKEN, FINE, Outcome, say, started_engine
from compare.command_run import follow
from compare.measured import StoredRun
from compare.numbers import ABSENT, percent, plural
from compare.plan import Plan
from compare.scenario_run import start_scenario_run
from compare.statistics import Estimate
from compare.store import store
from compare.twins import same_twin


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the command to the command line."""
    command = commands.add_parser("helped", help="ask the test questions with and without an adapter")
    command.add_argument("scenario", metavar="SCENARIO")
    command.add_argument("number", type=int, metavar="NUMBER", help="the adapter's; 0 is one that shipped")
    command.add_argument("--adapter", metavar="KIND", help="its kind, where the number is 0")
    command.add_argument("--against", type=int, metavar="N", help="the adapter to compare it with as well")
    command.add_argument("--repeats", type=int, default=1, metavar="K", help="default: %(default)s")
    command.add_argument("--seed", type=int, default=0, metavar="S", help="default: %(default)s")
    command.add_argument("--on", metavar="OTHER", help="ask another scenario's questions instead")
    return command


def run(options: argparse.Namespace) -> Outcome:
    """Ask and compare; a run that asked exactly this of the same before is taken as it is.

    Raises:
        BadInput: there is no such scenario or adapter, or nothing to ask.
        EngineStopped: the model is not there.
    """
    scenario = load_scenario(options.scenario)
    kind = _kind(scenario, options.number, options.adapter)
    asked = {"repeats": options.repeats, "seed": options.seed}
    if options.on:
        other = load_scenario(options.on)
        plan = plan_regression(other, scenario.name, kind, options.number, **asked)
        stored = _stored(plan)
        found = before_after(stored, *plan.lanes)
        return _outcome(stored, {plan.lanes[0]: (found, of_forgetting(found, other.title))})
    return asked_before_after(scenario, kind, options.number, options.against, **asked)


def asked_before_after(
    scenario: Scenario, kind: str, number: int, against: int | None = None, *, repeats: int = 1, seed: int = 0
) -> Outcome:
    """The test questions without an adapter, with the one ``against``, and with it.

    Raises:
        BadInput: there is no such adapter, or nothing to ask.
        EngineStopped: the model is not there.
    """
    plan = plan_before_after(scenario, kind, number, against, repeats=repeats, seed=seed)
    stored = _stored(plan)
    *others, after = plan.lanes
    each = {lane: before_after(stored, lane, after) for lane in others}
    said = {
        lane: (found, " ".join(filter(None, (of_help(found), of_leaked(stored, lane, after)))))
        for lane, found in each.items()
    }
    return _outcome(stored, said)


def _kind(scenario: Scenario, number: int, kind: str | None) -> str:
    kinds = [one.kind for one in registered(scenario) if one.number == number and kind in (None, one.kind)]
    if len(kinds) > 1:
        raise BadInput(f"Several adapters have the number {number}.", f"Add --adapter {kinds[0]}, say.")
    if not kinds:
        raise BadInput(
            f"The scenario {scenario.name} has no such adapter {number}.",
            f"Train one with: python -m compare train {scenario.name}",
        )
    return kinds[0]


def _stored(plan: Plan) -> StoredRun:
    kept = store()
    twin = same_twin(plan, _base(), kept)
    if twin is not None and kept.run_state(twin)[0] == "done":
        say(f"Exactly this was asked before: run {twin}.")
        return kept.stored_run(twin)
    engine, status = started_engine()
    if status.state != "ready":
        raise EngineStopped(status.detail)
    going = start_scenario_run(plan, store=kept, engine=engine)
    say(f"Run {going.id}")
    progress = follow(going)
    if progress.problem:
        say(progress.problem)
    return kept.stored_run(going.id)


def _base() -> str:
    """Of the base model, without loading it: its hash, or the name of a server's."""
    from backends.engine.loading import find_model, weights_hash

    if settings().engine_url:
        return started_engine()[1].model
    return weights_hash(find_model(settings()))


def _outcome(stored: StoredRun, each: Mapping[str, tuple[BeforeAfter, str]]) -> Outcome:
    document: dict[str, object] = {
        "run_id": stored.id,
        "scenario": stored.plan.scenario,
        "after": stored.plan.lanes[-1],
        "proof": stored.provenance and stored.provenance.proof,
        "before": {lane: _document(found, sentence) for lane, (found, sentence) in each.items()},
    }
    lines = []
    for lane, (found, sentence) in each.items():
        lines += [f"{lane} and {found.after}: {sentence}", *_lines(found)]
    code = FINE if stored.status == "done" else BROKEN
    return Outcome(document=document, text="\n".join([*lines, f"run {stored.id}"]), exit_code=code)


def _document(found: BeforeAfter, sentence: str) -> dict[str, object]:
    return {
        "sentence": sentence,
        "before": _estimate(found.before_rate),
        "after": _estimate(found.after_rate),
        "difference": _estimate(found.gain),
        "p_value": found.gain and found.gain.p_value,
        "checks": [
            {
                "name": one.name,
                "kind": one.kind,
                "before": _estimate(one.before),
                "after": _estimate(one.after),
                "difference": _estimate(one.gain),
            }
            for one in found.checks
        ],
        "failure_classes": {kind: list(counts) for kind, counts in found.classes.items()},
        "better": list(found.better),
        "worse": list(found.worse),
        "same": len(found.same),
    }


def _estimate(found: Estimate | None) -> dict[str, object] | None:
    return None if found is None else {"mean": found.value, "interval": [found.low, found.high]}


def _lines(found: BeforeAfter) -> list[str]:
    lines = [
        f"  {one.name}: {_share(one.before)}, then {_share(one.after)}, "
        f"{interval(one.gain) if one.gain else ABSENT}"
        for one in found.checks
    ]
    lines += [
        f"  {kind}: {plural(before, 'answer')}, then {after:,}"
        for kind, (before, after) in found.classes.items()
    ]
    return [*lines, f"  {plural(len(found.better), 'question')} better, {len(found.worse):,} worse"]


def _share(found: Estimate | None) -> str:
    return percent(None if found is None else found.value)
