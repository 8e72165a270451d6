"""Scenarios that people make here: a new one, its cases, and its end; documents have a page of their own."""

from collections.abc import Sequence

import streamlit as st

from backends.errors import LeverError
from backends.knowledge import knowledge
from backends.knowledge.documents import READABLE, document_paths, forget_extracted
from backends.knowledge.editing import add_documents
from backends.own_scenarios import (
    MOST_TITLE_CHARS,
    create_scenario,
    delete_scenario,
    keep_cases,
)
from backends.scenario import Scenario
from backends.settings import settings
from compare import numbers
from compare.cases import Case
from compare.csv_export import cases_csv
from compare.drill_undo import forget_drill
from compare.drills import drills
from compare.training_set import collected_path
from ui.text import safe, said

CHOSEN, MADE, OPEN = "cases_scenario", "scenario_made", "new_scenario_open"
REFUSED = "documents_refused"
"""Sentences on files that were not taken, until they were shown."""


def new_scenario() -> None:
    """The button that begins one; its form stays open, whatever else happens on the page."""
    st.button("New scenario", icon=":material/add:", key="new_scenario", on_click=_open)
    if st.session_state.get(OPEN):
        st.dialog("A scenario of your own", width="medium", on_dismiss=_close)(_form)()


def _open() -> None:
    st.session_state[OPEN] = True


def _close() -> None:
    st.session_state.pop(OPEN, None)


def _form() -> None:
    st.caption("A task of your team, with its own instructions and documents. All of it can change later.")
    title = st.text_input("What is it called?", max_chars=MOST_TITLE_CHARS, key="new_title")
    instructions = st.text_area(
        "Instructions to the model (the system prompt)", height=110, key="new_instructions",
        placeholder="You answer questions about …",
    )  # fmt: skip
    files = st.file_uploader(
        "Documents that answers can be looked up in",
        type=[ending.removeprefix(".") for ending in READABLE],
        accept_multiple_files=True,
        max_upload_size=settings().max_upload_mb,
        key="new_documents",
    )
    if st.button("Make it", type="primary", icon=":material/check:", key="make_scenario"):
        try:
            made = create_scenario(title, instructions)
            _, refused = add_documents(made, [(file.name, file.getvalue()) for file in files])
        except LeverError as error:
            st.error(said(error))
            return
        st.session_state[MADE], st.session_state[REFUSED] = made.name, refused
        _close()
        st.rerun()


def choose_made() -> None:
    """Choose the scenario that was just made; to be called before the list of scenarios is drawn."""
    made = st.session_state.pop(MADE, None)
    if made is not None:
        st.session_state[CHOSEN] = made


def own_scenario(scenario: Scenario) -> None:
    """How much it knows, the way to its documents, and the way to delete it."""
    for sentence in st.session_state.pop(REFUSED, ()):
        st.warning(safe(sentence))
    found = len(document_paths(scenario.knowledge))
    with st.container(horizontal=True, vertical_alignment="center"):
        many = f"Knows {numbers.plural(found, 'document')}" if found else "Knows no documents yet"
        st.markdown(f":material/folder_open: {many}", width="content")
        if st.button("Change its documents", icon=":material/menu_book:", key="change_documents"):
            st.session_state["knowledge_scenario"] = scenario.name
            st.session_state["knowledge_part"] = "Documents"
            st.switch_page("pages/knowledge.py")
        with st.popover("Delete this scenario", icon=":material/delete_forever:", key="delete_scenario"):
            st.markdown("Its documents, cases and adapters go for good. Stored runs of it stay.")
            st.button("Delete it", key="really_delete", on_click=_delete, args=(scenario,))
    if not found:
        st.caption("Without documents only the approaches without retrieval can answer.")


def keep_as_own(scenario: Scenario, cases: Sequence[Case]) -> None:
    """Let the file's usable cases become the scenario's own."""
    many = numbers.plural(len(cases), "case")
    help = "They stand under “The scenario's own” from then on, in place of older ones."
    if st.button(f"Keep these {many} with the scenario", icon=":material/save:", key="keep_cases", help=help):
        try:
            keep_cases(scenario, cases_csv(cases))
        except LeverError as error:
            st.error(said(error))
            return
        st.toast(f"{many} kept.", icon=":material/check_circle:")


def _delete(scenario: Scenario) -> None:
    try:
        forget_drill(scenario)
        drills().forget(scenario.name)
        forget_extracted(scenario.knowledge)
        delete_scenario(scenario)
        knowledge().forget(scenario.name)
        collected_path(scenario.name).unlink(missing_ok=True)
    except (LeverError, OSError) as error:
        st.toast(safe(str(error)))
        return
    st.session_state.pop(CHOSEN, None)
