"""The knowledge page: documents in, out, edited and back; the drill from plan to putting back."""

import pytest
from streamlit.testing.v1 import AppTest

from backends.knowledge import knowledge
from backends.knowledge.documents import document_paths, read_document
from backends.knowledge.editing import (
    add_documents,
    changed_documents,
    reset_documents,
    write_document,
)
from backends.own_scenarios import create_scenario, delete_scenario
from backends.scenario import load_scenario
from compare.drill_undo import put_back, to_put_back
from compare.drills import drills
from tests.screens import QUESTION, app_process, app_settings, open_page, own_data_folder, texts
from ui.knowledge_index import work_of
from ui.resources import get_engine

__all__ = ["app_process", "app_settings", "own_data_folder"]

PRO = "The Pro plan includes a 2-year hardware warranty."


def opened(part: str = "Documents", scenario: str = "support-facts") -> AppTest:
    page = open_page().switch_page("pages/knowledge.py").run()
    page.session_state["knowledge_scenario"] = scenario
    page.session_state["knowledge_part"] = part
    page.run()
    assert not page.exception
    return page


@pytest.fixture(autouse=True)
def as_it_ships() -> None:
    scenario = load_scenario("support-facts")
    put_back(scenario)
    drills().forget("support-facts")
    reset_documents(scenario)


def current(page: AppTest, scenario: str = "support-facts") -> AppTest:
    """The page once the index is in step."""
    knowledge().ensure_index(load_scenario(scenario), get_engine())
    return page.run()


def upload(page: AppTest, *files: tuple[str, bytes]) -> None:
    (field,) = list(page.get("file_uploader"))
    for name, data in files:
        field.upload(name, data, "application/octet-stream")
    page.run()
    page.button(key="add_knowledge").click().run()
    assert not page.exception


def test_an_edited_text_is_saved_and_restored_and_the_index_follows() -> None:
    page = opened()
    (text,) = page.text_area
    assert text.value.startswith("# Accounts")
    assert page.button(key="save_document").disabled
    text.set_value("# Accounts\n\nAn account can have 77 users.").run()
    page.button(key="save_document").click().run()
    scenario = load_scenario("support-facts")
    assert changed_documents(scenario) == {"accounts.md": "changed"}
    page = current(page)
    assert "Index in step" in texts(page)
    assert "77 users" in " ".join(
        passage.text for passage in knowledge().retrieve(scenario, "How many users?", get_engine()).passages
    )
    page.button(key="restore_document").click().run()
    assert read_document(scenario.knowledge / "accounts.md").text.startswith("# Accounts\n\nYour Tessel")
    assert not page.exception


def test_a_removed_document_is_listed_and_put_back_and_all_of_it_reset() -> None:
    page = opened()
    page.button(key="remove_knowledge").click().run()
    names = {path.name for path in document_paths(load_scenario("support-facts").knowledge)}
    assert "accounts.md" not in names
    page.button(key="put_back_0").click().run()
    assert "accounts.md" in {path.name for path in document_paths(load_scenario("support-facts").knowledge)}
    page.button(key="remove_knowledge").click().run()
    page.button(key="really_reset").click().run()
    assert changed_documents(load_scenario("support-facts")) == {}
    assert not page.exception


def test_uploads_are_taken_or_refused_with_a_sentence() -> None:
    page = opened()
    upload(page, ("new.txt", b"The lamp is green."), ("bad.pdf", b"%PDF-1.7 nothing"), ("empty.md", b" "))
    said = texts(page)
    assert "1 document added: new" in said.replace("\\", "")
    plain = said.replace("\\", "").replace("\u2060", "")
    assert "bad.pdf: it is damaged and can't be read as PDF." in plain
    assert "empty.md: it is empty." in plain
    assert changed_documents(load_scenario("support-facts")) == {"new.txt": "new"}


def test_a_scenario_without_documents_says_what_to_do() -> None:
    made = create_scenario("Nothing yet")
    for part in ("Documents", "When a fact changes"):
        assert "Add" in texts(opened(part, made.name))
    delete_scenario(made)


def test_how_documents_are_cut_shows_before_it_is_kept() -> None:
    made = create_scenario("Cut")
    add_documents(made, [("long.md", b"# One\n\n" + b"This is a sentence of some words. " * 40)])
    page = opened(scenario=made.name)
    page.session_state["document_shown"] = "Passages"
    page.run()
    before = len(page.dataframe[-1].value)
    page.slider(key=f"chunk_tokens_{made.name}").set_value(30).run()
    assert len(page.dataframe[-1].value) > before
    assert load_scenario(made.name).retrieval.chunk_tokens == 120
    page.button(key="keep_cut").click().run()
    assert load_scenario(made.name).retrieval.chunk_tokens == 30
    assert not page.exception
    delete_scenario(made)


def test_a_document_that_breaks_the_index_is_named_and_can_be_removed() -> None:
    made = create_scenario("Broken")
    (made.path / "knowledge").mkdir()
    (made.path / "knowledge" / "scan.pdf").write_bytes(b"%PDF-1.7 nothing")
    page = opened(scenario=made.name)
    assert "scan.pdf can't be read" in texts(page).replace("\\", "").replace("\u2060", "")
    page.button(key="remove_knowledge").click().run()
    assert not document_paths(load_scenario(made.name).knowledge)
    assert not page.exception
    delete_scenario(made)


def test_the_drill_runs_from_the_screen_and_is_put_back() -> None:
    page = opened("When a fact changes")
    assert PRO.replace(".", "\\.").replace("-", "\\-") in texts(page)
    page.number_input(key="drill_repeats").set_value(1).run()
    page.button(key="start_drill").click().run()
    drill = drills().get("support-facts")
    assert drill is not None
    view = drill.wait(120)
    assert (view.stage, view.problem) == ("done", "")
    page.run()
    assert not page.exception
    (table,) = [each.value for each in page.dataframe if "Right after" in each.value.columns]
    assert list(table["Approach"]) == ["● Prompt", "■ RAG", "▲ LoRA", "◆ RAG + LoRA"]
    assert page.button(key="train_again")
    scenario = load_scenario("support-facts")
    found = knowledge().retrieve(scenario, QUESTION, get_engine())
    assert "3-year" in found.passages[0].text
    page.button(key="put_back_drill").click().run()
    assert "as it was before the drill" in texts(page)
    assert to_put_back(scenario) == ""
    assert changed_documents(scenario) == {}
    assert not page.exception


def test_a_change_that_no_case_asks_for_is_told_before_anything_runs() -> None:
    page = opened("When a fact changes")
    page.session_state["drill_kind_support-facts"] = "A change of your own"
    page.run()
    assert "Nothing is changed yet" in texts(page)
    (text,) = page.text_area
    text.set_value(text.value + "\nThe office has a plant.\n").run()
    assert "No case asks for what you changed" in texts(page)
    assert not page.exception
    assert changed_documents(load_scenario("support-facts")) == {}


def test_a_fact_of_ones_own_needs_its_new_answer() -> None:
    page = opened("When a fact changes")
    page.session_state["drill_kind_support-facts"] = "A change of your own"
    page.run()
    page.selectbox(key="drill_document_support-facts").set_value("pricing.md").run()
    (text,) = page.text_area
    text.set_value(text.value.replace("You pay $37 a month for the Pro plan.", "Pro is free.")).run()
    assert "left out: say what is right after" in texts(page)
    page.button(key="start_drill").click().run()
    assert "can't be told" in texts(page).replace("\\", "").replace("\u2060", "")
    assert changed_documents(load_scenario("support-facts")) == {}


def test_the_index_is_brought_in_step_in_the_background() -> None:
    page = opened()
    page = current(page)
    page.button(key="rebuild_index").click().run()
    work = work_of(load_scenario("support-facts"))
    assert work is not None
    page = current(page)
    assert not page.exception


def test_a_drill_that_was_stopped_before_it_changed_anything_can_be_begun_anew() -> None:
    page = opened("When a fact changes")
    page.number_input(key="drill_repeats").set_value(50).run()
    page.button(key="start_drill").click().run()
    drill = drills().get("support-facts")
    assert drill is not None
    drill.cancel()
    assert drill.wait(120).stage == "stopped"
    page.run()
    page.button(key="drill_again").click().run()
    assert page.button(key="start_drill")
    assert not page.exception


def test_what_another_session_saved_is_not_overwritten_and_nothing_typed_is_lost() -> None:
    page = opened()
    page.text_area[0].set_value("Typed here.").run()
    scenario = load_scenario("support-facts")
    write_document(scenario, read_document(scenario.knowledge / "accounts.md"), "Of another session.")
    page.button(key="save_document").click().run()
    assert "changed or removed meanwhile" in texts(page)
    assert "Somebody else changed this document" in texts(page)
    assert page.text_area[0].value == "Typed here."
    assert read_document(scenario.knowledge / "accounts.md").text == "Of another session."
    page.button(key="look_again").click().run()
    assert page.text_area[0].value == "Of another session."
    write_document(scenario, read_document(scenario.knowledge / "accounts.md"), "A third text.")
    page.run()
    assert page.text_area[0].value == "A third text."
    assert not page.exception
