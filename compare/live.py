"""A run while it happens: what screens, watchers by link and the command line follow.

A :class:`LiveRun` is written by one worker thread and by the engine's events, and read by many polling pages.
Everything that leaves it is frozen; a reader compares :attr:`RunView.version` to skip redrawing. Nothing here
touches a model or a database: ``compare/runner.py`` does, and ``compare/store.py`` builds the same
:class:`RunView` from stored rows, so that a finished run looks exactly like a live one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Condition, Event, Lock
from types import MappingProxyType
from typing import Literal

from backends.engine.base import AdapterInfo
from backends.scenario import NO_TEXTS, PromptTexts
from backends.types import Answer, Failure, Prompt, Query
from compare.checks import CheckResult

CallStatus = Literal["waiting", "queued", "running", "done", "failed", "cancelled"]
"""``waiting``: its prompt is being prepared. ``queued``: with the engine. ``running``: prefill or decode."""
RunStatus = Literal["running", "done", "interrupted"]
"""``interrupted``: its process ended before its calls did."""
CallKey = tuple[str, int]
"""(backend, repeat), the repeat counted from 0."""
ENDED: frozenset[CallStatus] = frozenset({"done", "failed", "cancelled"})
KEPT_RUNS = 50
"""How many ended runs the registry keeps; older ones are loaded from the store."""


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What produced a run's answers: model, hash of its weights, adapters, versions, proof result.

    ``knowledge`` says how passages are found and digests what documents say; empty without documents.
    """

    model: str
    model_path: str
    base_hash: str
    device: str
    dtype: str
    threads: int
    adapters: tuple[AdapterInfo, ...]
    proof: str
    proof_reason: str
    versions: Mapping[str, str]
    template_hash: str = ""
    embedder_hash: str = ""
    knowledge: str = ""


@dataclass(frozen=True, kw_only=True)
class LiveAnswer:
    """One call, now. ``text`` grows while it runs and stays when it fails.

    ``queue_ahead`` counts the jobs before it; ``prompt`` is known once it is prepared, ``answer`` once it is
    done (or was cancelled while it ran); ``failure`` says why there is none. ``checks`` are filled for done
    calls only.
    """

    backend: str
    repeat: int
    seed: int
    status: CallStatus = "waiting"
    text: str = ""
    queue_ahead: int = 0
    answer: Answer | None = None
    failure: Failure | None = None
    prompt: Prompt | None = None
    checks: tuple[CheckResult, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.status in ENDED


@dataclass(frozen=True, kw_only=True)
class RunView:
    """A frozen picture of a run, live or stored.

    ``calls`` is ordered by repeat, then by backend as asked; ``version`` grows with every change of a live
    run. ``texts`` are the prompt texts that were used and ``texts_version`` their number within the
    scenario; ``name`` is what somebody called the run. Times are UTC, ISO 8601; ``finished_at`` is empty
    while the run goes on.
    """

    id: str
    query: Query
    scenario: str
    backends: tuple[str, ...]
    status: RunStatus
    version: int
    calls: Mapping[CallKey, LiveAnswer]
    name: str = ""
    texts: PromptTexts = NO_TEXTS
    texts_version: int | None = None
    started_at: str = ""
    finished_at: str = ""
    provenance: Provenance | None = None

    @property
    def done(self) -> bool:
        """Whether every call has ended (done, failed or cancelled) or never will."""
        return self.status != "running"

    def lane(self, backend: str) -> tuple[LiveAnswer, ...]:
        """One backend's calls in order of their repeat."""
        return tuple(call for (name, _), call in self.calls.items() if name == backend)


def call_keys(backends: Sequence[str], repeats: int) -> tuple[CallKey, ...]:
    """All calls of a run in the order in which screens show them: repeat by repeat, backends as asked."""
    return tuple((backend, repeat) for repeat in range(repeats) for backend in backends)


@dataclass
class _State:
    """What changes while a run goes on; guarded by the run's lock."""

    status: RunStatus = "running"
    version: int = 0
    name: str = ""
    finished_at: str = ""
    provenance: Provenance | None = None
    cached: RunView | None = None


class LiveRun:
    """One run in this process. Every method may be called from any thread; one lock guards all of it."""

    def __init__(self, first: RunView) -> None:
        """``first`` gives the planned calls, all ``waiting``."""
        self._first = first
        self._calls = dict(first.calls)
        self._state = _State(version=first.version, name=first.name)
        self._changed = Condition()
        self._finished = Event()
        self._on_cancel: Callable[[Sequence[CallKey]], None] | None = None

    @property
    def id(self) -> str:
        """The run's id, as in ``?run=``."""
        return self._first.id

    @property
    def query(self) -> Query:
        """What was asked."""
        return self._first.query

    @property
    def scenario(self) -> str:
        """The scenario's name."""
        return self._first.scenario

    @property
    def backends(self) -> tuple[str, ...]:
        """The backends asked, in lane order."""
        return self._first.backends

    @property
    def calls(self) -> Mapping[CallKey, LiveAnswer]:
        """The calls now, frozen."""
        return self.snapshot().calls

    @property
    def version(self) -> int:
        """Grows with every change; a page that has drawn this version need not draw again."""
        with self._changed:
            return self._state.version

    @property
    def done(self) -> bool:
        """Whether every call has ended and is stored (or could not be, and says so)."""
        with self._changed:
            return self._state.status != "running"

    def snapshot(self) -> RunView:
        """The run as it stands; built once per version, then shared by all readers."""
        with self._changed:
            state = self._state
            if state.cached is None:
                state.cached = replace(
                    self._first,
                    calls=MappingProxyType(dict(self._calls)),
                    status=state.status,
                    version=state.version,
                    name=state.name,
                    finished_at=state.finished_at,
                    provenance=state.provenance,
                )
            return state.cached

    def wait(self, timeout_s: float | None = None) -> RunView:
        """Block until the run is done (or the time is over); the view is returned either way."""
        self._finished.wait(timeout_s)  # An event of its own: not woken by every token.
        return self.snapshot()

    def wait_change(self, version: int, timeout_s: float) -> RunView:
        """Block until the run is newer than ``version`` or done, at most ``timeout_s`` seconds."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._state.version > version or self._state.status != "running", timeout_s
            )
        return self.snapshot()

    def cancel(self, backend: str | None = None) -> None:
        """Stop one backend's open calls, or all; each keeps its text so far. Ended calls stay as they are."""
        with self._changed:
            stop = self._on_cancel
            keys = [k for k, call in self._calls.items() if not call.ended and backend in (None, k[0])]
        if stop is not None and keys:
            stop(keys)

    # What follows is for compare/runner.py, which writes a run; screens only read.

    def on_cancel(self, stop: Callable[[Sequence[CallKey]], None]) -> None:
        """Name what stops open calls; called without the lock."""
        with self._changed:
            self._on_cancel = stop

    def change(self, key: CallKey, update: Callable[[LiveAnswer], LiveAnswer]) -> LiveAnswer:
        """Replace one call by ``update`` of it, unless it has ended; gives the call as it now stands."""
        with self._changed:
            before = self._calls[key]
            if before.ended:
                return before
            self._calls[key] = after = update(before)
            self._touch()
            return after

    def set_provenance(self, provenance: Provenance) -> None:
        """Note what produces the answers, known once the engine is ready."""
        with self._changed:
            self._state.provenance = provenance
            self._touch()

    def rename(self, name: str) -> None:
        """Call the run something."""
        with self._changed:
            self._state.name = name
            self._touch()

    def finish(self, finished_at: str) -> None:
        """Say that the run is done."""
        with self._changed:
            self._state.status = "done"
            self._state.finished_at = finished_at
            self._touch()
        self._finished.set()

    def _touch(self) -> None:
        self._state.version += 1
        self._state.cached = None
        self._changed.notify_all()


class LiveRuns:
    """The runs of this process by id. Runs that go on are always kept; of ended ones the last ``keep``."""

    def __init__(self, keep: int = KEPT_RUNS) -> None:
        self._keep = keep
        self._runs: dict[str, LiveRun] = {}
        self._lock = Lock()

    def add(self, run: LiveRun) -> None:
        """Keep a run, and forget the oldest ended ones above the bound."""
        with self._lock:
            self._runs[run.id] = run
            ended = [run_id for run_id, kept in self._runs.items() if kept.done]
            for run_id in ended[: max(0, len(ended) - self._keep)]:
                del self._runs[run_id]

    def get(self, run_id: str) -> LiveRun | None:
        """The run, or None when it was never here or is forgotten; then ask the store."""
        with self._lock:
            return self._runs.get(run_id)

    def forget(self, run_id: str) -> None:
        """Let go of an ended run, as when it was deleted from the store."""
        with self._lock:
            if run_id in self._runs and self._runs[run_id].done:
                del self._runs[run_id]

    def running(self) -> tuple[LiveRun, ...]:
        """The runs that go on, oldest first."""
        with self._lock:
            return tuple(run for run in self._runs.values() if not run.done)


_live_runs = LiveRuns()


def live_runs() -> LiveRuns:
    """The process-wide registry."""
    return _live_runs
