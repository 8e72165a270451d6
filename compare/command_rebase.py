"""``rebase``: with another base model loaded, train a scenario's adapters for it and ask its cases again."""

import argparse

from backends.errors import EngineStopped
from backends.scenario import load_scenario
from compare.another_base import another_base
from compare.command import BROKEN, FINE, Outcome, started_engine, watch
from compare.numbers import percent, share
from compare.rebasing import RebaseProgress, Rebasing, rebasings
from compare.store import store


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the command to the command line."""
    command = commands.add_parser(
        "rebase", help="train a scenario's adapters for the loaded base model and ask its cases again"
    )
    command.add_argument("scenario")
    return command


def run(options: argparse.Namespace) -> Outcome:
    """Do what is left to do, in the order training, asking. Ctrl-C stops; the same command goes on.

    Raises:
        BadInput: there is no such scenario.
        EngineStopped: the model is not there.
    """
    scenario = load_scenario(options.scenario)
    engine, status = started_engine()
    if status.state != "ready":
        raise EngineStopped(status.detail)
    going = rebasings().start(scenario, store=store(), engine=engine, by="command line")
    progress = watch(going.wait, going.stop, _line)
    left = another_base(scenario, engine.status(), store())
    document = {
        "scenario": scenario.name,
        "model": progress.base,
        "trained_for": list(going.found.trained_for),
        "state": progress.state,
        "adapters": [
            {"kind": seen.job.kind, "job": seen.job.id, "state": seen.state, "number": seen.adapter}
            for seen in progress.trainings
        ],
        "in_use_again": list(progress.used),
        "no_examples": list(left.no_examples),
        "repeats": progress.asked_before,
        "run_id": progress.run_id,
        "problem": progress.problem or None,
    }
    code = FINE if progress.state == "done" else BROKEN
    return Outcome(document=document, text=_text(going, progress), exit_code=code)


def _line(progress: RebaseProgress) -> str:
    if progress.asked is not None:
        asked = progress.asked
        return f"Asking again: {share(asked.done + asked.failed, asked.planned)} calls"
    if not progress.trainings:
        return f"For {progress.base}: {share(0, progress.to_train)} adapters are trained"
    seen = progress.trainings[-1]
    place = share(len(progress.trainings), progress.to_train)
    return f"Training {seen.job.kind}, {place}: {percent(seen.share)}"


def _text(going: Rebasing, progress: RebaseProgress) -> str:
    scenario = going.found.scenario.name
    if progress.state != "done":
        return f"{progress.problem} Go on by: python -m compare rebase {scenario}".strip()
    lines = [
        f"{scenario}/{seen.job.kind} is adapter {seen.adapter}, in use now." for seen in progress.trainings
    ]
    lines += [f"{key} is in use again." for key in progress.used]
    lines += [f"{kind} has no examples to learn from." for kind in going.found.no_examples]
    if not lines:
        lines.append(f"The adapters of {scenario} are for {progress.base} already.")
    if progress.run_id is not None:
        lines.append(
            f"Compare by: python -m compare diff {progress.asked_before or 'RUN_A'} {progress.run_id}"
        )
    else:
        lines.append("No finished run of another base model is stored, so no cases were asked.")
    return "\n".join(lines)
