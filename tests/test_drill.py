"""One fact changes: which cases it touches, what is right then, and who is right again."""

import json
import shutil
from pathlib import Path

import pytest

from backends.adapters import DRILL_NOTE, delete, register, registered, use
from backends.engine.local import LocalEngine
from backends.errors import BadInput
from backends.knowledge import knowledge
from backends.knowledge.documents import read_document
from backends.knowledge.editing import (
    add_documents,
    changed_documents,
    remove_document,
    reset_documents,
    restorable,
    restore_document,
    write_document,
)
from backends.own_scenarios import create_scenario
from backends.scenario import Scenario, load_scenario
from backends.settings import ROOT
from compare.case_files import load_cases
from compare.cases import Case
from compare.drill import Drill, plan_drill
from compare.drill_results import Answers, LaneDrill
from compare.drill_takeaway import takeaway
from compare.drill_undo import alone, note_change, note_choice, put_back, to_put_back
from compare.drills import drills
from compare.knowledge_change import (
    Change,
    changed_examples,
    exchanged,
    scripted_change,
    touched_cases,
    with_answer,
)
from compare.store import Store
from tests.calls import unload


@pytest.fixture
def scenario() -> Scenario:
    return load_scenario("support-facts")


@pytest.fixture
def change(scenario: Scenario) -> Change:
    return scripted_change(scenario, read_document(scenario.knowledge / "warranty.md").text)


def edited(before: str, after: str, document: str = "a.md") -> Change:
    return Change(document=document, before=before, after=after)


def test_the_scripted_drill_touches_the_cases_about_its_fact_and_no_other(
    scenario: Scenario, change: Change
) -> None:
    assert change.removed == "The Pro plan includes a 2-year hardware warranty."
    assert change.added == "The Pro plan includes a 3-year hardware warranty."
    touched = touched_cases(load_cases(scenario), change, scenario)
    assert [one.before.id for one in touched] == ["warranty-pro-1", "warranty-pro-2", "warranty-pro-3"]
    for one in touched:
        assert one.after is not None
        assert one.after.expected == "3-year hardware warranty"
        assert one.after.checks == "contains_all: 3-year | hardware"
        assert one.after.query == one.before.query


@pytest.mark.parametrize(
    ("before", "after", "cell", "expected"),
    [
        ("You pay $37 a month.", "You pay $42 a month.", "number: 37", "number: 42"),
        ("Up to 11 months.", "Up to 12 months.", "contains_any: 11 months | 11-month",
         "contains_any: 12 months | 12-month"),
        ("Ask Mira Tolven.", "Ask Orla Venn.", "contains_all: Mira Tolven", "contains_all: Orla Venn"),
        ("The code is HX-214.", "The code is HX-990.", "contains_all: HX-214", "contains_all: HX-990"),
        ("We open at 8:30.", "We open at 9:15.", "contains_all: 8:30", "contains_all: 9:15"),
    ],
)  # fmt: skip
def test_what_is_right_after_is_the_old_with_the_words_exchanged(
    scenario: Scenario, before: str, after: str, cell: str, expected: str
) -> None:
    case = Case(id="a", query="?", checks=cell, source="a.md")
    (one,) = touched_cases([case], edited(before, after), scenario)
    assert one.after is not None
    assert one.after.checks == expected


def test_where_nobody_can_tell_what_is_right_a_person_must(scenario: Scenario) -> None:
    case = Case(id="a", query="Who?", checks="contains_all: Mira Tolven", source="a.md")
    change = edited("Ask Mira Tolven for it.", "Nobody is in charge.")
    (one,) = touched_cases([case], change, scenario)
    assert one.after is None
    with pytest.raises(BadInput, match="can't be told for 'a'"):
        plan_drill(scenario, change, ["prompt"], cases=[one])
    told = with_answer(one, "Nobody; ask | wait", scenario)
    assert told.after is not None
    assert (told.after.expected, told.after.checks) == (
        "Nobody; ask | wait", r"contains_all: Nobody\; ask \| wait"
    )  # fmt: skip
    assert with_answer(told, " ", scenario).after is None


def test_a_case_of_another_document_or_another_fact_is_not_touched(scenario: Scenario) -> None:
    change = edited("It lasts 2 years. It is blue.", "It lasts 3 years. It is blue.")
    cells = {
        "other": ("number: 2", "b.md"),
        "blue": ("contains_all: blue", "a.md"),
        "own": ("number: 2", "A.md"),
    }
    cases = [Case(id=id_, query="?", checks=cell, source=source) for id_, (cell, source) in cells.items()]
    assert [one.before.id for one in touched_cases(cases, change, scenario)] == ["own"]


def test_numbers_are_exchanged_where_they_stand_alone() -> None:
    change = edited("It is 2 years.", "It is 3 years.")
    assert exchanged("2-year, 12, 2.5, 3:02, v2, two 2.", change) == "3-year, 12, 2.5, 3:02, v2, two 3."
    assert exchanged("A lamp.", edited("A lamp.", r"A \1 hub.")) == r"A \ 1 hub."


def test_examples_that_the_change_made_wrong_say_the_new(scenario: Scenario, change: Change) -> None:
    said = (scenario.path / "examples.jsonl").read_text()
    touched = touched_cases(load_cases(scenario), change, scenario)
    new, count = changed_examples(said, change, touched, scenario)
    before = [line for line in said.split("\n") if line]
    after = [line for line in new.split("\n") if line]
    different = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert len(different) == count >= 10
    for a, b in different:
        assert json.loads(b)["messages"][-1]["content"] == change.added
        assert json.loads(a)["messages"][0] == json.loads(b)["messages"][0]
    assert changed_examples("not json\n", change, touched, scenario) == ("not json\n", 0)


def lane(name: str, after: tuple[int, int], seconds: float | None, retrained: tuple[int, int] | None = None):
    def answers(right: int, stale: int) -> Answers:
        return Answers(asked=9, right=right, stale=stale, failed=0, answer_s=0.4, example="x")

    return LaneDrill(
        lane=name,
        before=answers(9, 0),
        after=answers(*after),
        retrained=None if retrained is None else answers(*retrained),
        right_again_s=seconds,
        cost=None,
    )


@pytest.mark.parametrize(
    ("lanes", "said"),
    [
        (
            [lane("prompt", (0, 0), None), lane("rag", (8, 0), 1.1), lane("lora", (0, 8), None)],
            "RAG was right again after 1.10 s; LoRA still said the old.",
        ),
        (
            [lane("rag", (9, 0), 1.1), lane("hybrid", (9, 0), 1.2), lane("lora", (0, 8), 95.0, (8, 0))],
            "RAG and RAG + LoRA were right again after 1.20 s; LoRA still said the old. "
            "LoRA needed 95.0 s of training for it.",
        ),
        (
            [lane("lora", (0, 8), None, (1, 7))],
            "LoRA still said the old. Training again did not help.",
        ),
        ([lane("prompt", (0, 2), None)], "No approach was mostly right after the change."),
    ],
)
def test_the_drill_in_a_sentence(lanes: list[LaneDrill], said: str) -> None:
    assert takeaway(lanes) == said


@pytest.fixture(scope="module")
def pocket() -> LocalEngine:
    """The shipped model with the shipped adapters: the drill is about what they know."""
    from backends.settings import Settings

    engine = LocalEngine(Settings(threads=1, device="cpu"))
    engine.start()
    assert engine.wait_ready(240).state == "ready", engine.status().detail
    yield engine
    engine.stop()


def test_rag_is_right_again_at_once_while_lora_says_the_old(
    scenario: Scenario, change: Change, pocket: LocalEngine, kept: Store
) -> None:
    shipped = {path: path.read_bytes() for path in (ROOT / "scenarios").rglob("*") if path.is_file()}
    plan = plan_drill(scenario, change, ["prompt", "rag", "lora", "hybrid"], repeats=3)
    drill = Drill(plan, store=kept, engine=pocket)
    drill.begin()
    view = drill.wait(300)
    assert (view.stage, view.problem) == ("done", "")
    found = {one.lane: one for one in view.lanes}
    for name in ("rag", "hybrid"):
        assert found[name].before.mostly == found[name].after.mostly == "right"
        assert found[name].after.stale == 0
        assert 0 < found[name].right_again_s < 30
    assert found["lora"].before.mostly == "right"
    assert found["lora"].after.mostly == "stale"
    assert found["lora"].right_again_s is None
    assert found["prompt"].after.right == 0
    assert view.index_s is not None
    assert [kept.stored_run(run).name for run in view.runs.values()] == [
        "Drill: before the change", "Drill: after the change"
    ]  # fmt: skip
    assert to_put_back(scenario) == "warranty.md"
    now = {case.id: case.expected for case in load_cases(scenario)}
    assert now["warranty-pro-1"] == "3-year hardware warranty"
    assert now["warranty-solo-1"] == "9-month hardware warranty"
    assert "3-year" in read_document(scenario.knowledge / "warranty.md").text
    question = "What warranty does the Pro plan include?"
    assert "3-year" in knowledge().retrieve(scenario, question, pocket).passages[0].text
    with pytest.raises(BadInput, match="Put it back first"):
        drills().start(plan, store=kept, engine=pocket)
    put_back(scenario)
    assert (to_put_back(scenario), changed_documents(scenario)) == ("", {})
    assert load_cases(scenario)[0].expected == "2-year hardware warranty"
    assert "2-year" in knowledge().retrieve(scenario, question, pocket).passages[0].text
    assert {path: path.read_bytes() for path in shipped} == shipped
    put_back(scenario)  # nothing to undo is no error


def test_a_drill_that_is_cut_short_can_be_put_back(
    scenario: Scenario, change: Change, pocket: LocalEngine, kept: Store
) -> None:
    drill = Drill(plan_drill(scenario, change, ["prompt"], repeats=1), store=kept, engine=pocket)
    drill._edit()  # and then the process dies
    assert to_put_back(scenario) == "warranty.md"
    put_back(scenario)
    assert changed_documents(scenario) == {}


def test_an_edit_after_the_drill_is_not_lost_by_putting_back(
    scenario: Scenario, change: Change, pocket: LocalEngine, kept: Store
) -> None:
    Drill(plan_drill(scenario, change, ["prompt"], repeats=1), store=kept, engine=pocket)._edit()
    write_document(scenario, read_document(scenario.knowledge / "warranty.md"), "My own words.")
    with pytest.raises(BadInput, match="edited after the drill"):
        put_back(scenario)
    assert read_document(scenario.knowledge / "warranty.md").text == "My own words."
    assert to_put_back(scenario) == ""


def test_a_stopped_drill_says_so(
    scenario: Scenario, change: Change, pocket: LocalEngine, kept: Store
) -> None:
    drill = Drill(plan_drill(scenario, change, ["rag"], repeats=50), store=kept, engine=pocket)
    drill.cancel()
    drill.begin()
    view = drill.wait(120)
    assert view.stage == "stopped"
    assert "Stopped" in view.problem or "stopped" in view.problem
    assert to_put_back(scenario) == ""


def test_stopping_the_training_leaves_the_adapter_of_ones_own_scenario_as_it_was(
    scenario: Scenario, change: Change, pocket: LocalEngine, kept: Store
) -> None:
    made = create_scenario("Own facts")
    for part in ("knowledge", "adapters"):
        shutil.copytree(scenario.path / part, made.path / part)
    for name in ("cases.csv", "examples.jsonl"):
        shutil.copy(scenario.path / name, made.path / name)
    own = load_scenario(made.name)
    before = {path.name: path.read_bytes() for path in own.adapter("lora").iterdir()}
    drill = Drill(plan_drill(own, change, ["lora"], repeats=1), store=kept, engine=pocket)
    drill.begin()
    assert drill.wait(100).stage == "done"
    drill.train_again()
    drill.cancel()
    assert drill.wait(100).stage == "stopped"
    put_back(own)
    assert {path.name: path.read_bytes() for path in own.adapter("lora").iterdir()} == before


def test_what_a_drill_trained_goes_and_what_answered_before_answers_again_also_after_a_crash(
    scenario: Scenario, change: Change, tmp_path: Path
) -> None:
    made = shutil.copytree(scenario.path / "adapters" / "lora", tmp_path / "made")
    mine = register(scenario, made, use=True)

    def noted() -> None:
        note_change(scenario.name, change, ())

    def chosen() -> None:
        note_choice(scenario, "lora")

    def trained() -> None:
        register(scenario, made, use=True, facts={"note": DRILL_NOTE})

    def half_back() -> None:
        use(scenario, "lora", mine.number)  # and then the process that put it back dies

    steps = (noted, chosen, trained, chosen, trained, half_back)
    for done in range(1, len(steps) + 1):
        for step in steps[:done]:
            step()
        put_back(scenario)
        assert [one.number for one in registered(scenario) if one.number] == [mine.number]
        assert scenario.adapter("lora") == mine.folder
    for step in steps[:3]:
        step()
    another = register(scenario, made, use=True)  # Somebody chose another one meanwhile.
    put_back(scenario)
    assert scenario.adapter("lora") == another.folder
    for step in (noted, chosen, trained):
        step()
    delete(scenario, another.number)
    put_back(scenario)
    assert scenario.adapter("lora") == scenario.path / "adapters" / "lora"


def test_a_lane_with_a_certain_adapter_is_not_trained_again(
    scenario: Scenario, change: Change, ready_engine: LocalEngine, kept: Store
) -> None:
    plan = plan_drill(scenario, change, ["lora", "lora+0", "lora_short", "hybrid", "prompt"])
    assert Drill(plan, store=kept, engine=ready_engine).trainable() == ("lora", "lora_short")


def test_an_edit_while_the_drill_asks_is_not_overwritten(
    scenario: Scenario, change: Change, pocket: LocalEngine, kept: Store
) -> None:
    drill = Drill(plan_drill(scenario, change, ["prompt"], repeats=1), store=kept, engine=pocket)
    write_document(scenario, read_document(scenario.knowledge / "warranty.md"), "Of another session.")
    drill.begin()
    view = drill.wait(60)
    assert (view.stage, drill.changed) == ("stopped", False)
    assert "was edited meanwhile" in view.problem
    assert read_document(scenario.knowledge / "warranty.md").text == "Of another session."
    reset_documents(scenario)


def test_nothing_comes_between_a_drill_and_its_end(
    scenario: Scenario, change: Change, pocket: LocalEngine, kept: Store
) -> None:
    drill = Drill(plan_drill(scenario, change, ["prompt"], repeats=1), store=kept, engine=pocket)
    with alone(scenario.name):
        drill.begin()
        assert "goes on, here or in another copy" in drill.wait(30).problem
        with pytest.raises(BadInput, match="goes on"):
            put_back(scenario)
    assert not drill.changed
    assert changed_documents(scenario) == {}


def test_cases_expect_the_old_again_when_the_document_is_put_back_by_hand(
    scenario: Scenario, change: Change, pocket: LocalEngine, kept: Store
) -> None:
    Drill(plan_drill(scenario, change, ["prompt"], repeats=1), store=kept, engine=pocket)._edit()
    assert load_cases(scenario)[0].expected == "3-year hardware warranty"
    restore_document(scenario, "warranty.md")
    assert load_cases(scenario)[0].expected == "2-year hardware warranty"
    put_back(scenario)
    Drill(plan_drill(scenario, change, ["prompt"], repeats=1), store=kept, engine=pocket)._edit()
    remove_document(scenario, "warranty.md")
    put_back(scenario)
    assert read_document(scenario.knowledge / "warranty.md").text == change.before


def test_putting_back_loses_no_earlier_version_of_other_documents(
    scenario: Scenario, change: Change, pocket: LocalEngine, kept: Store
) -> None:
    add_documents(scenario, [("mine.md", b"Mine.")])
    remove_document(scenario, "mine.md")
    Drill(plan_drill(scenario, change, ["prompt"], repeats=1), store=kept, engine=pocket)._edit()
    put_back(scenario)
    assert "mine.md" in restorable(scenario)
    reset_documents(scenario)


def test_what_can_be_no_drill_is_a_sentence(scenario: Scenario, change: Change) -> None:
    with pytest.raises(BadInput, match="Wrong passages"):
        plan_drill(scenario, change, ["rag", "shuffled"])
    with pytest.raises(BadInput, match=r"a\.pdf is no text document"):
        plan_drill(scenario, edited("a", "b", "a.pdf"), ["rag"])


def test_adapters_are_trained_again_on_the_new_fact_and_put_back(
    scenario: Scenario, change: Change, pocket: LocalEngine, kept: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One step of training: that it is trained, loaded, asked and put back, not that it learns."""
    run = Drill._train_one

    def quick(self: Drill, scenario: Scenario, name: str, folder: Path) -> None:
        text = (folder / "examples.jsonl").read_text()
        assert "3-year hardware" in text
        assert "2-year hardware" not in text
        lines = [line for line in text.split("\n") if line][:60]
        (folder / "examples.jsonl").write_text("\n".join(lines) + "\n")
        run(self, scenario, name, folder)

    monkeypatch.setattr(Drill, "_train_one", quick)
    shipped = pocket.status().adapters
    drill = Drill(plan_drill(scenario, change, ["lora"], repeats=1), store=kept, engine=pocket)
    drill.begin()
    assert drill.wait(100).lanes[0].retrained is None
    drill.train_again()
    view = drill.wait(400)
    assert (view.stage, view.problem) == ("done", "")
    assert view.training_s["lora"] > 0
    assert view.examples_changed >= 10
    (found,) = view.lanes
    assert found.retrained is not None
    place = scenario.adapter_place("lora")
    assert place.key == "support-facts/lora+1"
    assert "3-year hardware" in (place.folder / "examples.jsonl").read_text()
    assert pocket.adapter_is_current(place.key, str(place.folder))
    assert [kept.stored_run(run).provenance.adapters[0].key for run in view.runs.values()] == [
        "support-facts/lora", "support-facts/lora", "support-facts/lora+1"
    ]  # fmt: skip
    put_back(scenario)
    assert scenario.adapter("lora") == scenario.path / "adapters" / "lora"
    assert not place.folder.exists()
    unload(pocket, place.key)
    assert pocket.status().adapters == shipped
