"""The engine on another machine: an OpenAI-style server answers, and ``model=`` chooses the adapter.

One thread talks to it, all calls side by side; embeddings are computed here, on a thread of their own. What
only the server could tell (the parts of the time, the proof, the base's hash) stays unknown.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import numpy as np

from backends.engine.base import AdapterInfo, EngineStatus, OnEvent, Request
from backends.engine.calls import Calls
from backends.engine.catalogue import Catalogue
from backends.engine.embedding import EmbedderThread
from backends.engine.jobs import GenerationJob
from backends.engine.loading import template_hash
from backends.engine.loop import State
from backends.engine.served_text import ServedText
from backends.engine.server import Server, shown_address
from backends.engine.vetting import vet
from backends.errors import AdapterRefused, EngineStopped, LeverError, as_failure
from backends.settings import Settings
from backends.types import Mode, Prompt

T = TypeVar("T")
UNPROVEN = "a remote server's weights can't be seen from here"
"""Why the contamination proof does not run."""


class RemoteEngine:
    """Implements :class:`backends.engine.base.Engine`. Nothing is asked before :meth:`start`.

    ``ttft_ms`` and ``total_ms`` of its answers include the network and the server's own queue.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings, self._text = settings, ServedText(settings)
        self._lock = threading.Lock()
        self._settled, self._stopping = threading.Event(), threading.Event()
        self._state: State = "stopped"
        self._detail = "The engine has not been started."
        self.failure: LeverError | None = None
        self._thread: threading.Thread | None = None
        self._wake: Callable[[], None] = lambda: None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._jobs: list[GenerationJob] = []
        self._catalogue: Catalogue | None = None
        self._embedder = EmbedderThread(settings.embedding_model)

    def start(self) -> None:
        """Begin to look for the server; does nothing while the engine runs, starts anew after it ended."""
        if self._thread is not None and (self._stopping.is_set() or self._state == "failed"):
            self._thread.join()
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            self._state, self._detail, self.failure = "loading", "Looking for the server.", None
            self._stopping.clear()
            self._settled.clear()
            self._thread = threading.Thread(target=self._main, name="engine", daemon=True)
            self._thread.start()

    def wait_ready(self, timeout_s: float | None = None) -> EngineStatus:
        """Block until ready or failed; the status is returned either way, and after ``timeout_s``."""
        self._settled.wait(timeout_s)
        return self.status()

    def status(self) -> EngineStatus:
        """The state now; never blocks."""
        found, chat = self._catalogue, self._text.loaded
        return EngineStatus(
            state=self._state,
            detail=self._detail,
            model=found.base.id if found is not None and found.base.id else "the server's model",
            model_path=shown_address(self._settings.engine_url),
            base_hash="",
            device="server",
            dtype="",
            threads=0,
            context_tokens=found.base.context_tokens if found is not None else 0,
            adapters=tuple(found.infos.values()) if found is not None else (),
            proof="not run",
            proof_reason=UNPROVEN,
            queue_length=len(self._jobs),
            template_hash=template_hash(chat.tokenizer) if chat is not None else "",
            embedder_hash=self._embedder.hash,
            counted_by=self._text.counted_by,
        )

    def submit(
        self, requests: Sequence[Request], on_event: OnEvent, *, mode: Mode, background: bool = False
    ) -> GenerationJob:
        """Queue a group; see :meth:`backends.engine.base.Engine.submit`. In ``demo`` mode its calls run side
        by side, ``calls.AT_ONCE`` at a time; while the server is looked for, the group waits.

        Raises:
            EngineStopped: the engine is not running.
        """
        job = GenerationJob(requests, on_event, mode, lambda: self._wake(), background=background)
        with self._lock:
            self._require_running()
            job.delayed = background and any(not other.background for other in tuple(self._jobs))
            self._jobs.append(job)
        self._wake()
        return job

    def embed(self, texts: Sequence[str], *, background: bool = False) -> tuple[np.ndarray, float]:
        """Sentence embeddings (float32, unit length, one row a text) and the compute time in ms, on this
        machine's processor. In the ``background`` they need not wait: answers are written elsewhere.

        Raises:
            KnowledgeUnavailable: there is no usable embedding model.
            EngineStopped: the engine is not running.
        """
        with self._lock:
            self._require_running()
            asked = self._embedder.ask(texts)
        return self._result(asked)

    def render(self, prompt: Prompt) -> str:
        """The text in the model's own frame where ``LEVER_MODEL`` is a folder, else the messages as they are
        sent (``System: ...``, ``User: ...``, blank lines between).

        Raises:
            EngineStopped: the engine is not running.
        """
        self._require_running()
        return self._text.render(prompt)

    def count_tokens(self, text: str) -> int:
        """Tokens of a plain text, counted by what ``counted_by`` of the status names.

        Raises:
            EngineStopped: the engine is not running.
        """
        self._require_running()
        return self._text.count_tokens(text)

    def load_adapter(self, key: str, path: str) -> AdapterInfo:
        """Vet an adapter, then have the server load it, unless it has it by now; blocks. Whether it was
        trained for the server's base is not known here: its weights can't be compared.

        Raises:
            AdapterRefused: with the reason, and how to start the server so that it has the adapter.
            EngineStopped: the engine is not running.
        """
        self.wait_ready()
        with self._lock:
            self._require_running()
            found = self._catalogue
        assert found is not None
        assert self._loop is not None
        try:
            digest = vet(Path(path), key, base_hash="")
        except AdapterRefused as refusal:
            found.problems[key] = str(refusal)
            raise
        loading = found.load(key, Path(path), digest)
        try:
            return self._result(asyncio.run_coroutine_threadsafe(loading, self._loop))
        except RuntimeError:  # The loop has just ended.
            loading.close()
            raise EngineStopped(self._detail) from None

    def unload_adapter(self, key: str) -> None:
        """Have the server let go of an adapter, where it can; returns at once.

        Raises:
            EngineStopped: the engine is not running.
        """
        with self._lock:
            self._require_running()
            found, loop = self._catalogue, self._loop
        if found is None or loop is None:
            return
        letting_go = found.unload(key)
        try:
            asyncio.run_coroutine_threadsafe(letting_go, loop)
        except RuntimeError:  # The loop has just ended.
            letting_go.close()

    def adapter_is_current(self, key: str, path: str) -> bool:
        """Whether the server has the adapter, and its folder here is as it was; never blocks."""
        return self._catalogue is not None and self._catalogue.is_current(key, Path(path))

    def adapter_problem(self, key: str) -> str | None:
        """Why the server has not an adapter that was asked for, or None."""
        return self._catalogue.problems.get(key) if self._catalogue is not None else None

    def stop(self) -> None:
        """Finish nothing more; open calls fail with a sentence. Returns when all threads have ended."""
        thread = self._thread
        self._stopping.set()
        self._wake()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _require_running(self) -> None:
        if self._stopping.is_set() or self._state in ("failed", "stopped"):
            raise EngineStopped(self._detail)

    def _result(self, asked: "Future[T]") -> T:
        try:
            return asked.result()
        except CancelledError:
            raise EngineStopped(self._detail) from None

    def _main(self) -> None:
        state: State = "failed"
        detail = "The engine's thread ended unexpectedly."
        try:
            asyncio.run(self._serve())
            state, detail = "stopped", "The engine was stopped."
        except LeverError as error:
            detail = str(error)
            self.failure = error.with_traceback(None)
        except BaseException as error:
            detail = f"The engine's thread was killed by {type(error).__name__}: {error}".rstrip(": ") + "."
        finally:
            self._close(state, detail)

    async def _serve(self) -> None:
        self._text.load()
        server = Server(self._settings.engine_url, self._settings.engine_key)
        self._catalogue, woken = Catalogue(server, self._settings), asyncio.Event()
        loop = self._loop = asyncio.get_running_loop()

        def wake() -> None:
            with suppress(RuntimeError):  # It has just ended, and so does every call.
                loop.call_soon_threadsafe(woken.set)

        self._wake = wake
        calls = Calls(self._jobs, server, self._catalogue, self._text, wake)
        looking = asyncio.create_task(self._catalogue.read())
        looking.add_done_callback(lambda _: woken.set())
        try:
            while not self._stopping.is_set() and calls.gone is None:
                if looking.done() and self._state == "loading":
                    looking.result()
                    self._state, self._detail = "ready", "Ready."
                    self._settled.set()
                calls.look(start=looking.done())
                await woken.wait()
                woken.clear()
            if calls.gone is not None:
                raise calls.gone
        finally:
            looking.cancel()
            await calls.stop()
            await server.close()

    def _close(self, state: State, detail: str) -> None:
        """Nothing may wait for a thread that is gone: every call and question gets its sentence."""
        with self._lock:
            self._state, self._detail = state, detail
            jobs = tuple(self._jobs)
            self._jobs.clear()
        for job in jobs:
            job.fail_open(as_failure(EngineStopped(detail), "engine"))
        self._embedder.close()
        self._settled.set()
