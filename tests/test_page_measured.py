"""The knowledge page's measurements of retrieval: kept, never stale, and tried on the tuning cases only."""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from streamlit.testing.v1 import AppTest

from backends.errors import KnowledgeUnavailable
from backends.knowledge import knowledge
from backends.knowledge.documents import read_document
from backends.knowledge.editing import keep_retrieval, write_document
from backends.own_scenarios import create_scenario, delete_scenario, keep_cases
from backends.scenario import Scenario, changed_folder, load_scenario
from compare.case_files import load_cases
from compare.retrieval_lookup import named, ranked_cases
from compare.retrieval_measures import measure_retrieval, misses
from compare.retrieval_sweep import dev_only
from tests.screens import app_process, app_settings, own_data_folder  # noqa: F401
from tests.test_page_knowledge import FACTS, open_part, said, table
from ui import retrieval_measured, retrieval_tuning
from ui.resources import get_engine
from ui.retrieval_work import MOST_KEPT, MOVED, Key, Say, Work, Works, key_of

WAIT_S = 120


@pytest.fixture(autouse=True)
def fresh(app_process: Path) -> Iterator[None]:  # noqa: F811
    """Every test begins with the scenarios as they ship, their index in step, and nothing measured."""
    knowledge().ensure_index(load_scenario(FACTS), get_engine())
    yield
    shutil.rmtree(changed_folder(FACTS), ignore_errors=True)
    for works in (retrieval_measured._measured, retrieval_tuning._swept):
        works._works.clear()


@pytest.fixture
def own() -> Iterator[Scenario]:
    made = create_scenario("Own")
    (made.knowledge).mkdir(exist_ok=True)
    (made.knowledge / "a.md").write_text("# A\n\nThe lamp is green.\n")
    yield made
    delete_scenario(made)


def waited(until: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not until():
        assert time.monotonic() < end
        time.sleep(0.05)


def finished(page: AppTest, works: Works[object]) -> AppTest:
    """The page after all of these works came to an end."""
    waited(lambda: all(work.ended for work in works._works.values()))
    page.run()
    assert not page.exception
    return page


def measured() -> AppTest:
    page = open_part("How well it finds")
    page.button(key="measure").click().run()
    return finished(page, retrieval_measured._measured)  # type: ignore[arg-type]


def buttons(page: AppTest) -> set[str]:
    return {str(button.key) for button in page.button}


def test_what_is_shown_is_what_the_index_finds() -> None:
    page, scenario = measured(), load_scenario(FACTS)
    cases = load_cases(scenario)
    ranked = ranked_cases(scenario, cases, 10, get_engine(), lambda done, planned: None)
    figures = measure_retrieval(ranked, knowledge().ensure_index(scenario, get_engine()).chunks)
    shown = table(page, "Hit rate")
    assert list(shown["Passages read"]) == [str(k) for k in figures.at]
    first = figures.at[1].hit_rate
    assert shown["Hit rate"][0].startswith(f"{100 * first.value:.0f} % (")
    missed = misses(ranked, scenario.retrieval.k)
    assert f"{len(missed)} of {figures.cases} questions miss" in said(page)
    assert list(table(page, "Its passage")["Question"]) == [one.case.query for one in missed]
    assert f"{figures.cases} of {len(cases)} questions name the document" in said(page)
    assert page.get("vega_lite_chart")


def test_a_result_is_kept_for_all_sessions_until_something_changes() -> None:
    page = measured()
    assert "measure" not in buttons(page)
    assert "measure" not in buttons(open_part("How well it finds"))
    page.segmented_control(key="measured_which").set_value("test").run()
    assert "measure" in buttons(page)
    page.segmented_control(key="measured_which").set_value("all").run()
    assert "measure" not in buttons(page)
    scenario = load_scenario(FACTS)
    keep_retrieval(scenario, replace(scenario.retrieval, k=5))
    page.run()
    assert "measure" in buttons(page)
    keep_retrieval(scenario, scenario.retrieval)
    assert "measure" not in buttons(page.run())
    document = read_document(scenario.knowledge / "warranty.md")
    write_document(scenario, document, "# Warranty\n\nNothing is covered.\n")
    page.run()
    assert "measure" in buttons(page)
    assert not [frame for frame in page.dataframe if "Hit rate" in frame.value.columns]


def test_settings_are_tried_on_the_tuning_cases_and_taken_over_when_asked_for() -> None:
    scenario = load_scenario(FACTS)
    poor = replace(scenario.retrieval, k=1, chunk_tokens=200, min_cosine=0.1)
    keep_retrieval(scenario, poor)
    page = open_part("How well it finds")
    asked = named(dev_only(load_cases(scenario)))
    assert f"{len(asked)} questions for tuning only" in said(page)
    page.button(key="sweep").click().run()
    assert "sweep" not in buttons(page)
    page = finished(page, retrieval_tuning._swept)  # type: ignore[arg-type]
    (work,) = retrieval_tuning._swept._works.values()
    assert work.result is not None
    assert {score.case for point in work.result.points for score in point.hits} == {one.id for one in asked}
    advice = work.result.advice
    assert advice.kind == "change", advice.sentence
    assert advice.sentence in said(page)
    assert load_scenario(FACTS).retrieval == poor
    page.button(key="use").click().run()
    assert not page.exception
    wanted = replace(poor, k=advice.setting.k, chunk_tokens=advice.setting.chunk_tokens)
    assert load_scenario(FACTS).retrieval == wanted
    assert {"sweep", "measure"} <= buttons(page)


def test_without_gold_sources_the_column_to_fill_is_named(own: Scenario) -> None:
    assert "no cases of its own" in said(open_part("How well it finds", own.name))
    keep_cases(own, b"query,expected\nWhich colour?,green\n")
    told = said(open_part("How well it finds", own.name))
    assert "None of the cases names the document" in told
    assert "“source”" in told


def test_a_source_that_is_no_document_is_said_to_be_none(own: Scenario) -> None:
    keep_cases(own, b"query,source,split\nWhich colour?,gone.md,test\n")
    page = open_part("How well it finds", own.name)
    assert "none of them names the document" in said(page)  # No tuning case.
    page.button(key="measure").click().run()
    page = finished(page, retrieval_measured._measured)  # type: ignore[arg-type]
    assert list(table(page, "Its passage")["Right document"]) == ["gone.md (no such document)"]


def test_work_goes_on_in_the_background_once_and_its_end_is_told() -> None:
    works, scenario = Works[str]("tried"), load_scenario(FACTS)
    key, go, begun = key_of(scenario, ()), Event(), list[int]()

    def work(say: Say) -> str:
        begun.append(1)
        say(0.5, "half")
        assert go.wait(WAIT_S)
        return "there"

    works.begin(scenario, key, work)
    works.begin(scenario, key, work)
    waited(lambda: works.of(key) == Work(share=0.5, doing="half"))
    go.set()
    waited(lambda: works.of(key) == Work(result="there"))
    assert begun == [1]


def test_what_was_measured_while_documents_changed_is_not_shown() -> None:
    works, scenario = Works[str]("moved"), load_scenario(FACTS)
    key = replace(key_of(scenario, ()), documents=(("warranty.md", 0, 0),))
    works.begin(scenario, key, lambda say: "old")
    waited(lambda: works.of(key) == Work(problem=MOVED))


def test_failures_are_sentences_and_only_the_last_results_are_kept() -> None:
    works, scenario = Works[str]("failing"), load_scenario(FACTS)

    def fails(say: Say) -> str:
        raise KnowledgeUnavailable("No documents.")

    def breaks(say: Say) -> str:
        raise RuntimeError("/secret/path")

    def ended(key: Key) -> bool:
        work = works.of(key)
        return work is not None and work.ended

    keys = [replace(key_of(scenario, ()), cases=str(n)) for n in range(MOST_KEPT + 5)]
    for number, key in enumerate(keys):
        works.begin(scenario, key, fails if number % 2 else breaks)
        waited(lambda key=key: ended(key))  # type: ignore[misc]
    kept = [key for key in keys if works.of(key) is not None]
    assert kept == keys[-MOST_KEPT:]
    problems = {work.problem for work in works._works.values()}
    assert len(problems) == 2
    assert "No documents." in problems
