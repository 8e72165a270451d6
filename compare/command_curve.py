"""``curve``: how many examples are enough? Growing parts of them, several seeds, asked the test questions."""

import argparse

from backends.errors import BadInput, EngineStopped
from backends.scenario import load_scenario
from backends.training import ADAPTERS
from backends.training.recipes import PRESETS, STANDARD
from compare.before_after_words import interval
from compare.command import BROKEN, FINE, Outcome, say, started_engine
from compare.curve_figures import CurveFigures, curve_figures
from compare.curve_state import SEEDS, SIZES, Curve, curves, load_curve
from compare.curve_work import CurveView, LearningCurve
from compare.learning_curve import plan_curve
from compare.numbers import loss, percent, plural
from compare.statistics import Estimate
from compare.store import store
from compare.training_plan import stored_examples

PATIENCE_S = 0.5


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the command to the command line."""
    command = commands.add_parser("curve", help="how many training examples are enough?")
    command.add_argument("scenario", nargs="?", default="", metavar="SCENARIO")
    command.add_argument("--adapter", choices=ADAPTERS, default=ADAPTERS[0], help="default: %(default)s")
    sizes = ",".join(map(str, SIZES))
    command.add_argument("--sizes", default=sizes, metavar="A,B", help="default: %(default)s, and all")
    command.add_argument("--seeds", type=int, default=SEEDS, metavar="K", help="default: %(default)s")
    command.add_argument("--repeats", type=int, default=1, metavar="K", help="default: %(default)s")
    command.add_argument("--preset", choices=tuple(PRESETS), default=STANDARD)
    command.add_argument("--ratings", action="store_true", help="learn from the examples made from ratings")
    command.add_argument("--keep", action="store_true", help="leave the adapters in the registry")
    command.add_argument("--resume", metavar="CURVE", help="go on with one that was stopped or cut short")
    command.add_argument("--show", action="store_true", help="only show the scenario's newest curve")
    return command


def run(options: argparse.Namespace) -> Outcome:
    """Train, ask, and show the figures. Ctrl-C pauses; the curve can go on later.

    Raises:
        BadInput: unknown scenario or curve, too few examples, or nothing to ask.
        EngineStopped: the model is not there.
    """
    if options.show:
        known = curves(options.scenario)
        if not known:
            raise BadInput(f"There is no learning curve of {options.scenario!r}.", "Make one without --show.")
        return _outcome(known[0])
    curve = load_curve(options.resume) if options.resume else _planned(options)
    if curve.ended:
        return _outcome(curve)
    engine, status = started_engine()
    if status.state != "ready":
        raise EngineStopped(status.detail)
    say(f"Learning curve {curve.id}")
    work = LearningCurve(curve, store=store(), engine=engine)
    work.begin()
    view = _follow(work)
    if view.problem:
        say(view.problem)
        say(f"Go on by: python -m compare curve --resume {curve.id}")
    return _outcome(view.curve)


def _planned(options: argparse.Namespace) -> Curve:
    if not options.scenario:
        raise BadInput("Name a scenario, or a learning curve to go on with by --resume.")
    try:
        sizes = [int(size) for size in options.sizes.split(",")]
    except ValueError as error:
        raise BadInput(f"--sizes {options.sizes!r} are no numbers.", "Write them like 25,50,100.") from error
    scenario = load_scenario(options.scenario)
    return plan_curve(
        scenario,
        options.adapter,
        stored_examples(scenario, "ratings" if options.ratings else "scenario"),
        sizes=sizes,
        seeds=options.seeds,
        repeats=options.repeats,
        preset=options.preset,
        keep=options.keep,
        by="command line",
    )


def _follow(work: LearningCurve) -> CurveView:
    told = ""
    while True:
        try:
            view = work.wait(PATIENCE_S)
            if view.detail not in ("", told):
                told = view.detail
                say(f"{percent(view.share)}  {told}")
            if not view.going:
                return view
        except KeyboardInterrupt:
            say("Pausing ...")
            work.pause()


def _outcome(curve: Curve) -> Outcome:
    found = curve_figures(curve)
    document: dict[str, object] = {
        "id": curve.id,
        "scenario": curve.scenario,
        "adapter": curve.kind,
        "state": curve.ended or "open",
        "seeds": found.seeds,
        "runs": [round.run for round in curve.rounds if round.run],
        "without_adapter": _estimate(found.bare),
        "sizes": [
            {
                "examples": one.size,
                "right": _estimate(one.passes),
                "by_seed": list(one.by_seed),
                "held_out_loss": one.held_out,
                "to_largest": _estimate(one.to_largest),
            }
            for one in found.sizes
        ],
        "kind": found.kind,
        "enough": found.enough,
        "sentence": found.sentence,
    }
    return Outcome(document=document, text=_text(curve, found), exit_code=FINE if curve.ended else BROKEN)


def _estimate(found: Estimate | None) -> dict[str, object] | None:
    return None if found is None else {"mean": found.value, "interval": [found.low, found.high]}


def _text(curve: Curve, found: CurveFigures) -> str:
    lines = [f"{curve.scenario}/{curve.kind}, {plural(found.seeds, 'seed')}: {found.sentence}"]
    if found.bare is not None:
        lines.append(f"  without an adapter: right {percent(found.bare.value)}")
    for one in found.sizes:
        rest = f", all add {interval(one.to_largest)}" if one.to_largest else ""
        right = percent(one.passes.value) if one.passes else "nothing judged"
        held_out = loss(one.held_out)
        lines.append(f"  {plural(one.size, 'example')}: right {right}, held-out loss {held_out}{rest}")
    return "\n".join(lines)
