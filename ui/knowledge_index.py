"""The state of a scenario's index, and bringing it in step in the background, followed from any page."""

from dataclasses import dataclass, replace
from threading import Lock, Thread

import streamlit as st

from backends.errors import LeverError, as_failure
from backends.knowledge import IndexHealth, knowledge
from backends.knowledge.documents import FolderState, document_paths, folder_state
from backends.scenario import RetrievalSettings, Scenario
from backends.settings import settings
from compare import numbers
from ui.resources import get_engine
from ui.text import safe

POLL_S = 0.5
EMBEDDER = "all-MiniLM-L6-v2"
"""What embeds the documents when no setting names another one."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """An index that is brought in step: for which state of the folder, how many of the changed documents are
    in, and how it ended.
    """

    state: FolderState
    done: int = 0
    planned: int = 0
    ended: bool = False
    problem: str = ""


_lock = Lock()
_works: dict[tuple[str, RetrievalSettings], Work] = {}
"""By scenario and settings; every session of the process sees the same."""


def bring_in_step(scenario: Scenario, *, anew: bool = False) -> None:
    """Begin in the background, unless it goes on already; ``anew`` builds all of it again."""
    key = (scenario.name, scenario.retrieval)
    with _lock:
        if key in _works and not _works[key].ended:
            return
        _works[key] = Work(state=folder_state(scenario.knowledge))
    Thread(target=_work, args=(scenario, anew), name=f"index {scenario.name}", daemon=True).start()


def _work(scenario: Scenario, anew: bool) -> None:
    key = (scenario.name, scenario.retrieval)

    def report(done: int, planned: int) -> None:
        with _lock:
            _works[key] = replace(_works[key], done=done, planned=planned)

    problem = ""
    try:
        build = knowledge().rebuild if anew else knowledge().ensure_index
        build(scenario, get_engine(), report)
    except LeverError as error:
        problem = str(error)
    except Exception as error:
        problem = as_failure(error, "retrieve").message
    with _lock:
        _works[key] = replace(_works[key], ended=True, problem=problem)


def work_of(scenario: Scenario) -> Work | None:
    """How its index is being brought in step, or how that ended; None before it was begun."""
    with _lock:
        return _works.get((scenario.name, scenario.retrieval))


def index_state(scenario: Scenario) -> None:
    """One line on the index; while it is brought in step it renews itself, then lets the page run again."""
    if not document_paths(scenario.knowledge):
        return
    if get_engine().status().state != "ready":
        return
    work, health = work_of(scenario), knowledge().current(scenario, get_engine())
    failed = work is not None and work.problem and work.state == folder_state(scenario.knowledge)
    if health is None and not failed:
        bring_in_step(scenario)
        work = work_of(scenario)
    going = work is not None and not work.ended
    st.fragment(_draw, run_every=POLL_S if going else None, key="index_state")(scenario, going=going)


def _draw(scenario: Scenario, *, going: bool) -> None:
    work, health = work_of(scenario), knowledge().current(scenario, get_engine())
    if going and (work is None or work.ended):
        st.rerun()
    if work is not None and not work.ended:
        many = numbers.share(work.done, work.planned) if work.planned else "looking at the"
        share = work.done / work.planned if work.planned else 0.0
        st.progress(share, f"Bringing the index in step: {many} changed documents")
        return
    with st.container(horizontal=True, vertical_alignment="center", key="index_line"):
        if health is not None:
            badge = ":green-badge[:material/check_circle: Index in step]"
            st.markdown(f"{badge} :small[{_said(health)}]", width="stretch")
        elif work is not None and work.problem:
            st.error(safe(work.problem), icon=":material/error:")
        st.button(
            "Rebuild", icon=":material/refresh:", key="rebuild_index", type="tertiary",
            help="Embeds every document anew. Needed only if you mistrust what is there.",
            on_click=bring_in_step, args=(scenario,), kwargs={"anew": True},
        )  # fmt: skip


def _said(health: IndexHealth) -> str:
    model = settings().embedding_model or EMBEDDER
    parts = [
        numbers.plural(health.documents, "document"),
        numbers.plural(health.chunks, "passage"),
        f"{numbers.size(health.vector_bytes)} of vectors by {safe(model)}",
        f"written {safe(health.written_at.replace('T', ' ')[:16])} UTC" if health.written_at else "",
    ]
    return " · ".join(part for part in parts if part)
