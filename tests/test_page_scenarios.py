"""The scenarios page: a file of cases is mapped, checked and run; whatever is wrong with it is said."""

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from backends.knowledge.documents import document_paths
from backends.knowledge.editing import remove_document
from backends.own_scenarios import create_scenario, delete_scenario
from backends.scenario import list_scenarios, load_scenario
from compare.case_files import load_cases
from compare.scenario_runs import scenario_runs
from compare.store import store
from tests.bad_files import BAD_FILES, BadFile
from tests.screens import app_process, app_settings, open_page, own_data_folder, texts  # noqa: F401
from ui.case_editor import OPEN
from ui.case_file import READ

WAIT_S = 120
GERMAN = "Frage;Antwort;Farbe\nWie lange?;2 Jahre;rot\n;leer;blau\nWie teuer?;49;rot\n"


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Every test has a store without runs."""
    yield
    for line in store().measured_runs(1000):
        store().delete_run(line.id)


def open_scenarios() -> AppTest:
    """A session that goes to the scenarios page."""
    page = open_page().switch_page("pages/scenarios.py").run()
    assert not page.exception
    return page


def uploaded(data: str | bytes, name: str = "cases.csv") -> AppTest:
    """The page after a file was chosen."""
    page = open_scenarios()
    page.session_state["cases_source"] = "A file of yours"
    page.run()
    raw = data.encode() if isinstance(data, str) else data
    page.file_uploader(key="case_file").upload(name, raw, "text/csv").run()
    assert not page.exception
    return page


def said(page: AppTest) -> str:
    return texts(page).replace("\\", "").replace("\u2060", "")


def test_a_scenarios_own_cases_are_counted_before_they_are_run() -> None:
    page = open_scenarios()
    assert "169 cases, 676 answers" in said(page)
    page.number_input(key="run_repeats").set_value(5).run()
    assert "169 cases, 3,380 answers" in said(page)
    page.selectbox(key="run_split").set_value("test").run()
    assert "70 cases, 1,400 answers" in said(page)


def test_columns_are_proposed_and_can_be_changed() -> None:
    page = uploaded(GERMAN)
    columns = {box.label: box for box in page.selectbox if (box.key or "").startswith("column_")}
    assert {label: box.value for label, box in columns.items()} == {
        "Frage": "query",
        "Antwort": "expected",
        "Farbe": "keep beside",
    }
    assert "2 cases can be asked; 1 problem in the others" in said(page)
    columns["Farbe"].set_value("tags").run()
    assert not page.exception
    _, found = page.session_state[READ]
    assert [case.tags for case in found.cases] == [("rot",), ("rot",)]
    assert [(problem.line, problem.reason) for problem in found.problems] == [(3, "the query is empty")]


def test_without_a_query_column_the_page_asks_for_it() -> None:
    page = uploaded("zahl,menge\n1,2\n")
    assert "Say which column holds the questions" in said(page)
    assert not [button for button in page.button if button.key == "run_cases"]
    box = next(box for box in page.selectbox if box.label == "zahl")
    box.set_value("query").run()
    assert "1 case can be asked" in said(page)


@pytest.mark.parametrize("bad", BAD_FILES, ids=lambda bad: bad.name)
def test_whatever_is_uploaded_gets_a_sentence_and_good_rows_stay(bad: BadFile) -> None:
    page = uploaded(bad.data())
    told = said(page)
    for frame in page.dataframe:
        if "Reason" in frame.value.columns:
            told += "\n".join(frame.value["Reason"])
    assert bad.told in told
    runs = [button for button in page.button if button.key == "run_cases"]
    if not bad.usable:
        assert not runs
    else:
        assert f"{bad.usable:,} case{'s' if bad.usable > 1 else ''} can be asked" in told
        assert [run.disabled for run in runs] == [False]


def test_pasted_rows_are_cases_too() -> None:
    page = open_scenarios()
    page.session_state["cases_source"] = "A file of yours"
    page.run()
    page.text_area(key="case_text").set_value("query,expected\nHow long?,2 years\n").run()
    assert not page.exception
    assert "1 case can be asked" in said(page)


def test_a_file_is_run_and_its_figures_are_a_click_away() -> None:
    page = uploaded(GERMAN, "fragen.csv")
    page.session_state["run_lanes"] = ["prompt", "rag"]
    page.run()
    assert "2 cases, 4 answers" in said(page)
    page.button(key="run_cases").click().run()
    assert not page.exception
    run = scenario_runs().get(page.session_state["started_run"])
    assert run is not None
    assert run.wait(WAIT_S).state == "done"
    page.run()
    assert "4 answers" in said(page)
    (line,) = store().measured_runs()
    assert (line.name, line.cases, line.lanes) == ("fragen.csv", 2, ("prompt", "rag"))
    assert store().stored_run(line.id).plan.cases[0].query == "Wie lange?"


def test_a_run_that_ended_early_is_offered_again() -> None:
    page = open_scenarios()
    page.session_state["run_lanes"] = ["prompt"]
    page.number_input(key="run_repeats").set_value(3).run()
    page.button(key="run_cases").click().run()
    run = scenario_runs().get(page.session_state["started_run"])
    assert run is not None
    run.cancel()
    assert run.wait(WAIT_S).state == "stopped"
    page = open_scenarios()
    assert "ended before its end" in said(page)
    page.button(key=f"resume_{run.id}").click().run()
    assert not page.exception
    again = scenario_runs().get(run.id)
    assert again is not None
    again.cancel()
    again.wait(WAIT_S)


def test_rows_are_edited_in_place_and_checked_again() -> None:
    page = uploaded("query,expected,line\nq1,a,x\n,b,y\nq3,c,z,more\nq4,d,w\n")
    assert "2 cases can be asked; 2 problems" in said(page)
    page.button(key="edit_rows").click().run()
    assert not page.exception
    (editor,) = [frame for frame in page.dataframe if "problem" in frame.value.columns]
    assert list(editor.value["line"]) == [3, 4]
    assert list(editor.value["c3"]) == ["", "more"]
    digest = page.session_state[OPEN]
    page.session_state[f"rows_{digest}_0_True"] = {
        "edited_rows": {0: {"c0": "q2"}},
        "added_rows": [{"c0": "q5", "c1": "e"}, {}],
        "deleted_rows": [1],
    }
    page.button(key="take_rows").click().run()
    assert not page.exception
    assert "4 cases can be asked" in said(page)
    found = page.session_state[READ][1]
    assert [(case.query, case.expected) for case in found.cases] == [
        ("q1", "a"), ("q2", "b"), ("q4", "d"), ("q5", "e"),
    ]  # fmt: skip
    page.button(key="undo_rows").click().run()
    assert "2 cases can be asked; 2 problems" in said(page)


def test_the_same_run_is_asked_about_before_it_is_run_again() -> None:
    def asked() -> AppTest:
        page = uploaded(GERMAN)
        page.session_state["run_lanes"] = ["prompt"]
        page.run()
        page.button(key="run_cases").click().run()
        assert not page.exception
        return page

    page = asked()
    assert "started_run" in page.session_state
    again = asked()
    assert "Exactly this was run before" in said(again)
    assert len(store().measured_runs()) == 1
    again.button(key="run_again").click().run()
    assert not again.exception
    assert len(store().measured_runs()) == 2
    for session in (page, again):
        run = scenario_runs().get(session.session_state["started_run"])
        assert run is None or run.wait(WAIT_S).state == "done"


def test_without_a_scenario_only_what_can_answer_is_asked() -> None:
    page = uploaded(GERMAN)
    page.selectbox(key="cases_scenario").set_value("none").run()
    told = said(page)
    assert "RAG needs documents" in told
    assert "LoRA needs a trained adapter" in told
    assert "RAG + LoRA needs documents and a trained adapter" in told
    assert "2 cases, 2 answers" in told
    page.session_state["run_lanes"] = ["rag"]
    page.run()
    assert page.button(key="run_cases").disabled


def test_a_scenario_of_ones_own_is_made_fed_asked_and_deleted() -> None:
    page = open_scenarios()
    page.button(key="new_scenario").click().run()
    page.button(key="make_scenario").click().run()
    assert "needs a title" in said(page)
    page.text_input(key="new_title").set_value("Lamps <b>& more</b>").run()
    page.text_area(key="new_instructions").set_value("Answer in one sentence.").run()
    guide = ("guide.md", b"# Warranty\nThe lamp has a warranty of 7 years.\n", "text/markdown")
    page.file_uploader(key="new_documents").upload(*guide).run()
    page.button(key="make_scenario").click().run()
    assert not page.exception
    assert page.selectbox(key="cases_scenario").value == "lamps-b-more-b"
    assert "no cases of its own" in said(page)
    scenario = load_scenario("lamps-b-more-b")
    assert scenario.title == "Lamps <b>& more</b>"
    assert scenario.system_prompt == "Answer in one sentence."
    page.session_state["cases_source"] = "A file of yours"
    page.run()
    page.file_uploader(key="case_file").upload(
        "c.csv", b"query,expected\nWhat warranty has the lamp?,7 years\n", "text/csv"
    ).run()
    page.button(key="keep_cases").click().run()
    assert [case.expected for case in load_cases(scenario)] == ["7 years"]
    assert "1 case, 2 answers" in said(page)
    page.button(key="run_cases").click().run()
    run = scenario_runs().get(page.session_state["started_run"])
    assert run is not None
    assert run.wait(WAIT_S).state == "done"
    (line,) = store().measured_runs()
    calls = store().case_calls(line.id, "row-1")
    prompts = {call.backend: call.prompt for call in calls}
    assert prompts["rag"] is not None
    assert "7 years" in prompts["rag"].passages[0].text
    remove_document(scenario, "guide.md")
    page.run()
    assert "RAG needs documents" in said(page)
    page.button(key="change_documents").click().run()
    assert not page.exception
    assert page.selectbox(key="knowledge_scenario").value == "lamps-b-more-b"
    page = open_scenarios()
    page.selectbox(key="cases_scenario").set_value("lamps-b-more-b").run()
    page.button(key="really_delete").click().run()
    assert not page.exception
    assert page.selectbox(key="cases_scenario").value != "lamps-b-more-b"
    assert "lamps-b-more-b" not in list_scenarios()


def test_what_can_be_no_document_is_refused_with_a_sentence() -> None:
    page = open_scenarios()
    page.button(key="new_scenario").click().run()
    page.text_input(key="new_title").set_value("Refusals").run()
    page.file_uploader(key="new_documents").upload("empty.md", b" \n", "text/markdown").run()
    page.button(key="make_scenario").click().run()
    assert "empty.md: it is empty" in said(page)
    made = load_scenario("refusals")
    assert not document_paths(made.knowledge)
    delete_scenario(made)


def test_texts_edited_here_are_asked_with_and_can_become_the_scenarios_own() -> None:
    made = create_scenario("Texts", "Be brief.")
    page = uploaded("query\nWhy?\n")
    page.selectbox(key="cases_scenario").set_value(made.name).run()
    page.text_area(key=f"system_{made.name}").set_value("Be long.").run()
    page.session_state["run_lanes"] = ["prompt"]
    page.run()
    page.button(key="run_cases").click().run()
    run = scenario_runs().get(page.session_state["started_run"])
    assert run is not None
    assert run.plan.texts.system == "Be long."
    assert run.wait(WAIT_S).state == "done"
    assert [version.texts.system for version in store().texts_versions(made.name)] == ["Be long."]
    assert load_scenario(made.name).system_prompt == "Be brief."
    page.button(key=f"keep_{made.name}").click().run()
    assert load_scenario(made.name).system_prompt == "Be long."
    delete_scenario(made)
