"""Scenarios that people make here: folders like any other, and no way out of them."""

from pathlib import Path

import pytest

from backends.errors import BadInput
from backends.knowledge.documents import document_paths
from backends.knowledge.editing import add_documents, remove_document
from backends.own_scenarios import create_scenario, delete_scenario, is_own, keep_texts
from backends.scenario import FewShot, PromptTexts, list_scenarios, load_scenario, own_folder
from backends.settings import settings


def test_a_title_becomes_a_folder_of_its_own_name() -> None:
    names = [create_scenario(title).name for title in ("Länder & Städte", "Länder & Städte", "日本", "none")]
    assert names == ["lander-stadte", "lander-stadte-2", "scenario", "none-2"]
    assert set(names) <= set(list_scenarios())
    assert not set(names) & set(list_scenarios(own=False))
    assert load_scenario("scenario").title == "日本"


def test_the_name_of_a_shipped_scenario_is_not_taken() -> None:
    made = create_scenario("Support facts")
    assert made.name == "support-facts-2"
    assert is_own(made)
    assert not is_own(load_scenario("support-facts"))


@pytest.mark.parametrize("title", ["", " \n\t "])
def test_a_title_is_needed(title: str) -> None:
    with pytest.raises(BadInput, match="needs a title"):
        create_scenario(title)
    assert not own_folder().exists() or not list(own_folder().iterdir())


@pytest.mark.parametrize(
    "text", ["quote \" and \\ and '''", "line\nline\r\n\ttab", "\x7f\x01 🙂 שלום", '"""', "#[[x]]"]
)
def test_any_text_is_kept_as_it_is(text: str) -> None:
    made = create_scenario("Texts", "first")
    texts = PromptTexts(
        system=text.strip(),
        cot=text.strip(),
        few_shot=(FewShot(user=f"u{text}u", assistant=f"a{text}a"),),
        schema='{"type": "object"}',
    )
    keep_texts(made, texts)
    assert load_scenario(made.name).texts == texts


@pytest.mark.parametrize(
    "name",
    [
        "../up.md",
        "..\\up.md",
        "/etc/up.md",
        ".hi.md",
        "a\0.md",
        "a\n.md",
        "C:up.md",
        "up.exe",
        "",
        "a" * 199 + ".md",
    ],
)
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    made = create_scenario("Names")
    before = set(settings().data_dir.rglob("*"))
    taken, refused = add_documents(made, [(name, b"text")])
    assert (taken, len(refused)) == ([], 1)
    assert set(settings().data_dir.rglob("*")) == before


def test_documents_are_replaced_by_name_and_refused_with_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVER_MAX_UPLOAD_MB", "1")
    settings.cache_clear()
    made = create_scenario("Documents")
    taken, refused = add_documents(
        made,
        [
            ("a.md", b"old"),
            ("a.md", b"new"),
            ("b.txt", b""),
            ("c.csv", b"x\0y"),
            ("d.md", b"x" * 1_000_001),
            ("e.pdf", b"%PDF"),
            ("f.exe", b"MZ"),
            ("Straße (1).TXT", "größer".encode("cp1252")),
        ],
    )
    assert taken == ["a.md", "Straße (1).TXT"]
    assert [sentence.partition(": ")[2] for sentence in refused] == [
        "two files have this name.",
        "it is empty.",
        "it is no text.",
        "it has 1 MB, and at most 1 MB are read.",
        "it is damaged and can't be read as PDF.",
        "only .md, .txt, .csv, .pdf, .docx, .html, .htm files are read.",
    ]
    add_documents(made, [("a.md", b"new")])
    assert {path.name: path.read_bytes()[:3] for path in document_paths(made.knowledge)}["a.md"] == b"new"
    remove_document(made, "a.md")
    remove_document(made, "a.md")
    assert [path.name for path in document_paths(made.knowledge)] == ["Straße (1).TXT"]


def test_what_was_written_by_hand_stays_when_texts_are_kept() -> None:
    made = create_scenario("By hand")
    file = made.path / "scenario.toml"
    file.write_text(file.read_text() + 'criteria = ["kind"]\n[retrieval]\nk = 7\n')
    keep_texts(load_scenario(made.name), PromptTexts(system="new"))
    again = load_scenario(made.name)
    assert (again.criteria, again.retrieval.k, again.system_prompt) == (("kind",), 7, "new")


def test_what_ships_is_never_changed_here() -> None:
    shipped = load_scenario("support-facts")
    for change in (
        lambda: keep_texts(shipped, PromptTexts()),
        lambda: delete_scenario(shipped),
    ):
        with pytest.raises(BadInput, match="was not made here"):
            change()


def test_a_deleted_scenario_is_gone_and_its_name_free(tmp_path: Path) -> None:
    made = create_scenario("Short life")
    add_documents(made, [("a.md", b"x")])
    delete_scenario(made)
    assert made.name not in list_scenarios()
    assert create_scenario("Short life").name == made.name
