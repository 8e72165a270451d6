"""The engine on this machine: one thread owns model, adapters and embedder; a queue in, events out."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from backends.engine.base import AdapterInfo, EngineStatus, OnEvent, Request
from backends.engine.jobs import AdapterJob, Ask, GenerationJob
from backends.engine.loop import EngineLoop
from backends.errors import EngineStopped
from backends.types import Mode, Prompt

if TYPE_CHECKING:
    from backends.engine.worker import Worker


class LocalEngine(EngineLoop):
    """Implements :class:`backends.engine.base.Engine`. Nothing is loaded before :meth:`start`.

    With ``preload_embedder`` the embedding model is loaded as soon as nothing else is to be done.
    """

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
            self._worker, self._stopping, self.failure = None, False, None
            self._can_render.clear()
            self._settled.clear()
            self._thread = threading.Thread(target=self._main, name="engine", daemon=True)
            self._thread.start()

    def wait_ready(self, timeout_s: float | None = None) -> EngineStatus:
        """Block until ready or failed; the status is returned either way, and after ``timeout_s``."""
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
            queue_length=len(self._queue) + len(self._running),
            template_hash=loaded.base.template_hash if loaded else "",
            embedder_hash=loaded.embedder_hash if loaded else "",
        )

    def submit(
        self, requests: Sequence[Request], on_event: OnEvent, *, mode: Mode, background: bool = False
    ) -> GenerationJob:
        """Queue a group; see :meth:`backends.engine.base.Engine.submit`. While the model loads, the group
        waits.

        Raises:
            EngineStopped: the engine is not running, or its contamination proof failed.
        """
        job = GenerationJob(requests, on_event, mode, self._wake, background=background)
        job.delayed = background and any(
            isinstance(other, GenerationJob) and not other.background for other in tuple(self._running)
        )
        self._enqueue(job)
        return job

    def embed(self, texts: Sequence[str], *, background: bool = False) -> tuple[np.ndarray, float]:
        """Sentence embeddings (float32, unit length, one row a text) and the compute time in ms; blocks until
        served.

        Raises:
            KnowledgeUnavailable: there is no usable embedding model.
            EngineStopped: the engine is not running.
        """

        def answer() -> tuple[np.ndarray, float]:
            assert self._worker is not None
            return self._worker.embed(texts)

        ask: Ask[tuple[np.ndarray, float]] = Ask(answer=answer, background=background)
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
        job = AdapterJob(change=lambda worker: worker.load_adapter(key, path))
        self._enqueue(job)
        return job.result.result()

    def unload_adapter(self, key: str) -> None:
        """Let go of an adapter behind all jobs that wait, as one of them may need it; returns at once.

        Raises:
            EngineStopped: the engine is not running.
        """
        self._enqueue(AdapterJob(change=lambda worker: worker.unload_adapter(key), background=True))

    def adapter_is_current(self, key: str, path: str) -> bool:
        """Whether the adapter loaded under ``key`` is the one that stands in the folder now, by times and
        sizes of its files; never blocks.
        """
        worker = self._worker
        return worker is not None and worker.loaded and worker.adapters.is_current(key, Path(path))

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
