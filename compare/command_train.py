"""``train``: check examples, train adapters in a process of their own, and ask the test questions before and
after.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from backends.adapters import Registered, registered
from backends.errors import BadInput
from backends.scenario import load_scenario
from backends.training import ADAPTERS, Recipe
from backends.training.jobs import TrainingJob, is_running, jobs
from backends.training.progress import TrainingView, epoch_line, view
from backends.training.recipes import PRESETS, STANDARD
from compare.case_files import load_cases
from compare.command import BAD_INPUT, BROKEN, FINE, Outcome, say
from compare.command_helped import asked_before_after
from compare.numbers import count, loss, percent, plural, seconds
from compare.training_data import TrainingDataReport
from compare.training_plan import Examples, checked, file_examples, planned, stored_examples
from compare.trainings import resume_training, start_training, stop_training

PATIENCE_S = 0.5
MOST_LINES = 8
"""Lines of a finding that are named."""
SETTINGS = ("epochs", "learning_rate", "batch_size", "rank", "alpha", "dropout", "layers", "held_out", "seed")
"""The fields of a recipe that have options of their own here."""


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the command to the command line."""
    command = commands.add_parser("train", help="train a scenario's adapters for the current base model")
    command.add_argument("scenario", nargs="?", default="")
    command.add_argument("--adapter", choices=ADAPTERS, help="only this one; all when left out")
    command.add_argument("--examples", type=Path, metavar="FILE", help="learn from this JSONL or CSV instead")
    command.add_argument("--ratings", action="store_true", help="learn from those made from ratings and runs")
    command.add_argument("--preset", choices=tuple(PRESETS), default=STANDARD)
    for field in fields(Recipe):
        if field.name in SETTINGS:
            name, kind = f"--{field.name.replace('_', '-')}", type(field.default)
            command.add_argument(name, type=kind, help="default: the preset's")
    command.add_argument("--rslora", action="store_true", help="scale by the root of the rank")
    command.add_argument("--four-bit", action="store_true", help="hold the base in 4 bits (CUDA only)")
    command.add_argument("--force", action="store_true", help="train although the check of the data refuses")
    command.add_argument("--clean", action="store_true", help="leave out the rows that the check found")
    command.add_argument("--check", action="store_true", help="only check the examples")
    command.add_argument("--keep-current", action="store_true", help="don't put the new adapter in use")
    command.add_argument("--unasked", action="store_true", help="don't ask the test questions afterwards")
    command.add_argument("--note", default="", help="for the adapter's card")
    command.add_argument("--resume", metavar="JOB", help="take up a training that was paused or cut short")
    command.add_argument("--list", action="store_true", help="show the trainings there are")
    return command


def run(options: argparse.Namespace) -> Outcome:
    """Check, train, and give the new adapters with their cards. Ctrl-C pauses; the job can be taken up.

    Raises:
        BadInput: unknown scenario or job, unusable examples, or a recipe that can't be.
        LeverError: the training process did not start.
    """
    if options.list:
        return _listed(options.scenario)
    if options.resume:
        return _outcome([_follow(resume_training(options.resume))], None, ask=not options.unasked)
    if not options.scenario:
        raise BadInput("Name a scenario to train for, or a training to take up with --resume.")
    scenario = load_scenario(options.scenario)
    if options.examples:
        found = file_examples(options.examples)
    else:
        found = stored_examples(scenario, "ratings" if options.ratings else "scenario")
    report = checked(scenario, found.examples)
    _say_findings(found, report)
    without = report.flagged if options.clean else frozenset[int]()
    if without:
        report = checked(scenario, [example for example in found.examples if example.line not in without])
        say(f"Without the {plural(len(without), 'row')} that the check found:")
        _say_findings(found, report)
    if options.check or (report.refuses and not options.force):
        code = BAD_INPUT if report.refuses else FINE
        document = {"adapters": [], "check": _check_document(found, report)}
        return Outcome(document=document, text=_verdict(report), exit_code=code)
    data = found.to_train_on(without)
    changes = {name: value for name in SETTINGS if (value := getattr(options, name)) is not None}
    changes |= {name: True for name in ("rslora", "four_bit") if getattr(options, name)}
    views: list[TrainingView] = []
    for kind in (options.adapter,) if options.adapter else ADAPTERS:
        job = planned(
            scenario, kind, data, preset=options.preset, changes=changes, use=not options.keep_current,
            by="command line", note=options.note,
        )  # fmt: skip
        say(f"Training {job.id}: {scenario.name}/{kind}")
        start_training(job)
        views.append(_follow(job))
        if views[-1].state != "done":
            break
    return _outcome(views, _check_document(found, report), ask=not options.unasked)


def _follow(job: TrainingJob) -> TrainingView:
    """Say how it goes until it ends or pauses."""
    told, line = 0, ""
    while True:
        going = is_running(job)
        try:
            seen = view(job)
            if seen.detail not in ("", line):
                line = seen.detail
                say(line)
            for epoch in seen.epochs[told:]:
                say(epoch_line(epoch, seen.left_s))
            told = len(seen.epochs)
            if not going:
                return seen
            time.sleep(PATIENCE_S)
        except KeyboardInterrupt:
            say("Pausing ...")
            if is_running(job):
                stop_training(job, keep=False)


def _outcome(views: Sequence[TrainingView], check: dict[str, object] | None, *, ask: bool) -> Outcome:
    """What was made, and whether it helped: the test questions with and without each new adapter."""
    made: list[Registered] = []
    lines, helped = [], {}
    for seen in views:
        job = seen.job
        if seen.state != "done":
            lines.append(seen.failure or f"The training {job.id} is {seen.state}.")
            lines.append(f"Take it up with: python -m compare train --resume {job.id}")
            continue
        scenario = load_scenario(job.scenario)
        adapter = next(one for one in registered(scenario) if one.number == seen.adapter)
        made.append(adapter)
        lines.append(_made_line(seen, adapter))
        if ask and any(case.split == "test" for case in load_cases(scenario)):
            found = asked_before_after(scenario, adapter.kind, adapter.number)
            helped[adapter.kind] = found.document
            lines.append(found.text)
    document: dict[str, object] = {
        "adapters": [_adapter_document(adapter) for adapter in made],
        "trainings": [_training_document(seen) for seen in views],
        "helped": helped,
        "check": check,
    }
    done = all(seen.state == "done" for seen in views)
    return Outcome(document=document, text="\n".join(lines), exit_code=FINE if done else BROKEN)


def _made_line(seen: TrainingView, adapter: Registered) -> str:
    first, card = seen.epochs[0].held_out, adapter.card
    use = "in use now" if adapter.in_use else "not in use"
    losses = f"held-out loss {loss(first)} before, {loss(card.held_out_loss)} after"
    speed = f"{count(card.tokens_per_second)} tokens a second"
    took = seconds(None if card.seconds is None else 1000 * card.seconds)
    return f"{adapter.scenario}/{adapter.kind} is adapter {adapter.number}, {use}: {losses}; {took}, {speed}."


def _adapter_document(adapter: Registered) -> dict[str, object]:
    card = asdict(adapter.card)
    return {
        "scenario": adapter.scenario, "adapter": adapter.kind, "number": adapter.number,
        "in_use": adapter.in_use, "folder": str(adapter.folder), **card,
    }  # fmt: skip


def _training_document(seen: TrainingView) -> dict[str, object]:
    return {
        "id": seen.job.id, "scenario": seen.job.scenario, "adapter": seen.job.kind, "state": seen.state,
        "share": seen.share, "number": seen.adapter, "failure": seen.failure or None,
    }  # fmt: skip


def _say_findings(found: Examples, report: TrainingDataReport) -> None:
    say(f"{found.name}: {plural(report.examples, 'example')}")
    for problem in found.problems[:MOST_LINES]:
        say(f"  line {problem.line}: {problem.reason}. {problem.fix}")
    if len(found.problems) > MOST_LINES:
        say(f"  and {plural(len(found.problems) - MOST_LINES, 'more row')} that can't be used")
    for one in report.findings:
        named = ", ".join(str(row.line) for row in one.rows[:MOST_LINES])
        more = ", ..." if len(one.rows) > MOST_LINES else ""
        say(f"  {one.severity}: {one.sentence}" + (f" Lines {named}{more}." if named else ""))


def _verdict(report: TrainingDataReport) -> str:
    if report.refuses:
        return "Nothing was trained. Mend the examples, or add --clean or --force."
    share = percent(len(report.flagged) / report.examples) if report.examples else percent(0.0)
    return f"These examples can be trained on; {share} of the rows have something to look at."


def _check_document(found: Examples, report: TrainingDataReport) -> dict[str, object]:
    return {
        "examples": report.examples,
        "different": report.different,
        "refuses": report.refuses,
        "problems": [asdict(problem) for problem in found.problems],
        "findings": [asdict(one) for one in report.findings],
    }


def _listed(scenario: str) -> Outcome:
    found = [view(job) for job in jobs(scenario or None)]
    rows = [_training_document(seen) for seen in found]
    lines = [
        f"{seen.job.id}  {seen.job.scenario}/{seen.job.kind}  {seen.state}, {percent(seen.share)}"
        for seen in found
    ]
    return Outcome(document={"trainings": rows}, text="\n".join(lines) or "There are no trainings yet.")
