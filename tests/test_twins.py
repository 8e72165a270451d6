"""A run counts as asked before only when the same model, adapters and documents answered it."""

from dataclasses import replace

import pytest

from backends.adapter_places import CARD
from backends.adapters import find
from backends.engine.base import AdapterInfo
from backends.engine.vetting import vet
from backends.errors import BadInput
from backends.scenario import load_scenario
from compare.live import Provenance
from compare.provenance import knowledge_of
from compare.scenario_run import make_plan
from compare.store import Store
from compare.twins import same_part, same_twin

BASE = "base"


@pytest.mark.parametrize("changed", ["", "base", "adapter", "documents", "no adapter"])
def test_what_answered_must_be_the_same(kept: Store, changed: str) -> None:
    scenario = load_scenario("ticket-routing")
    place = find(scenario, "lora", 0)
    assert (place.folder / CARD).is_file()
    info = AdapterInfo(
        key=place.key,
        scenario=scenario.name,
        name="lora",
        hash=vet(place.folder, place.key, ""),
        proof="passed",
    )
    made = Provenance(
        model="m", model_path="", base_hash=BASE, device="cpu", dtype="float32", threads=1, adapters=(info,),
        proof="passed", proof_reason="", versions={}, knowledge=knowledge_of(scenario),
    )  # fmt: skip
    other = {
        "": made,
        "base": replace(made, base_hash="another"),
        "adapter": replace(made, adapters=(replace(info, hash="another"),)),
        "documents": replace(made, knowledge="others"),
        "no adapter": replace(made, adapters=()),
    }
    plan = make_plan(scenario, ["rag", "lora+0"], first=1)
    kept.create_scenario_run("r", plan, grows=True)
    kept.set_provenance("r", other[changed])
    kept.finish_run("r")
    assert kept.twin_of(plan) == "r"
    assert same_twin(plan, BASE, kept) == ("r" if not changed else None)
    wider = replace(plan, lanes=("prompt", *plan.lanes), repeats=2)
    assert same_part(wider, BASE, kept) == ("r" if not changed else None)
    assert same_part(replace(wider, seed=7), BASE, kept) is None


def test_only_ladders_grow(kept: Store) -> None:
    plan = make_plan(load_scenario("ticket-routing"), ["prompt"], first=1)
    kept.create_scenario_run("r", plan)
    assert kept.parts_of(plan) == ()
    with pytest.raises(BadInput, match="asks something else"):
        kept.grow_run("r", plan)
