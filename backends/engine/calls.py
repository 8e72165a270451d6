"""The calls that a server answers: which may start, how each goes, and what is left of it.

Everything here happens on the event loop of the remote engine's thread; only :meth:`Calls.add` does not.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace

from backends.engine.base import AS_MESSAGES, WENT_FIRST, Done, Failed, Request, Started, Text
from backends.engine.catalogue import Catalogue
from backends.engine.jobs import GenerationJob
from backends.engine.served_text import ServedText
from backends.engine.server import Server
from backends.engine.wire import Chunk, Counted
from backends.engine.worker import WARM_UP_TOKENS
from backends.errors import BadInput, LeverError, ServerUnavailable, as_failure
from backends.types import Answer, FinishReason, Message, Prompt, Sampling, Timing, Usage

AT_ONCE = 16
"""Calls of groups that are asked together; a server batches them, and queues what is too much for it."""
log = logging.getLogger(__name__)


@dataclass(eq=False, kw_only=True)
class Call:
    """One call while it runs. Times are ``time.perf_counter()`` seconds."""

    request: Request
    rendered: str = ""
    text: str = ""
    first_text_at: float | None = None
    ended_at: float | None = None
    finish: FinishReason = "end"
    counted: Counted | None = None
    marks: tuple[str, ...] = ()

    def take(self, chunk: Chunk) -> None:
        """Take in the next piece."""
        now = time.perf_counter()
        if chunk.text and self.first_text_at is None:
            self.first_text_at = now
        self.text += chunk.text
        self.counted = chunk.usage or self.counted
        if chunk.ended is not None:
            self.ended_at, reason = now, chunk.ended.finish_reason
            if reason == "length":
                self.finish = "length"
            elif reason == "stop":
                self.finish = "stop" if isinstance(chunk.ended.stop_reason, str) else "end"
            else:
                self.marks += (f"ended by the server: {reason}",)

    def answer(self, finish: FinishReason) -> Answer:
        """The finished record. The parts that only the server could tell are None; total and first text run
        from the submission to what arrived here, so the network and its waiting are in them.
        """
        request, counted = self.request, self.counted or Counted()
        end = self.ended_at or time.perf_counter()
        first = self.first_text_at
        timing = Timing(
            queued_ms=None,
            adapter_switch_ms=None,
            embed_ms=request.prompt.embed_ms,
            retrieve_ms=request.prompt.retrieve_ms,
            prefill_ms=None,
            decode_ms=None,
            total_ms=(end - request.submitted_at) * 1e3,
            ttft_ms=None if first is None else (first - request.submitted_at) * 1e3,
            first_token_ms=None,
        )
        return Answer(
            text=self.text,
            timing=timing,
            usage=Usage(prompt_tokens=counted.prompt_tokens, completion_tokens=counted.completion_tokens),
            finish=finish,
            rendered=self.rendered,
            token_ids=(),
            marks=self.marks,
        )


class Calls:
    """The groups in ``jobs``, to which any thread may add. ``wake`` has :meth:`look` called soon."""

    def __init__(
        self,
        jobs: list[GenerationJob],
        server: Server,
        catalogue: Catalogue,
        text: ServedText,
        wake: Callable[[], None],
    ) -> None:
        self.gone: LeverError | None = None
        """Why nothing more can be answered, once that is so."""
        self._jobs, self._wake = jobs, wake
        self._server, self._catalogue, self._text = server, catalogue, text
        self._flying: dict[tuple[GenerationJob, str], asyncio.Task[None]] = {}
        self._warm = False

    def look(self, *, start: bool) -> None:
        """End what was cancelled, tell the waiting how many groups stand before them, ``start`` what may."""
        for job in tuple(self._jobs):
            if job.dirty:
                self._end_cancelled(job)
            if not job.open:
                self._jobs.remove(job)
        held_up = not start
        for place, job in enumerate(sorted(self._jobs, key=lambda job: job.background)):
            waiting = [id for id in job.open if (job, id) not in self._flying]
            job.announce(place, waiting)
            while waiting and not held_up and self._may_start(job):
                self._start(job, job.open[waiting.pop(0)])
            held_up = held_up or bool(waiting)  # Nobody overtakes a group that waits for an idle server.

    async def stop(self) -> None:
        """Break off what runs; its groups are left open."""
        tasks = tuple(self._flying.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _may_start(self, job: GenerationJob) -> bool:
        """Side by side in demo mode, alone in bench mode; in the background while no live group is open. A
        live group that shares the server anyway need not wait for one in the background.
        """
        if job.background and any(not other.background for other in self._jobs):
            return False
        flying = [other for other, _ in self._flying]
        if job.mode == "bench":
            return not flying
        beside = flying if job.background else [other for other in flying if not other.background]
        return len(beside) < AT_ONCE and all(other.mode == "demo" for other in beside)

    def _start(self, job: GenerationJob, request: Request) -> None:
        if not job.background:
            for other in self._jobs:
                other.delayed = other.delayed or other.background
        call = Call(request=request)
        task = asyncio.create_task(self._ask(job, call))
        self._flying[job, request.id] = task
        task.add_done_callback(lambda task: self._landed(job, call, task))

    def _landed(self, job: GenerationJob, call: Call, task: asyncio.Task[None]) -> None:
        """End a call the way its task ended."""
        id = call.request.id
        del self._flying[job, id]
        self._wake()
        if task.cancelled():
            if id in job.cancelled:  # Else the engine stops, and ends all calls alike.
                self._end(job, call, "cancelled")
            return
        error = task.exception()
        if error is None:
            self._end(job, call, call.finish)
        elif self.gone is None:
            if not isinstance(error, LeverError):
                log.error("A call to the server failed", exc_info=error)
            job.emit(Failed(request_id=id, failure=as_failure(error, "engine")))

    def _end_cancelled(self, job: GenerationJob) -> None:
        job.dirty = False
        for id in [id for id in job.open if id in job.cancelled]:
            task = self._flying.get((job, id))
            if task is not None:
                task.cancel()
            else:
                self._end(job, Call(request=job.open[id]), "cancelled")

    def _end(self, job: GenerationJob, call: Call, finish: FinishReason) -> None:
        call.marks += (WENT_FIRST,) if job.delayed else ()
        call.marks += () if self._text.framed else (AS_MESSAGES,)
        job.emit(Done(request_id=call.request.id, answer=call.answer(finish)))

    async def _ask(self, job: GenerationJob, call: Call) -> None:
        if call.request.sampling.max_tokens < 1:
            raise BadInput("The number of new tokens must be at least 1.", "Raise max tokens.")
        model, id = self._catalogue.id_of(call.request.prompt.adapter), call.request.id
        call.rendered = self._text.render(call.request.prompt)
        if job.mode == "bench" and not self._warm:
            await self._warm_up(job, model)
            call.request = job.open[id]
        job.emit(Started(request_id=id))
        try:
            async with aclosing(self._server.chat(call.request, model)) as pieces:
                async for piece in pieces:
                    call.take(piece)
                    if piece.text:
                        job.emit(Text(request_id=id, delta=piece.text))
        except ServerUnavailable:
            await self._look_for_server()
            raise

    async def _look_for_server(self) -> None:
        """Was only this call lost? A server that can't even say what it has ends the engine and with it every
        call, so that a run in the background can be taken up again instead of failing call by call.
        """
        try:
            await self._server.models()
        except ServerUnavailable as gone:
            self.gone = gone

    async def _warm_up(self, job: GenerationJob, model: str) -> None:
        """Two short calls before the first measured one; the clocks of those that wait start as much later.

        They ask something else: a server may keep what it has read, and would answer too soon afterwards.
        """
        began = time.perf_counter()
        hello = Prompt(messages=(Message(role="user", content="Hello."),))
        sampling = Sampling(temperature=0, max_tokens=WARM_UP_TOKENS)
        request = Request(id="warm-up", prompt=hello, sampling=sampling, seed=0, submitted_at=began)
        with suppress(LeverError):  # The call itself meets the same error and shows it.
            for _ in range(2):
                async with aclosing(self._server.chat(request, model)) as pieces:
                    async for piece in pieces:
                        log.debug("warm-up: %s", piece.text)
        took = time.perf_counter() - began
        for id, waiting in tuple(job.open.items()):
            job.open[id] = replace(waiting, submitted_at=waiting.submitted_at + took)
        self._warm = True
