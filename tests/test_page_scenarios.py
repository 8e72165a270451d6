"""The scenarios page: a file of cases is mapped, checked and run; whatever is wrong with it is said."""

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from compare.scenario_runs import scenario_runs
from compare.store import store
from tests.screens import app_process, app_settings, open_page, own_data_folder, texts  # noqa: F401
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


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"PK\x03\x04 xlsx", "an Excel or other zipped file"),
        (b"query\n", "a header and no rows"),
        (b"query\n\0\n", "NUL bytes"),
        (b"\x81\x8d", "in no encoding that is known"),
        ("query\n=1+1\n<b>x</b> :red[x] ![x](https://evil.example/x.png)\nשלום 🙂\n", "3 cases can be asked"),
        ("query,checks\nq,sounds_like: x\nq2,regex: (\n", "0 cases can be asked; 2 problems"),
        ("query,query\na,b\n", "1 case can be asked; 1 problem"),
    ],
)  # fmt: skip
def test_whatever_is_uploaded_gets_a_sentence(data: str | bytes, told: str) -> None:
    assert told in said(uploaded(data))


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
