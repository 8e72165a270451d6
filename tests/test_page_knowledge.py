"""The knowledge page: retrieval is tried by hand."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from backends.knowledge import knowledge
from backends.knowledge.editing import add_documents, keep_retrieval
from backends.knowledge.ranking import words_of
from backends.own_scenarios import create_scenario, delete_scenario
from backends.scenario import Scenario, changed_folder, load_scenario
from tests.screens import app_process, app_settings, open_page, own_data_folder, texts  # noqa: F401
from ui.highlight import AROUND_CHARS, highlighted
from ui.resources import get_engine
from ui.retrieval_try import TAKEN, TOO_FAR

FACTS = "support-facts"


@pytest.fixture(autouse=True)
def fresh(app_process: Path) -> Iterator[None]:  # noqa: F811
    """Every test begins with the scenarios as they ship, their index in step."""
    knowledge().ensure_index(load_scenario(FACTS), get_engine())
    yield
    shutil.rmtree(changed_folder(FACTS), ignore_errors=True)


@pytest.fixture
def empty() -> Iterator[Scenario]:
    made = create_scenario("Nothing known")
    yield made
    delete_scenario(made)


def open_part(part: str, scenario: str = FACTS) -> AppTest:
    page = open_page().switch_page("pages/knowledge.py")
    page.session_state["knowledge_scenario"] = scenario
    page.session_state["knowledge_part"] = part
    page.run()
    assert not page.exception
    return page


def said(page: AppTest) -> str:
    return texts(page).replace("\\", "").replace("\u2060", "")


def table(page: AppTest, column: str = "To the model") -> pd.DataFrame:
    (found,) = [frame.value for frame in page.dataframe if column in frame.value.columns]
    return found


def tried() -> AppTest:
    return open_part("Try retrieval")


def taken(page: AppTest) -> list[str]:
    shown = table(page)
    rows = shown[shown["To the model"] == TAKEN]
    return [f"{row['Document']}#{row['Part']}" for _, row in rows.iterrows()]


def test_the_passages_marked_are_those_that_the_model_gets() -> None:
    page, scenario = tried(), load_scenario(FACTS)
    for question in ("What warranty does the Pro plan include?", "HX-482"):
        page.text_input(key="try_question").set_value(question).run()
        for widget, value in (("try_k", 5), ("try_words", True), ("try_variety", 0.5), ("try_cosine", 0.3)):
            page = set_widget(page, widget, value)
        asked = replace(scenario.retrieval, k=5, keywords=True, diversity=0.5, min_cosine=0.3)
        found = knowledge().retrieve(replace(scenario, retrieval=asked), question, get_engine())
        assert taken(page) == [passage.chunk_id for passage in found.passages]
        page = set_widget(page, "try_words", False)
        assert "Both" not in table(page).columns


def set_widget(page: AppTest, key: str, value: object) -> AppTest:
    for kind in (page.number_input, page.slider, page.toggle):
        for widget in kind:
            if widget.key == key:
                page = widget.set_value(value).run()
                assert not page.exception
                return page
    raise AssertionError(f"no widget {key}")


def test_the_effect_of_a_setting_is_seen_at_once_and_can_be_undone() -> None:
    page = tried()
    assert len(taken(page)) == 2
    verdict = (
        f"2 of {len(table(page))} passages looked at go to the model; the closest is warranty.md with 0."
    )
    assert verdict in said(page)
    nearest = table(page)["Similarity"][0]
    assert nearest.endswith(" (rank 1)")
    assert not [button for button in page.button if button.key == "try_keep"]
    page = set_widget(page, "try_k", 4)
    assert len(taken(page)) == 4
    page = set_widget(page, "try_cosine", float(nearest.split()[0]) - 0.01)
    assert 1 <= len(taken(page)) < 4
    assert set(table(page)["To the model"]) == {TAKEN, TOO_FAR}
    page = set_widget(page, "try_cosine", 0.95)
    assert "The model gets no passage" in said(page)
    page.button(key="try_back").click().run()
    assert len(taken(page)) == 2
    assert page.slider(key="try_cosine").value == 0.2


def test_words_bring_up_what_shares_them() -> None:
    page = tried()
    page.text_input(key="try_question").set_value("HX-482").run()
    page = set_widget(page, "try_words", True)
    shown = table(page)
    best = shown[shown["Same words"].str.endswith("(rank 1)")].iloc[0]
    assert "HX-482" in best["Text"]
    assert "–" in set(shown["Same words"])
    worth = list(map(float, shown["Both"]))
    assert worth == sorted(worth, reverse=True)
    assert worth[0] > worth[-1]


def test_the_first_passage_is_shown_in_its_document() -> None:
    page, scenario = tried(), load_scenario(FACTS)
    found = knowledge().retrieve(scenario, scenario.examples[0], get_engine()).passages[0]
    (drawn,) = [one.value for one in page.markdown if ":green-background[" in str(one.value)]
    marked = re.findall(r":green-background\[(.*?[^\\])\]", str(drawn))
    assert words_of(" ".join(marked).replace("\u2060", "").replace("\\", "")) == words_of(found.text)
    assert "Every Tessel hub is covered against faults" in said(page)


def test_an_example_is_taken_by_a_click() -> None:
    page = tried()
    page.button(key="try_example_2").click().run()
    assert page.text_input(key="try_question").value == "Which city do I send my broken Pro hub to?"
    assert "repairs" in table(page).iloc[0]["Document"]


def test_settings_are_kept_when_asked_for_and_only_then() -> None:
    page = set_widget(tried(), "try_k", 3)
    assert load_scenario(FACTS).retrieval.k == 2
    page.button(key="try_keep").click().run()
    assert not page.exception
    kept = load_scenario(FACTS).retrieval
    assert (kept.k, kept.chunk_tokens, kept.min_cosine) == (3, 70, 0.2)
    assert not [button for button in page.button if button.key == "try_keep"]
    assert tried().number_input(key="try_k").value == 3


def test_another_scenario_begins_with_its_own_question_and_settings() -> None:
    page = set_widget(tried(), "try_k", 7)
    page.selectbox(key="knowledge_scenario").set_value("ticket-routing").run()
    own = load_scenario("ticket-routing")
    assert page.number_input(key="try_k").value == own.retrieval.k
    assert page.text_input(key="try_question").value == own.examples[0]


def test_changed_settings_of_the_scenario_are_taken_over() -> None:
    page, scenario = tried(), load_scenario(FACTS)
    keep_retrieval(scenario, replace(scenario.retrieval, k=6))
    page.run()
    assert page.number_input(key="try_k").value == 6


def test_without_documents_the_next_step_is_said(empty: Scenario) -> None:
    assert "Add documents under “Documents”" in said(open_part("Try retrieval", empty.name))


def test_a_row_of_a_table_is_shown_alone(empty: Scenario) -> None:
    add_documents(empty, [("plans.csv", b"plan,price\nSolo,19\nPro,49\n")])
    knowledge().ensure_index(empty, get_engine())
    page = open_part("Try retrieval", empty.name)
    assert "Type a question" in said(page)
    page.text_input(key="try_question").set_value("What does Pro cost?").run()
    assert ":green-background[plan: Pro; price: 49]" in said(page)
    assert "put together from a table's row" in said(page)


def test_what_is_marked_keeps_its_paragraphs_and_only_its_surroundings_are_shown() -> None:
    body = "# [a](http://x) *b*\n\nfirst ends. Here\nit is\n\n:red[c]"
    text = "far away\n" * 100_000 + body + "\nfar away" * 100_000
    start = text.index("Here")
    shown = highlighted(text, (start, start + len("Here\nit is")))
    assert len(shown) < 12 * AROUND_CHARS
    assert shown.startswith("…\n\n")
    assert shown.endswith("\n\n…")
    plain = shown.replace("\\", "").replace("\u2060", "")
    assert "first ends. :green-background[Here]  \n:green-background[it is]\n\n:red[c]" in plain
    assert "\\[a\\]" in shown
    assert highlighted("all of it", (0, 9)) == ":green-background[all of it]"
