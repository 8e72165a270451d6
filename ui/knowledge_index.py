"""The state of a scenario's index, and bringing it in step in the background, followed from any page."""

from dataclasses import dataclass, replace
from threading import Lock, Thread

import streamlit as st

from backends.errors import LeverError, as_failure
from backends.knowledge import IndexHealth, knowledge
from backends.knowledge.documents import document_paths
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
    """An index that is brought in step: how many of the changed documents are in, or how it ended."""

    done: int = 0
    planned: int = 0
    health: IndexHealth | None = None
    problem: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.health is not None or bool(self.problem)


_lock = Lock()
_works: dict[tuple[str, RetrievalSettings], Work] = {}
"""By scenario and settings; every session of the process sees the same."""


def bring_in_step(scenario: Scenario, *, anew: bool = False) -> None:
    """Begin in the background, unless it goes on already; ``anew`` builds all of it again."""
    key = (scenario.name, scenario.retrieval)
    with _lock:
        if key in _works and not _works[key].ended:
            return
        _works[key] = Work()
    Thread(target=_work, args=(scenario, anew), name=f"index {scenario.name}", daemon=True).start()


def _work(scenario: Scenario, anew: bool) -> None:
    key = (scenario.name, scenario.retrieval)

    def report(done: int, planned: int) -> None:
        with _lock:
            _works[key] = replace(_works[key], done=done, planned=planned)

    try:
        engine = get_engine()
        build = knowledge().rebuild if anew else knowledge().ensure_index
        ended = Work(health=build(scenario, engine, report))
    except LeverError as error:
        ended = Work(problem=str(error))
    except Exception as error:
        ended = Work(problem=as_failure(error, "retrieve").message)
    with _lock:
        _works[key] = ended


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
    work = work_of(scenario)
    if work is None or (work.health is not None and not knowledge().is_current(scenario, get_engine())):
        bring_in_step(scenario)
        work = work_of(scenario)
    going = work is not None and not work.ended
    st.fragment(_draw, run_every=POLL_S if going else None, key="index_state")(scenario, going=going)


def _draw(scenario: Scenario, *, going: bool) -> None:
    work = work_of(scenario)
    if work is None:
        return
    if work.ended and going:
        st.rerun()
    if not work.ended:
        share = work.done / work.planned if work.planned else 0.0
        many = numbers.share(work.done, work.planned) if work.planned else "looking at the"
        st.progress(share, f"Bringing the index in step: {many} changed documents")
        return
    with st.container(horizontal=True, vertical_alignment="center", key="index_line"):
        if work.problem:
            st.error(safe(work.problem), icon=":material/error:")
        elif work.health is not None:
            st.markdown(
                f":green-badge[:material/check_circle: Index in step] {_said(work.health)}", width="stretch"
            )
        help = "Embeds every document anew. Needed only if you mistrust what is there."
        st.button(
            "Rebuild", icon=":material/refresh:", key="rebuild_index", type="tertiary", help=help,
            on_click=bring_in_step, args=(scenario,), kwargs={"anew": True},
        )  # fmt: skip


def _said(health: IndexHealth) -> str:
    model = settings().embedding_model or EMBEDDER
    parts = [
        numbers.plural(health.documents, "document"),
        numbers.plural(health.chunks, "passage"),
        f"{health.vector_bytes / 1e6:.1f} MB of vectors",
        f"embedded by {safe(model)}",
        f"last written {safe(health.written_at.replace('T', ' ')[:16])} UTC" if health.written_at else "",
    ]
    return " · ".join(part for part in parts if part)
