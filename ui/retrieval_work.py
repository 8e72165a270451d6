"""Measurements of retrieval that take a while: begun once, done in the background, followed from any page."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Lock, Thread
from typing import Generic, TypeVar

import streamlit as st

from backends.errors import LeverError, as_failure
from backends.knowledge.documents import FolderState, folder_state
from backends.knowledge.editing import keep_retrieval
from backends.scenario import RetrievalSettings, Scenario
from compare.cases import Case
from ui.text import safe, said

POLL_S = 0.5
MOST_KEPT = 16
MOVED = "Documents were changed meanwhile, so this was not finished. Begin again."
T = TypeVar("T")
Say = Callable[[float, str], None]
"""Takes the share in [0, 1] that is done, and what is being done."""


@dataclass(frozen=True, kw_only=True)
class Key:
    """All that a result depends on: another settings, document or case is another key, so none is stale."""

    scenario: str
    retrieval: RetrievalSettings
    documents: FolderState
    cases: str


@dataclass(frozen=True, kw_only=True)
class Work(Generic[T]):
    """How far a measurement is, or how it ended: with a result, or a sentence on what kept it from one."""

    share: float = 0.0
    doing: str = ""
    result: T | None = None
    problem: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.result is not None or bool(self.problem)


class Works(Generic[T]):
    """The measurements of one kind; every session of the process sees the same, the last few are kept."""

    def __init__(self, name: str) -> None:
        """``name`` is that of the threads and of what is drawn."""
        self.name = name
        self._lock = Lock()
        self._works: OrderedDict[Key, Work[T]] = OrderedDict()

    def of(self, key: Key) -> Work[T] | None:
        """How it goes, or how it ended; None when it was not begun, or is forgotten."""
        with self._lock:
            return self._works.get(key)

    def begin(self, scenario: Scenario, key: Key, work: Callable[[Say], T]) -> None:
        """Begin in the background, unless it goes on already."""
        with self._lock:
            before = self._works.get(key)
            if before is not None and not before.ended:
                return
            self._works[key] = Work()
            self._works.move_to_end(key)
            ended = [known for known, one in self._works.items() if one.ended]
            for known in ended[: max(0, len(self._works) - MOST_KEPT)]:
                del self._works[known]
        Thread(target=self._do, args=(scenario, key, work), name=self.name, daemon=True).start()

    def _do(self, scenario: Scenario, key: Key, work: Callable[[Say], T]) -> None:
        def say(share: float, doing: str) -> None:
            with self._lock:
                self._works[key] = replace(self._works[key], share=share, doing=doing)

        ended: Work[T]
        try:
            result = work(say)
            unmoved = folder_state(scenario.knowledge) == key.documents
            ended = Work(result=result) if unmoved else Work(problem=MOVED)
        except LeverError as error:
            ended = Work(problem=str(error))
        except Exception as error:
            ended = Work(problem=as_failure(error, "retrieve").message)
        with self._lock:
            self._works[key] = ended

    def follow(self, key: Key) -> T | None:
        """The result if it is there; else draws how far it is, or what went wrong."""
        work = self.of(key)
        if work is None:
            return None
        if work.problem:
            st.error(safe(work.problem), icon=":material/error:")
        elif not work.ended:
            st.fragment(self._draw, run_every=POLL_S, key=f"{self.name}_progress")(key)
        return work.result

    def _draw(self, key: Key) -> None:
        work = self.of(key)
        if work is None or work.ended:
            st.rerun()
        st.progress(min(work.share, 1.0), safe(work.doing) or "Beginning …")


def key_of(scenario: Scenario, cases: Sequence[Case]) -> Key:
    """What a measurement on these cases depends on, with the scenario as it is now.

    Raises:
        KnowledgeUnavailable: a document can't be read.
    """
    digest = hashlib.sha256()
    for case in cases:
        digest.update(
            repr((case.id, case.query, case.source, case.expected, case.group, case.split)).encode()
        )
    return Key(
        scenario=scenario.name,
        retrieval=scenario.retrieval,
        documents=folder_state(scenario.knowledge),
        cases=digest.hexdigest(),
    )


def keep(scenario: Scenario, wanted: RetrievalSettings, told: str) -> None:
    """Make these the scenario's settings, say so, and draw the page with them."""
    try:
        keep_retrieval(scenario, wanted)
    except LeverError as error:
        st.error(said(error))
        return
    st.toast(safe(told), icon=":material/check_circle:")
    st.rerun()
