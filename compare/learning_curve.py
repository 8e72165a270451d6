"""How many examples are enough? Adapters are trained on growing parts of the examples, over several seeds,
and asked the test questions.

All of it really happens, with the scenario's own recipe: each part is a training job like any other, each
seed's adapters are asked in one stored run. A seed's parts are nested, each holding the smaller ones, and
drawn by questions, so that no question is learnt in one part of itself. What is done is written down after
every step (``curve_state.py``), so that a curve goes on with what is missing after a pause or a crash.
"""

from collections.abc import Sequence
from contextlib import suppress

from backends.adapters import delete, find
from backends.engine.base import Engine, EngineStatus
from backends.errors import BadInput, EngineStopped
from backends.scenario import Scenario, load_scenario
from backends.training.examples import Example, split
from backends.training.jobs import forget_job, load_job
from backends.training.recipes import STANDARD, check_recipe
from compare.case_files import load_cases
from compare.curve_state import SEEDS, SIZES, Curve, carried_out, create_curve, load_curve
from compare.training_plan import Examples, recipe_of
from compare.training_set import kept_out_of_test


def plan_curve(
    scenario: Scenario,
    kind: str,
    found: Examples,
    *,
    sizes: Sequence[int] = SIZES,
    seeds: int = SEEDS,
    repeats: int = 1,
    preset: str = STANDARD,
    keep: bool = False,
    by: str = "",
) -> Curve:
    """Write down a curve over the sizes that there are examples for; the last size is all of them.

    Raises:
        BadInput: there are too few examples, no test cases, or the recipe can't be used.
    """
    many = len(found.examples)
    if not any(case.split == "test" for case in kept_out_of_test(scenario.name, load_cases(scenario))):
        raise BadInput(f"The scenario {scenario.name} has no test cases.", "Add some to its cases.csv.")
    if not any(size < many for size in sizes):
        raise BadInput(
            f"{many} examples are too few for a learning curve from {min(sizes, default=0)} on.",
            "Add examples, or choose smaller sizes.",
        )
    check_recipe(kind, recipe_of(scenario, kind, preset, {}))
    there = [*(size for size in sizes if size < many), many]
    data = found.to_train_on()
    return create_curve(
        scenario.name, kind, data, there, seeds=seeds, repeats=repeats, preset=preset, keep=keep, by=by
    )


def part_of(examples: Sequence[Example], size: int, seed: int) -> tuple[Example, ...]:
    """About ``size`` of the examples, drawn by their questions as :func:`split` draws: what a smaller size
    draws with the same seed is among them.
    """
    if size >= len(examples):
        return tuple(examples)
    return split(examples, 1 - size / len(examples), seed)[0]


def require_same_base(curve: Curve, status: EngineStatus) -> None:
    """Adapters of two models are no curve.

    Raises:
        EngineStopped: no model is there.
        BadInput: it was begun with another one.
    """
    if status.state != "ready":
        raise EngineStopped(status.detail)
    if curve.base_hash not in ("", status.base_hash):
        raise BadInput(
            f"This learning curve was begun with another base model; now {status.model} is loaded.",
            "Set LEVER_MODEL to the first one, or begin a new curve.",
        )


def delete_adapters(curve: Curve, engine: Engine | None = None) -> int:
    """Delete what a curve trained that nobody carries out; see :func:`delete_trained`.

    Raises:
        BadInput: it goes on, there is no such curve by now, or an adapter can't be deleted.
    """
    with carried_out(curve):
        return delete_trained(load_curve(curve.id), engine)


def delete_trained(curve: Curve, engine: Engine | None = None) -> int:
    """Delete what a curve trained, adapters and trainings, but for an adapter that somebody put in use; gives
    how many adapters are gone. Only for who carries it out.

    Raises:
        BadInput: one can't be deleted.
    """
    scenario, gone = load_scenario(curve.scenario), 0
    for number in curve.adapters:
        place = find(scenario, curve.kind, number)
        if place.in_use:
            continue
        delete(scenario, number)
        if engine is not None:
            with suppress(EngineStopped):
                engine.unload_adapter(place.key)
        gone += 1
    for round in curve.rounds:
        for one in round.trainings:
            with suppress(BadInput):  # It was deleted before.
                forget_job(load_job(one.job))
    return gone
