"""The documents of a scenario: in, out, edited, back, and how they are cut into passages."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import streamlit as st

from backends.errors import LeverError
from backends.knowledge.documents import READABLE, WRITTEN, Document, cut, document_paths, read_document
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
from backends.scenario import Scenario
from backends.settings import settings
from compare import numbers
from ui.resources import get_engine
from ui.text import safe, said

SAVED, TAKEN = "documents_said", "documents_taken"
"""What the last change said (icon, sentence), until it is shown; how often files were taken."""
MOST_EDITED = 200_000
"""Characters of a text that is edited here; a longer one makes the browser crawl."""
PREVIEWED = 40
LEAST_TOKENS, MOST_TOKENS = 16, 1000


def documents(scenario: Scenario) -> None:
    """The list beside the chosen document; below it, how documents are cut."""
    for icon, sentence in st.session_state.pop(SAVED, ()):
        (st.warning if icon == "warning" else st.success)(safe(sentence), icon=f":material/{icon}:")
    left, right = st.columns((2, 3), gap="medium")
    with left:
        chosen = _listed(scenario)
        _add(scenario)
        _removed(scenario)
        _reset(scenario)
    with right:
        if chosen is None:
            st.info("Nothing is known yet. Add documents on the left: answers are then looked up in them.")
            return
        _one(scenario, chosen)


def _listed(scenario: Scenario) -> Path | None:
    """All documents; gives the chosen one."""
    paths = document_paths(scenario.knowledge)
    if not paths:
        return None
    changes = changed_documents(scenario) if scenario.ships else {}
    table = pd.DataFrame(
        {
            "Document": [path.name for path in paths],
            "Size": [numbers.size(path.stat().st_size) for path in paths],
        }
    )
    if changes:
        table[""] = [changes.get(path.name, "") for path in paths]
    picked = st.dataframe(
        table,
        hide_index=True,
        key=f"documents_of_{scenario.name}",
        on_select="rerun",
        selection_mode="single-row",
        alt="The documents of this scenario",
        height=min(420, 38 + 35 * len(paths)),
        column_config={"Document": st.column_config.TextColumn(width="medium")},
    )
    rows = picked.selection.rows  # type: ignore[attr-defined]
    return paths[rows[0] if rows and rows[0] < len(paths) else 0]


def _add(scenario: Scenario) -> None:
    files = st.file_uploader(
        "Add documents",
        type=[ending.removeprefix(".") for ending in READABLE],
        accept_multiple_files=True,
        max_upload_size=settings().max_upload_mb,
        key=f"knowledge_files_{st.session_state.get(TAKEN, 0)}",
        help="Text, Markdown, tables (CSV), PDF, Word and HTML. One of a name that is there already replaces "
        "it; the one before can be restored.",
    )
    if files and st.button("Add them", type="primary", icon=":material/add:", key="add_knowledge"):
        with st.spinner("Reading the documents"):
            taken, refused = add_documents(scenario, [(file.name, file.getvalue()) for file in files])
        told = [("warning", sentence) for sentence in refused]
        if taken:
            many = numbers.plural(len(taken), "document")
            told.append(("check_circle", f"{many} added: {', '.join(taken)}."))
        st.session_state[SAVED] = told
        st.session_state[TAKEN] = st.session_state.get(TAKEN, 0) + 1
        st.rerun()


def _removed(scenario: Scenario) -> None:
    there = {path.name for path in document_paths(scenario.knowledge)}
    gone = [name for name in restorable(scenario) if name not in there]
    if gone:
        with st.expander(f"{numbers.plural(len(gone), 'removed document')}", icon=":material/delete:"):
            for number, name in enumerate(gone):
                with st.container(horizontal=True, vertical_alignment="center"):
                    st.markdown(safe(name), width="stretch")
                    _button("Put back", "undo", f"put_back_{number}", restore_document, scenario, name)


def _reset(scenario: Scenario) -> None:
    if scenario.ships and changed_documents(scenario):
        help = "Undoes all changes of this scenario's documents; what you added goes for good."
        with st.popover(
            "Back to what ships", icon=":material/restart_alt:", key="reset_documents", help=help
        ):
            st.markdown("All your changes of these documents go for good.")
            _button("Reset the documents", "restart_alt", "really_reset", reset_documents, scenario)


def _one(scenario: Scenario, path: Path) -> None:
    try:
        document = read_document(path)
    except LeverError as error:
        st.error(said(error))
        _button("Remove it", "delete", "remove_knowledge", remove_document, scenario, path.name)
        return
    st.markdown(f"##### {safe(path.name)}")
    shown = st.segmented_control(
        "Show", ["Text", "Passages"], default="Text", required=True, key="document_shown",
        label_visibility="collapsed", persist_state="session",
    )  # fmt: skip
    if shown == "Text":
        _text(scenario, path, document)
    else:
        _passages(scenario, document)


def _text(scenario: Scenario, path: Path, document: Document) -> None:
    key = f"text_{scenario.name}_{path.name}"
    seen = _seen(key, document)
    whole = len(seen.text) <= MOST_EDITED
    if whole:
        st.session_state.setdefault(key, seen.text)
        text = st.text_area("Text", height=380, key=key, label_visibility="collapsed")
    else:
        text = seen.text
        st.text(text[:MOST_EDITED], width="stretch")
        st.caption("The text is too long to be edited here; this is its beginning.")
    if seen != document:
        st.warning(
            "Somebody else changed this document meanwhile. Copy what you wrote, and look at the new text.",
            icon=":material/sync_problem:",
        )
        st.button("Look at the new text", key="look_again", on_click=_reload, args=(key,))
    if path.suffix.lower() not in WRITTEN:
        st.caption(
            f"This is what was read out of the file. Saving a change puts a Markdown document in the place "
            f"of {safe(path.name)}."
        )
    with st.container(horizontal=True):
        st.button(
            "Save", type="primary", icon=":material/save:", key="save_document", disabled=text == seen.text,
            on_click=_save, args=(scenario, seen, key),
        )  # fmt: skip
        _button("Remove", "delete", "remove_knowledge", remove_document, scenario, path.name)
        if path.name in restorable(scenario):
            label = "Restore the version before"
            _button(label, "undo", "restore_document", restore_document, scenario, path.name)


def _seen(key: str, document: Document) -> Document:
    """The document as it was when this session began to edit it; as it is now as long as nothing is typed."""
    seen: Document = st.session_state.setdefault(f"{key}_seen", document)
    if seen != document and st.session_state.get(key, seen.text) == seen.text:
        _reload(key)
        seen = st.session_state[f"{key}_seen"] = document
    return seen


def _reload(key: str) -> None:
    st.session_state.pop(key, None)
    st.session_state.pop(f"{key}_seen", None)


def _save(scenario: Scenario, seen: Document, key: str) -> None:
    if _do(write_document, scenario, seen, st.session_state[key]):
        _reload(key)


def _passages(scenario: Scenario, document: Document) -> None:
    """What the document is cut into, with settings that show their effect before they are kept."""
    wanted = scenario.retrieval
    first, second = st.columns(2)
    tokens = first.slider(
        "Longest passage, in tokens", LEAST_TOKENS, max(MOST_TOKENS, wanted.chunk_tokens),
        wanted.chunk_tokens, key=f"chunk_tokens_{scenario.name}",
        help="Short passages are found more exactly, long ones say more. A token is about four letters.",
    )  # fmt: skip
    overlap = second.slider(
        "Shared with the one before, in tokens", 0, tokens - 1, min(wanted.chunk_overlap, tokens - 1),
        key=f"chunk_overlap_{scenario.name}_{tokens}",
        help="Whole sentences that stand in both, so that nothing is torn apart.",
    )  # fmt: skip
    if get_engine().status().state != "ready":
        st.info("The passages show as soon as the model is loaded: its tokens are counted.")
        return
    count = get_engine().count_tokens
    try:
        chunks = cut([document], chunk_tokens=tokens, chunk_overlap=overlap, count_tokens=count)
    except LeverError as error:
        st.error(said(error))
        return
    changed = replace(wanted, chunk_tokens=tokens, chunk_overlap=overlap)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{numbers.plural(len(chunks), 'passage')}** of this document", width="stretch")
        if st.button("Keep this cut", icon=":material/save:", key="keep_cut", disabled=changed == wanted):
            _do(keep_retrieval, scenario, changed)
            st.rerun()
    table = pd.DataFrame(
        {
            "No.": range(1, min(len(chunks), PREVIEWED) + 1),
            "Tokens": [count(chunk.text) for chunk in chunks[:PREVIEWED]],
            "Passage": [chunk.text for chunk in chunks[:PREVIEWED]],
        }
    )
    st.dataframe(
        table, hide_index=True, key="chunks_shown", row_height=70, alt="What the document is cut into"
    )
    if len(chunks) > PREVIEWED:
        st.caption(f"The first {PREVIEWED} are shown.")


def _button(label: str, icon: str, key: str, do: Callable[..., object], *arguments: object) -> None:
    st.button(label, icon=f":material/{icon}:", key=key, on_click=_do, args=(do, *arguments))


def _do(do: Callable[..., object], *arguments: object) -> bool:
    """Carry out a change; what stands in its way is said at the top of the page."""
    try:
        do(*arguments)
    except (LeverError, OSError) as error:
        st.session_state[SAVED] = [("warning", str(error))]
        return False
    return True
