"""A run that asked exactly the same, and was answered by the same: base model, adapters and documents."""

import hashlib
from collections.abc import Callable

from backends.adapter_card import said_by
from backends.adapter_places import CARD, WEIGHTS, Place
from backends.base import READS
from backends.scenario import load_scenario
from compare.lanes import open_lanes
from compare.live import Provenance
from compare.plan import Plan
from compare.provenance import knowledge_of
from compare.store import Store


def same_twin(plan: Plan, base: str, store: Store) -> str | None:
    """The newest run that asks exactly this plan of what is there now, still going on or ended; None when
    there is none. ``base`` is the hash of the base model's weights, or the name of a server's model.

    Raises:
        BadInput: the scenario, a version or an adapter is not there.
        StoreUnavailable: the store can't be used.
    """
    made = _made_now(plan, base, store)
    return next(filter(made, store.twins_of(plan)), None)


def same_part(plan: Plan, base: str, store: Store) -> str | None:
    """The newest run that asks a part of this plan of what is there now, and so can grow into it; otherwise
    as :func:`same_twin`.

    Raises:
        BadInput: the scenario, a version or an adapter is not there.
        StoreUnavailable: the store can't be used.
    """
    made = _made_now(plan, base, store)
    return next(filter(made, store.parts_of(plan)), None)


def _made_now(plan: Plan, base: str, store: Store) -> Callable[[str], bool]:
    """Whether a run was answered by what is there now, as far as it was begun."""
    scenario = load_scenario(plan.scenario)
    lanes = open_lanes(plan.lanes, scenario.with_texts(plan.texts), store)
    trained = [lane for lane in lanes if "adapter" in lane.backend.layers]
    places = {lane.name: lane.scenario.adapter_place(lane.backend.name) for lane in trained}
    hashes = {place.key: _weights(place) for place in places.values()}
    reads = any(READS & set(lane.backend.layers) for lane in lanes)
    knowledge = knowledge_of(scenario) if reads else None

    def made_now(run_id: str) -> bool:
        done = store.run_state(run_id)[0] == "done"
        made = store.provenance(run_id)
        if made is None:
            return not done
        asked = {places[lane].key for lane in store.lanes_of(run_id) if lane in places}
        return (
            (made.base_hash or made.model) == base
            and knowledge in (None, made.knowledge)
            and _same_adapters(made, {key: hashes[key] for key in asked}, whole=done)
        )

    return made_now


def _same_adapters(made: Provenance, now: dict[str, str], *, whole: bool) -> bool:
    """A run that is not ``whole`` may lack some of them; a server keeps their hashes to itself."""
    before = {adapter.key: adapter.hash for adapter in made.adapters}
    missing = not whole
    return all(before[key] in ("", digest) if key in before else missing for key, digest in now.items())


def _weights(place: Place) -> str:
    """The sha256 of an adapter's weights: its card's, by which the engine takes it; else the file's."""
    said = (said_by(place.folder / CARD) or {}).get("weights_sha256")
    if said:
        return str(said)
    weights = place.folder / WEIGHTS
    return hashlib.sha256(weights.read_bytes()).hexdigest() if weights.is_file() else ""
