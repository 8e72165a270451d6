"""The engine's thread: loads, then takes from the queue until it is stopped or dies.

Three threads on one model with PEFT's switches gave 142 wrong outputs of 150 without one exception. So only
this thread touches the model; everybody else puts something into the queue, from any thread.
"""

import logging
import sys
import threading
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from backends.engine.base import WENT_FIRST
from backends.engine.jobs import AdapterJob, Ask, GenerationJob
from backends.errors import EngineStopped, LeverError, as_failure
from backends.imports import load_torch
from backends.settings import Settings

if TYPE_CHECKING:
    from concurrent.futures import Future

    from backends.engine.rows import Row
    from backends.engine.worker import Worker

State = Literal["loading", "ready", "failed", "stopped"]
log = logging.getLogger(__name__)


SWITCH_S = 0.0005
"""Seconds after which a busy thread lets others go on. With Python's usual 5 ms a decode step, which lets go
of the interpreter some hundred times, takes seconds as soon as pages are drawn beside it."""
PRELOAD_AFTER_S = 2.0
"""How long the engine is idle before it loads the embedder: questions asked while the model loaded go first,
and the lanes that need no documents come 1.5 s after the model is there (``compare/worker.py``)."""


class _StopNow(BaseException):
    """Leaves whatever the thread is doing when the engine is stopped."""


class EngineLoop:
    """The queue and the thread that serves it; its public face is ``local.LocalEngine``."""

    def __init__(self, settings: Settings, preload_embedder: bool = False) -> None:
        self._settings, self._preload = settings, preload_embedder
        self._lock = threading.Condition()
        self._queue: deque[GenerationJob | AdapterJob] = deque()
        self._asks: deque[Ask] = deque()
        self._running: list[GenerationJob | AdapterJob] = []
        """What runs now; before it stands a background job that it interrupts."""
        self._woken = False
        self._stopping = False
        self._state: State = "stopped"
        self._detail = "The engine has not been started."
        self.failure: LeverError | None = None
        """Why it failed, when that is more than an accident; its sentence stands in the status too."""
        self._worker: Worker | None = None
        self._thread: threading.Thread | None = None
        self._can_render = threading.Event()
        self._settled = threading.Event()

    def _main(self) -> None:
        state: State = "failed"
        detail = "The engine's thread ended unexpectedly."
        sys.setswitchinterval(SWITCH_S)
        try:
            self._load()
            while True:
                self._work()
        except _StopNow:
            state, detail = "stopped", "The engine was stopped."
        except LeverError as error:
            detail = str(error)
            self.failure = error.with_traceback(None)
        except BaseException as error:
            detail = f"The engine's thread was killed by {type(error).__name__}: {error}".rstrip(": ") + "."
        finally:
            self._close(state, detail)

    def _load(self) -> None:
        from backends.engine.worker import Worker

        load_torch()
        self._worker = Worker(self._settings)
        self._can_render.set()
        self._worker.load()
        self._require_proof()
        with self._lock:
            self._state, self._detail = "ready", "Ready."
        self._settled.set()

    def _load_embedder(self) -> None:
        """Before the first question needs it; whoever asks hears what is wrong with it."""
        self._preload = False
        assert self._worker is not None
        try:
            self._worker.embed(["warm-up"])
        except LeverError as error:
            log.warning("%s", error)

    def _require_proof(self) -> None:
        """Without the proof no call may run: the thread ends with the reason."""
        assert self._worker is not None
        if self._worker.proof != "passed":
            raise EngineStopped(
                f"The proof that adapters leave the base model alone failed: {self._worker.proof_reason}"
            )

    def _work(self) -> None:
        """Wait for something to do and do it; what may be needed later is loaded when nothing comes."""
        with self._lock:
            while not (self._queue or self._asks or self._woken or self._stopping):
                if not self._lock.wait(PRELOAD_AFTER_S if self._preload else None):
                    break
            idle = not (self._queue or self._asks or self._woken or self._stopping)
        if idle:
            self._load_embedder()
            return
        self._between(serve=True)
        with self._lock:
            waiting = self._in_order()
            if waiting:
                self._queue.remove(waiting[0])
                self._running.append(waiting[0])
                self._woken = True
        for job in waiting[:1]:
            if isinstance(job, AdapterJob):
                self._change_adapters(job)
            else:
                self._generate(job)
            self._running.pop()

    def _in_order(self) -> list[GenerationJob | AdapterJob]:
        """The queue as it is served: background jobs last. The lock must be held."""
        return sorted(self._queue, key=lambda job: job.background)

    def _change_adapters(self, job: AdapterJob) -> None:
        assert self._worker is not None
        try:
            found = job.change(self._worker)
            self._require_proof()
            job.result.set_result(found)
        except EngineStopped:
            raise
        except Exception as error:
            if job.background:  # Nobody waits for it.
                log.exception("An adapter could not be let go of")
            job.result.set_exception(error)
            self._require_proof()

    def _generate(self, job: GenerationJob) -> None:
        worker = self._worker
        assert worker is not None
        if not job.background:
            self._delay_others()

        def tick(rows: "Sequence[Row]") -> None:
            if self._stopping or self._woken:
                self._between(
                    serve=job.mode == "demo" or not any(row.tokens and not row.finished for row in rows)
                )
                if job.background and self._let_others_go_first():
                    job.delayed = True
            if job.delayed:
                for row in rows:
                    if not row.finished and WENT_FIRST not in row.marks:
                        row.marks.append(WENT_FIRST)
            if job.dirty:
                for row in rows:
                    row.cancelled = row.request.id in job.cancelled

        try:
            worker.run(job, tick)
        except Exception as error:
            job.fail_open(as_failure(error, "engine"))

    def _delay_others(self) -> None:
        """Background jobs that wait now wait for a live question."""
        with self._lock:
            for job in self._queue:
                if isinstance(job, GenerationJob) and job.background:
                    job.delayed = True

    def _let_others_go_first(self) -> bool:
        """Answer what was asked meanwhile, in the midst of a background job; gives whether anything was."""
        any_went = False
        while True:
            with self._lock:
                others = (job for job in self._queue if isinstance(job, GenerationJob) and not job.background)
                job = next(others, None)
                if job is None:
                    return any_went
                self._queue.remove(job)
                self._running.append(job)
            self._generate(job)
            self._running.pop()
            any_went = True

    def _between(self, *, serve: bool) -> None:
        """What is done between two steps: leave when stopped, answer questions, tell the queue, end cancelled
        waiters.
        """
        if self._stopping:
            raise _StopNow
        with self._lock:
            self._woken = not serve and bool(self._asks)
            queue = self._in_order()
            waiting = [job for job in queue if isinstance(job, GenerationJob)]
            before = int(bool(self._running))
            ahead = {id(job): before + place for place, job in enumerate(queue)}
        while serve and (ask := self._next_ask()) is not None:
            ask.serve()
        for job in waiting:
            if job.dirty:
                self._end_cancelled(job)
            job.announce(ahead[id(job)])

    def _next_ask(self) -> Ask | None:
        """The question to answer now; those in the background wait while a live job runs."""
        with self._lock:
            live = any(isinstance(job, GenerationJob) and not job.background for job in self._running)
            ask = next((ask for ask in self._asks if not (live and ask.background)), None)
            if ask is not None:
                self._asks.remove(ask)
            return ask

    def _end_cancelled(self, job: GenerationJob) -> None:
        assert self._worker is not None
        job.dirty = False
        for request_id in tuple(job.open):
            if request_id in job.cancelled:
                row = self._worker.row_or_failure(job, job.open[request_id])
                if row is not None:
                    self._worker.end_unstarted(job, row)

    def _close(self, state: State, detail: str) -> None:
        """Nothing may wait for a thread that is gone: every call and question gets its sentence."""
        with self._lock:
            self._state, self._detail = state, detail
            jobs = [*self._running, *self._queue]
            asks = list(self._asks)
            self._queue.clear()
            self._asks.clear()
            self._running.clear()
        error = EngineStopped(detail)
        results: list[Future] = [ask.result for ask in asks]
        for job in jobs:
            if isinstance(job, GenerationJob):
                job.fail_open(as_failure(error, "engine"))
            else:
                results.append(job.result)
        for result in results:
            if not result.done():
                result.set_exception(error)
        self._can_render.set()
        self._settled.set()
