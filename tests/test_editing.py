"""Documents in, out, edited and back: what ships stays as it is, and nothing is lost."""

from pathlib import Path

import pytest
from docx import Document as Word

from backends.errors import BadInput
from backends.knowledge.documents import document_paths, read_document, read_documents
from backends.knowledge.editing import (
    add_documents,
    changed_documents,
    keep_retrieval,
    remove_document,
    reset_documents,
    restorable,
    restore_document,
    write_document,
)
from backends.own_scenarios import create_scenario
from backends.scenario import RetrievalSettings, Scenario, load_scenario
from backends.settings import ROOT, settings


@pytest.fixture(params=["shipped", "own"])
def scenario(request: pytest.FixtureRequest) -> Scenario:
    """One that ships, and one that was made here with a document of the same name."""
    if request.param == "shipped":
        return load_scenario("support-facts")
    made = create_scenario("Made")
    add_documents(made, [("warranty.md", b"# Cover\n\nTwo years.\n"), ("other.txt", b"More.")])
    return made


def document(scenario: Scenario, name: str = "warranty.md"):
    return read_document(scenario.knowledge / name)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_edit_is_read_from_then_on_and_can_be_taken_back(scenario: Scenario) -> None:
    shipped = contents(ROOT / "scenarios")
    before = document(scenario)
    others = len(document_paths(scenario.knowledge))
    assert write_document(scenario, before, "# Cover\n\nThree years.\n") == "warranty.md"
    assert document(scenario).text == "# Cover\n\nThree years.\n"
    assert len(document_paths(scenario.knowledge)) == others
    assert restorable(scenario) == ("warranty.md",)
    restore_document(scenario, "warranty.md")
    assert document(scenario) == before
    restore_document(scenario, "warranty.md")
    assert document(scenario).text == "# Cover\n\nThree years.\n"
    assert contents(ROOT / "scenarios") == shipped


def test_a_removed_document_can_be_put_back(scenario: Scenario) -> None:
    before = document(scenario)
    remove_document(scenario, "warranty.md")
    remove_document(scenario, "warranty.md")
    assert "warranty.md" not in {path.name for path in document_paths(scenario.knowledge)}
    assert restorable(scenario) == ("warranty.md",)
    restore_document(scenario, "warranty.md")
    assert document(scenario) == before
    assert restorable(scenario) == ()
    with pytest.raises(BadInput, match="no earlier version"):
        restore_document(scenario, "warranty.md")


def test_an_upload_of_a_known_name_keeps_the_version_before(scenario: Scenario) -> None:
    before = document(scenario)
    assert add_documents(scenario, [("warranty.md", b"New.")]) == (["warranty.md"], [])
    assert document(scenario).text == "New."
    restore_document(scenario, "warranty.md")
    assert document(scenario) == before


def test_nobody_overwrites_what_another_tab_saved(scenario: Scenario) -> None:
    seen = document(scenario)
    write_document(scenario, seen, "First tab.")
    with pytest.raises(BadInput, match="changed or removed meanwhile"):
        write_document(scenario, seen, "Second tab.")
    assert document(scenario).text == "First tab."
    remove_document(scenario, "warranty.md")
    with pytest.raises(BadInput, match="changed or removed meanwhile"):
        write_document(scenario, seen, "Third tab.")


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_an_empty_text_is_no_document(scenario: Scenario, text: str) -> None:
    with pytest.raises(BadInput, match="text is empty"):
        write_document(scenario, document(scenario), text)


def test_what_was_changed_of_what_ships_is_told_and_reset() -> None:
    scenario = load_scenario("support-facts")
    before = read_documents(scenario.knowledge)
    assert changed_documents(scenario) == {}
    write_document(scenario, document(scenario), "Other.")
    remove_document(scenario, "pricing.md")
    add_documents(scenario, [("extra.md", b"Extra.")])
    told = {"warranty.md": "changed", "pricing.md": "removed", "extra.md": "new"}
    assert changed_documents(scenario) == told
    assert changed_documents(load_scenario("ticket-routing")) == {}
    reset_documents(scenario)
    assert changed_documents(scenario) == {}
    assert read_documents(scenario.knowledge) == before
    assert not list(scenario.changed.iterdir())
    reset_documents(scenario)


@pytest.mark.parametrize("name", ["../up.md", "..\\up.md", "/etc/up.md", ".hi.md", "a\0.md", "up.exe", ""])
def test_no_name_leads_out_of_the_folder(scenario: Scenario, name: str) -> None:
    before = contents(settings().data_dir) if settings().data_dir.exists() else {}
    taken, refused = add_documents(scenario, [(name, b"text")])
    assert (taken, len(refused)) == ([], 1)
    assert (contents(settings().data_dir) if settings().data_dir.exists() else {}) == before
    assert not (scenario.path / "up.md").exists()


def test_the_text_of_a_word_document_can_be_edited(scenario: Scenario, tmp_path: Path) -> None:
    word = Word()
    word.add_heading("Lamps", 1)
    word.add_paragraph("A lamp lasts nine years.")
    word.save(str(tmp_path / "lamps.docx"))
    data = (tmp_path / "lamps.docx").read_bytes()
    assert add_documents(scenario, [("lamps.docx", data)]) == (["lamps.docx"], [])
    seen = document(scenario, "lamps.docx")
    assert seen.text == "# Lamps\n\nA lamp lasts nine years.\n"
    assert write_document(scenario, seen, seen.text.replace("nine", "ten")) == "lamps.md"
    assert "ten years" in document(scenario, "lamps.md").text
    names = {path.name for path in document_paths(scenario.knowledge)}
    assert "lamps.docx" not in names
    assert "lamps.docx" in restorable(scenario)
    assert (scenario.knowledge / ".earlier" / "lamps.docx").read_bytes() == data


def test_retrieval_settings_are_kept(scenario: Scenario) -> None:
    shipped = contents(ROOT / "scenarios")
    wanted = RetrievalSettings(k=4, chunk_tokens=55, min_cosine=0.1, keywords=True, diversity=0.25)
    keep_retrieval(scenario, wanted)
    again = load_scenario(scenario.name)
    assert again.retrieval == wanted
    assert (again.title, again.texts) == (scenario.title, scenario.texts)
    assert contents(ROOT / "scenarios") == shipped


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_of_any_usual_encoding_is_read(scenario: Scenario, encoding: str) -> None:
    taken, refused = add_documents(scenario, [("enc.txt", "Größe: 5 € für Ärzte".encode(encoding))])
    assert (taken, refused) == (["enc.txt"], [])
    assert document(scenario, "enc.txt").text == "Größe: 5 € für Ärzte"
