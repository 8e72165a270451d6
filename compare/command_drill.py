"""``drill``: change one fact in a document, and see which approach is right again, when, at what cost."""

import argparse
from collections.abc import Mapping

from backends.base import DEFAULT_BACKENDS
from backends.errors import BadInput, EngineStopped
from backends.knowledge.documents import document_paths, read_document
from backends.scenario import Scenario, load_scenario
from compare.command import BROKEN, FINE, Outcome, say, started_engine
from compare.command_ask import asked_lanes
from compare.drill import Drill, DrillView, plan_drill
from compare.drill_results import Answers, drill_document
from compare.drill_undo import put_back, to_put_back
from compare.knowledge_change import Change, scripted_change
from compare.lane_names import lane_name
from compare.lanes import check_lanes
from compare.numbers import plural, seconds, share
from compare.store import store

PATIENCE_S = 0.5
"""How often to look for progress (and to hear Ctrl-C), in seconds."""


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the command to the command line."""
    command = commands.add_parser("drill", help="change one fact and see who is right again, and when")
    command.add_argument("scenario", metavar="NAME")
    command.add_argument(
        "--document", metavar="FILE", help="the document to change; default: the scripted drill"
    )
    command.add_argument("--old", metavar="TEXT", help="what it says, once")
    command.add_argument("--new", metavar="TEXT", help="what it is to say instead")
    lanes = ",".join(DEFAULT_BACKENDS)
    command.add_argument("--backends", default=lanes, metavar="A,B", help="default: %(default)s")
    command.add_argument("--repeats", type=int, default=3, metavar="K", help="default: %(default)s")
    command.add_argument("--seed", type=int, default=0, metavar="S", help="default: %(default)s")
    command.add_argument(
        "--retrain", action="store_true", help="train LoRA again on the changed examples too"
    )
    command.add_argument("--keep", action="store_true", help="leave the change in place")
    command.add_argument("--put-back", action="store_true", help="only undo what an earlier drill changed")
    return command


def run(options: argparse.Namespace) -> Outcome:
    """Carry it out, show what it found, and put everything back.

    Raises:
        BadInput: what is asked for can't be; nothing was changed then.
        EngineStopped: the model is not there.
    """
    scenario = load_scenario(options.scenario)
    if options.put_back:
        document = to_put_back(scenario)
        put_back(scenario)
        said = f"{document} is as it was." if document else "There was nothing to put back."
        return Outcome(document={"put_back": document or None}, text=said)
    check_lanes(asked_lanes(options))
    if document := to_put_back(scenario):
        raise BadInput(
            f"An earlier drill changed {document}.",
            f"First: python -m compare drill {scenario.name} --put-back",
        )
    plan = plan_drill(
        scenario,
        _change(scenario, options),
        asked_lanes(options),
        repeats=options.repeats,
        seed=options.seed,
        retrain=options.retrain,
    )
    engine, status = started_engine()
    if status.state != "ready":
        raise EngineStopped(status.detail)
    drill = Drill(plan, store=store(), engine=engine)
    drill.begin()
    try:
        view = _follow(drill)
    finally:
        if drill.changed and not options.keep:
            put_back(scenario)
    if view.problem:
        say(view.problem)
    return Outcome(
        document=_document(view), text=_text(view), exit_code=FINE if view.stage == "done" else BROKEN
    )


def _change(scenario: Scenario, options: argparse.Namespace) -> Change:
    given = [options.document, options.old, options.new]
    if any(given) and not all(given):
        raise BadInput("A change needs --document, --old and --new.")
    name = options.document or (scenario.drill.document if scenario.drill else "")
    paths = {path.name: path for path in document_paths(scenario.knowledge)}
    if name and name not in paths:
        raise BadInput(f"{scenario.name} has no document {name!r}.", f"There are: {', '.join(paths)}.")
    text = read_document(paths[name]).text if name else ""
    if not any(given):
        return scripted_change(scenario, text)
    if text.count(options.old) != 1:
        raise BadInput(f"{name} does not say once: “{options.old}”.", "Give a longer piece of its text.")
    return Change(document=name, before=text, after=text.replace(options.old, options.new))


def _follow(drill: Drill) -> DrillView:
    told = ""
    while not (view := drill.view()).ended:
        said = f"{view.stage}: {view.detail}" if view.detail else view.stage
        if said != told:
            say(said)
            told = said
        try:
            drill.wait(PATIENCE_S)
        except KeyboardInterrupt:
            say("Stopping ...")
            drill.cancel()
    return view


def _document(view: DrillView) -> Mapping[str, object]:
    change = view.plan.change
    return {
        "scenario": view.plan.scenario,
        "stage": view.stage,
        "problem": view.problem or None,
        "document": change.document,
        "old": change.removed,
        "new": change.added,
        "cases": [one.before.id for one in view.plan.cases],
        "repeats": view.plan.repeats,
        "runs": dict(view.runs),
        "index_seconds": view.index_s,
        "training_seconds": dict(view.training_s),
        "examples_changed": view.examples_changed if view.plan.retrain else None,
        "backends": {found.lane: drill_document(found) for found in view.lanes},
    }


def _text(view: DrillView) -> str:
    change = view.plan.change
    lines = [
        f"{change.document}: “{change.removed}” became “{change.added}”.",
        f"{plural(len(view.plan.cases), 'case')}, asked {plural(view.plan.repeats, 'time')} each; "
        f"the index was in step after {seconds(_ms(view.index_s))}.",
        "",
    ]
    for found in view.lanes:
        stages = (("before", found.before), ("after", found.after), ("trained again", found.retrained))
        lines.append(f"{lane_name(found.lane)}: " + "; ".join(_said(*stage) for stage in stages if stage[1]))
        again = f"right again after {seconds(_ms(found.right_again_s))}"
        lines.append(f"   {again if found.right_again_s is not None else 'not right again'}")
        if found.now is not None:
            lines.append(f"   “{found.now.example}”")
    return "\n".join(lines)


def _said(stage: str, answers: Answers | None) -> str:
    if answers is None:
        return ""
    stale = f", {answers.stale} still say the old" if answers.stale else ""
    return f"{stage} {share(answers.right, answers.asked)} right{stale}"


def _ms(value: float | None) -> float | None:
    return None if value is None else 1000 * value
