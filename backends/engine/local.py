"""The engine on this machine: one thread owns model, adapters and embedder; a queue leads in, events lead
out.

Three threads on one model with PEFT's switches gave 142 wrong outputs of 150 without one exception. So
everybody else only puts something into the queue here, from any thread.
"""

import threading
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np

from backends.engine.base import AdapterInfo, EngineStatus, OnEvent, Request
from backends.engine.jobs import AdapterJob, Ask, GenerationJob
from backends.errors import EngineStopped, LeverError, as_failure
from backends.settings import Settings, settings
from backends.types import Mode, Prompt

if TYPE_CHECKING:
    from concurrent.futures import Future

    from backends.engine.decode import Row
    from backends.engine.worker import Worker

State = Literal["loading", "ready", "failed", "stopped"]
T = TypeVar("T")


class _StopNow(BaseException):
    """Leaves whatever the thread is doing when the engine is stopped."""


class LocalEngine:
    """Implements :class:`backends.engine.base.Engine`. Nothing is loaded before :meth:`start`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Condition()
        self._queue: deque[GenerationJob | AdapterJob] = deque()
        self._asks: deque[Ask] = deque()
        self._running: GenerationJob | AdapterJob | None = None
        self._woken = False
        self._stopping = False
        self._state: State = "stopped"
        self._detail = "The engine has not been started."
        self._worker: Worker | None = None
        self._thread: threading.Thread | None = None
        self._can_render = threading.Event()
        self._settled = threading.Event()

    # ---- from any thread ----

    def start(self) -> None:
        """Begin loading in the background; does nothing while the engine runs, starts anew after a failure or
        stop.
        """
        if self._stopping and self._thread is not None:
            self._thread.join()
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            self._state, self._detail = "loading", "The model is loading."
            self._worker, self._stopping = None, False
            self._can_render.clear()
            self._settled.clear()
            self._thread = threading.Thread(target=self._main, name="engine", daemon=True)
            self._thread.start()

    def wait_ready(self, timeout_s: float | None = None) -> EngineStatus:
        """Block until ready or failed; the status is returned either way, also after ``timeout_s`` seconds."""
        self._settled.wait(timeout_s)
        return self.status()

    def status(self) -> EngineStatus:
        """The state now; never blocks."""
        from backends.engine.loading import model_name

        worker = self._worker
        loaded = worker if worker is not None and worker.loaded else None
        return EngineStatus(
            state=self._state,
            detail=self._detail,
            model=model_name(self._settings.model),
            model_path=str(worker.folder) if worker else self._settings.model,
            base_hash=loaded.base.base_hash if loaded else "",
            device=str(loaded.base.model.device) if loaded else self._settings.device,
            dtype=str(loaded.base.model.dtype).removeprefix("torch.") if loaded else self._settings.dtype,
            threads=loaded.threads if loaded else self._settings.threads,
            context_tokens=loaded.base.context_tokens if loaded else 0,
            adapters=tuple(loaded.adapters.infos.values()) if loaded else (),
            proof=worker.proof if worker else "not run",
            proof_reason=worker.proof_reason if worker else "",
            queue_length=len(self._queue) + (self._running is not None),
        )

    def submit(self, requests: Sequence[Request], on_event: OnEvent, *, mode: Mode) -> GenerationJob:
        """Queue a group; see :meth:`backends.engine.base.Engine.submit`. While the model loads, the group
        waits.

        Raises:
            EngineStopped: the engine is not running, or its contamination proof failed.
        """
        job = GenerationJob(requests, on_event, mode, self._wake)
        self._enqueue(job)
        return job

    def embed(self, texts: Sequence[str]) -> tuple[np.ndarray, float]:
        """Sentence embeddings (float32, unit length, one row a text) and the compute time in ms; blocks until
        served.

        Raises:
            KnowledgeUnavailable: there is no usable embedding model.
            EngineStopped: the engine is not running.
        """

        def answer() -> tuple[np.ndarray, float]:
            assert self._worker is not None
            return self._worker.embed(texts)

        ask: Ask[tuple[np.ndarray, float]] = Ask(answer=answer)
        with self._lock:
            self._require_running()
            self._asks.append(ask)
            self._woken = True
            self._lock.notify()
        return ask.result.result()

    def render(self, prompt: Prompt) -> str:
        """The exact text that would be tokenised; waits for the tokenizer, not for the model.

        Raises:
            EngineStopped: the engine is not running.
        """
        return self._tokenizing_worker().chat.render(prompt)

    def count_tokens(self, text: str) -> int:
        """Tokens of a plain text, without special tokens; waits for the tokenizer, not for the model.

        Raises:
            EngineStopped: the engine is not running.
        """
        return self._tokenizing_worker().chat.count_tokens(text)

    def load_adapter(self, key: str, path: str) -> AdapterInfo:
        """Vet and load an adapter between two batches, then run the contamination proof again; blocks.

        Raises:
            AdapterRefused: with the reason and how to retrain.
            EngineStopped: the engine is not running.
        """
        job = AdapterJob(key=key, path=path)
        self._enqueue(job)
        return job.result.result()

    def adapter_problem(self, key: str) -> str | None:
        """Why a scenario's adapter can't be used ("scenario/name"), or None when it is loaded or there is
        none.
        """
        worker = self._worker
        return worker.adapters.problems.get(key) if worker is not None and worker.loaded else None

    def stop(self) -> None:
        """Finish nothing more; queued and running calls fail with a sentence. Returns when the thread has
        ended.
        """
        with self._lock:
            thread, self._stopping = self._thread, True
            self._lock.notify()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _enqueue(self, job: GenerationJob | AdapterJob) -> None:
        with self._lock:
            self._require_running()
            self._queue.append(job)
            self._woken = True
            self._lock.notify()

    def _require_running(self) -> None:
        if self._stopping or self._state in ("failed", "stopped"):
            raise EngineStopped(self._detail)

    def _tokenizing_worker(self) -> "Worker":
        with self._lock:
            self._require_running()
        self._can_render.wait()
        with self._lock:
            self._require_running()
        assert self._worker is not None
        return self._worker

    def _wake(self) -> None:
        with self._lock:
            self._woken = True
            self._lock.notify()

    # ---- on the engine's thread ----

    def _main(self) -> None:
        state: State = "failed"
        detail = "The engine's thread ended unexpectedly."
        try:
            self._load()
            while True:
                self._work()
        except _StopNow:
            state, detail = "stopped", "The engine was stopped."
        except LeverError as error:
            detail = str(error)
        except BaseException as error:
            detail = f"The engine's thread was killed by {type(error).__name__}: {error}".rstrip(": ") + "."
        finally:
            self._close(state, detail)

    def _load(self) -> None:
        from backends.engine.worker import Worker

        self._worker = Worker(self._settings)
        self._can_render.set()
        self._worker.load()
        self._require_proof()
        with self._lock:
            self._state, self._detail = "ready", "Ready."
        self._settled.set()

    def _require_proof(self) -> None:
        """Without the proof no call may run: the thread ends with the reason."""
        assert self._worker is not None
        if self._worker.proof != "passed":
            raise EngineStopped(
                f"The proof that adapters leave the base model alone failed: {self._worker.proof_reason}"
            )

    def _work(self) -> None:
        """Wait for something to do and do it."""
        with self._lock:
            while not (self._queue or self._woken or self._stopping):
                self._lock.wait()
        self._between(serve=True)
        with self._lock:
            self._running = self._queue.popleft() if self._queue else None
            self._woken = self._woken or self._running is not None
        job = self._running
        if isinstance(job, AdapterJob):
            self._load_adapter(job)
        elif job is not None:
            self._generate(job)
        self._running = None

    def _load_adapter(self, job: AdapterJob) -> None:
        assert self._worker is not None
        try:
            info = self._worker.load_adapter(job.key, job.path)
            self._require_proof()
            job.result.set_result(info)
        except EngineStopped:
            raise
        except Exception as error:
            job.result.set_exception(error)

    def _generate(self, job: GenerationJob) -> None:
        worker = self._worker
        assert worker is not None

        def tick(rows: "Sequence[Row]") -> None:
            if self._stopping or self._woken:
                self._between(
                    serve=job.mode == "demo" or not any(row.tokens and not row.finished for row in rows)
                )
            if job.dirty:
                for row in rows:
                    row.cancelled = row.request.id in job.cancelled

        try:
            worker.run(job, tick)
        except Exception as error:
            job.fail_open(as_failure(error, "engine"))

    def _between(self, *, serve: bool) -> None:
        """What is done between two steps: leave when stopped, answer questions, tell the queue, end cancelled
        waiters.
        """
        if self._stopping:
            raise _StopNow
        with self._lock:
            self._woken = not serve and bool(self._asks)
            waiting = [job for job in self._queue if isinstance(job, GenerationJob)]
            before = int(self._running is not None)
            ahead = {id(job): before + place for place, job in enumerate(self._queue)}
        while serve and self._asks:
            self._asks.popleft().serve()
        for job in waiting:
            if job.dirty:
                self._end_cancelled(job)
            job.announce(ahead[id(job)])

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
            jobs = [*([self._running] if self._running else []), *self._queue]
            asks = list(self._asks)
            self._queue.clear()
            self._asks.clear()
            self._running = None
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


@lru_cache(maxsize=1)
def _build() -> LocalEngine:
    import atexit

    built = LocalEngine(settings())
    atexit.register(built.stop)
    return built


_building = threading.Lock()


def engine() -> LocalEngine:
    """The process's engine, built at the first call from :func:`settings`; not started by this."""
    with _building:
        return _build()
