"""A scenario under another base model: which of its adapters are for another one, what they learnt from, and
which run is to be asked again. Nothing here trains or asks; ``rebasing.py`` does.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from backends.adapter_places import MARK
from backends.adapters import EXAMPLES, Registered, registered
from backends.engine.base import EngineStatus
from backends.errors import EngineStopped
from backends.scenario import Scenario
from backends.training import ADAPTERS, Recipe
from backends.training.examples import examples_path
from backends.training.jobs import TrainingJob, is_running, jobs
from backends.training.progress import RESUMABLE, view
from compare.lanes import backend_of, parts_of
from compare.plan import Plan
from compare.store import Store

LOOKED_AT = 200
"""The newest runs, among which one of another base is looked for."""


@dataclass(frozen=True, kw_only=True)
class ToTrain:
    """A kind that has no adapter for the loaded base. ``foreign`` is the one that answered so far, None when
    there was none; ``examples`` is what it is to learn from; ``begun`` a training for this base that is going
    on or can be taken up.
    """

    kind: str
    foreign: Registered | None
    examples: Path
    begun: TrainingJob | None = None


@dataclass(frozen=True, kw_only=True)
class AnotherBase:
    """What it takes to bring a scenario to the loaded ``base``; its adapters were ``trained_for`` others.

    ``to_use`` are adapters for this base that are there and not in use; ``no_examples`` the kinds that can't
    be trained. ``repeats`` is the run that is asked again by ``plan``, ``begun_run`` its repetition that was
    begun and interrupted, ``asked_again`` one that is done; each None when there is none.
    """

    scenario: Scenario
    base: str
    note: str
    trained_for: tuple[str, ...]
    to_train: tuple[ToTrain, ...]
    to_use: tuple[Registered, ...]
    no_examples: tuple[str, ...]
    repeats: str | None = None
    plan: Plan | None = None
    begun_run: str | None = None
    asked_again: str | None = None

    @property
    def adapters_fit(self) -> bool:
        """Whether every adapter that answers is for the loaded base."""
        return not (self.to_train or self.to_use or self.no_examples)


def another_base(scenario: Scenario, status: EngineStatus, store: Store) -> AnotherBase:
    """What is to be done for the base that the engine has loaded; what was done already is left out.

    Raises:
        EngineStopped: no base is loaded.
        StoreUnavailable: the runs can't be looked through.
    """
    if status.state != "ready":
        raise EngineStopped(status.detail)
    note = f"trained again for {status.model} {status.base_hash[:8]}"
    repeats = _run_of_another_base(scenario, status, store)
    plan = None if repeats is None else _again(store.stored_run(repeats).plan)
    known = registered(scenario)
    used = {one.kind for one in known} | {backend_of(lane) for lane in (plan.lanes if plan else ())}
    to_train: list[ToTrain] = []
    to_use: list[Registered] = []
    foreign: list[Registered] = []
    no_examples: list[str] = []
    for kind in (kind for kind in ADAPTERS if kind in used):
        of_kind = [one for one in known if one.kind == kind]
        in_use = next((one for one in of_kind if one.in_use), None)
        if in_use is not None and fits(in_use, status):
            continue
        foreign += [in_use] if in_use is not None else []
        fitting = [one for one in of_kind if fits(one, status)]
        examples = _learnt_from(scenario, in_use)
        if fitting:
            to_use.append(fitting[-1])
        elif examples is None:
            no_examples.append(kind)
        else:
            begun = _begun(scenario, kind, note)
            to_train.append(ToTrain(kind=kind, foreign=in_use, examples=examples, begun=begun))
    plan = _without(plan, no_examples)
    found = AnotherBase(
        scenario=scenario,
        base=status.model,
        note=note,
        trained_for=tuple(dict.fromkeys(one.card.base_model or "another model" for one in foreign)),
        to_train=tuple(to_train),
        to_use=tuple(to_use),
        no_examples=tuple(no_examples),
        repeats=repeats if plan else None,
        plan=plan,
    )
    return _asked_since(found, known, status, store)


def fits(one: Registered, status: EngineStatus) -> bool:
    """Whether the loaded base would take the adapter, as far as its card tells."""
    card = one.card
    same_template = card.template_hash in ("", status.template_hash) or not status.template_hash
    return not one.problem and card.base_hash == status.base_hash and same_template


def recipe_changes(one: Registered | None, device: str) -> dict[str, int | float | str]:
    """The recipe that an adapter was trained by, to train by again; 4 bits only where the device can."""
    known = {field.name for field in fields(Recipe)}
    said = {} if one is None else {key: value for key, value in one.card.recipe.items() if key in known}
    return {**said, "four_bit": False} if not device.startswith("cuda") else said


def _learnt_from(scenario: Scenario, one: Registered | None) -> Path | None:
    """The examples beside an adapter, else the scenario's; None when there are neither."""
    beside = [] if one is None else [one.folder / EXAMPLES]
    return next((path for path in (*beside, examples_path(scenario)) if path.is_file()), None)


def _begun(scenario: Scenario, kind: str, note: str) -> TrainingJob | None:
    """A training for this base that runs, or stopped where it can be taken up."""
    known = (job for job in jobs(scenario.name) if (job.kind, job.note) == (kind, note))
    return next((job for job in known if is_running(job) or view(job).state in RESUMABLE), None)


def _run_of_another_base(scenario: Scenario, status: EngineStatus, store: Store) -> str | None:
    """The newest finished run of the scenario's cases that another base answered."""
    for line in store.measured_runs(LOOKED_AT):
        if (line.scenario, line.status, line.query) == (scenario.name, "done", ""):
            produced = store.provenance(line.id)
            if produced is not None and produced.base_hash != status.base_hash:
                return line.id
    return None


def _again(plan: Plan) -> Plan:
    """The same run with whatever adapter is in use: the numbered ones are for the other base, and another
    scenario's are not trained here.
    """
    own = (lane for lane in plan.lanes if parts_of(lane)[2] in (None, plan.scenario))
    return replace(plan, lanes=tuple(dict.fromkeys(lane.partition(MARK)[0] for lane in own)))


def _without(plan: Plan | None, kinds: Collection[str]) -> Plan | None:
    """The run without the lanes of these kinds; None when no lane is left."""
    if plan is None:
        return None
    lanes = tuple(lane for lane in plan.lanes if backend_of(lane) not in kinds)
    return replace(plan, lanes=lanes) if lanes else None


def _asked_since(
    found: AnotherBase, known: Sequence[Registered], status: EngineStatus, store: Store
) -> AnotherBase:
    """With the run of this plan on the loaded base that is there already, whole or begun. One that other
    adapters answered than those in use does not count.
    """
    if found.plan is None or found.to_train:
        return found
    used = {one.kind: one.key for one in (*(one for one in known if one.in_use), *found.to_use)}
    in_use = {key for kind, key in used.items() if kind in map(backend_of, found.plan.lanes)}
    for line in store.measured_runs(LOOKED_AT):
        if line.scenario != found.scenario.name or line.query or line.lanes != found.plan.lanes:
            continue
        produced = store.provenance(line.id)
        if produced is None or produced.base_hash != status.base_hash:
            continue
        there = {one.key for one in produced.adapters}
        if store.stored_run(line.id).plan != found.plan:
            continue
        if line.status == "interrupted" and there <= in_use:
            return replace(found, begun_run=line.id)
        if line.status == "done" and in_use <= there:
            return replace(found, asked_again=line.id)
    return found
