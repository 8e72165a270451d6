"""What the engine's thread owns and does: the model, the adapters, the embedder, and running one job.

Nothing here is thread-safe or waits: the queue and the thread are in ``local.py``.
"""

import logging
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Literal

from backends.engine.base import AdapterInfo, Done, Failed, Request
from backends.engine.chat import Chat
from backends.engine.embedding import Embedder
from backends.engine.jobs import GenerationJob
from backends.errors import BadInput, PromptTooLong, as_failure
from backends.settings import Settings
from backends.types import Prompt, Stage

if TYPE_CHECKING:
    import numpy as np

    from backends.engine.rows import Row

log = logging.getLogger(__name__)
Tick = Callable[[Sequence["Row"]], None]
Encode = Callable[[Prompt], tuple[str, tuple[int, ...]]]
"""A prompt's rendered text and its tokens."""
WARM_UP_TOKENS = 8


class Worker:
    """Construct it on the thread that will use it; that loads the tokenizer, :meth:`load` the rest."""

    def __init__(self, settings: Settings) -> None:
        from transformers.utils.logging import disable_progress_bar

        from backends.engine.loading import find_model, load_tokenizer

        disable_progress_bar()
        self._settings = settings
        self.folder = find_model(settings)
        self.chat = Chat(load_tokenizer(self.folder))
        self.proof: Literal["passed", "failed", "not run"] = "not run"
        self.proof_reason = ""
        self.loaded = False
        self._embedder: Embedder | None = None
        self._warm = False

    def load(self) -> None:
        """Base model, then its reference for the proof, then every scenario's adapters, then the proof."""
        import torch

        from backends.engine.adapters import Adapters
        from backends.engine.constraint import Grammars
        from backends.engine.decode import Decoder
        from backends.engine.loading import choose_threads, load_base, weight_bytes
        from backends.engine.router import Router
        from backends.proof import take_reference

        self.threads = choose_threads(self._settings.threads, weight_bytes(self.folder))
        torch.set_num_threads(self.threads)
        tokenizer = self.chat.tokenizer
        self.base = load_base(self.folder, self._settings, tokenizer)
        self.router = Router()
        self.decoder = Decoder(self.base.model, self.router, self.base.end_ids)
        self.grammars = Grammars(
            tokenizer, self.base.model.get_output_embeddings().out_features, self.base.end_ids
        )
        self._reference = take_reference(self.base.model, self.chat)
        self.adapters = Adapters(self.base, self.router)
        self.adapters.load_all(self._settings.scenarios_dir)
        self.prove()
        self.loaded = True

    def prove(self) -> None:
        """Run the contamination proof; its outcome stands in ``proof`` and ``proof_reason``."""
        from backends.proof import check

        self.proof_reason = check(
            self.base.model,
            self.router,
            self.chat,
            self._reference,
            self.adapters.peft_names(),
            self.decoder.merges,
        )
        self.proof = "failed" if self.proof_reason else "passed"
        self.adapters.proven(self.proof)

    def load_adapter(self, key: str, path: str) -> AdapterInfo:
        """Vet, load and prove one adapter.

        Raises:
            AdapterRefused: it is unsafe or for another base.
        """
        self.adapters.load(key, path)
        self.prove()
        return self.adapters.infos[key]

    def unload_adapter(self, key: str) -> None:
        """Let go of an adapter and run the proof; one that is not loaded is no error."""
        try:
            self.adapters.unload(key)
        finally:
            self.prove()

    @property
    def embedder_hash(self) -> str:
        """Of the embedding model's weights; empty before they are loaded."""
        return "" if self._embedder is None else self._embedder.hash

    def embed(self, texts: Sequence[str]) -> "tuple[np.ndarray, float]":
        """Sentence embeddings; the embedder is loaded at the first call.

        Raises:
            KnowledgeUnavailable: there is no usable embedding model.
        """
        if self._embedder is None:
            self._embedder = Embedder(self._settings.embedding_model, str(self.base.model.device))
        return self._embedder.embed(texts)

    def run(self, job: GenerationJob, tick: Tick) -> None:
        """Run a job's open requests to their ends: merged in waves that fit, or one after another in bench
        mode.
        """
        from backends.engine.memory import SHARE, column_bytes, free_bytes, waves

        encode = cache(self.chat.encode)  # Repeats share their prompt: it is tokenised once a job.
        requests = tuple(job.open.values())
        rows = [row for request in requests if (row := self.row_or_failure(job, request, encode))]
        if job.mode == "bench":
            parts = [[row] for row in rows]
            if rows and not self._warm:
                self._warm_up(rows)
        else:
            budget = SHARE * free_bytes(self.base.model.device)
            parts = waves(rows, column_bytes(self.base.model), budget)
        for at, part in enumerate(parts):
            for ahead, later in enumerate(parts[at + 1 :], start=1):
                job.announce(ahead, [row.request.id for row in later if row.request.id in job.open])
            tick(rows)
            for row in part:
                if row.cancelled and not row.finished:
                    self.end_unstarted(job, row)
            self._run_rows(job, [row for row in part if not row.finished], tick, retry=True)

    @staticmethod
    def end_unstarted(job: GenerationJob, row: "Row") -> None:
        """End a call that was cancelled while it waited: no text, all its time in the queue."""
        from backends.engine.rows import answer_of

        row.finished = True
        job.emit(Done(request_id=row.request.id, answer=answer_of(row, "cancelled")))

    def row(self, request: Request, encode: Encode | None = None) -> "Row":
        """What the decoder needs for one request; ``encode`` may know its prompt already.

        Raises:
            PromptTooLong: the prompt leaves no room for one token.
            AdapterRefused: its adapter is not loaded.
            BadInput: the sampling asks for less than one token, or the schema can't be used.
        """
        from backends.engine.rows import Row
        from backends.engine.text import TextStream

        if request.sampling.max_tokens < 1:
            raise BadInput("The number of new tokens must be at least 1.", "Raise max tokens.")
        rendered, ids = (encode or self.chat.encode)(request.prompt)
        room = self.base.context_tokens - len(ids)
        if room < 1:
            raise PromptTooLong(
                f"The prompt has {len(ids)} tokens, but the model reads at most "
                f"{self.base.context_tokens - 1} and answers one.",
                "Shorten the query, or retrieve fewer passages.",
            )
        key, schema = request.prompt.adapter, request.prompt.schema
        return Row(
            request=request,
            rendered=rendered,
            ids=ids,
            adapter=None if key is None else self.adapters.peft_name(key),
            limit=min(request.sampling.max_tokens, room),
            stream=TextStream(self.chat.tokenizer, request.sampling.stop),
            matcher=None if schema is None else self.grammars.matcher(schema),
        )

    def row_or_failure(
        self, job: GenerationJob, request: Request, encode: Encode | None = None
    ) -> "Row | None":
        """The request's row, or None after its failure was sent."""
        try:
            return self.row(request, encode)
        except Exception as error:
            job.emit(Failed(request_id=request.id, failure=as_failure(error, "prefill")))
            return None

    def _run_rows(self, job: GenerationJob, rows: "list[Row]", tick: Tick, *, retry: bool) -> None:
        from backends.engine.memory import is_out_of_memory
        from backends.engine.text import TextStream

        try:
            if rows:
                self.decoder.run(rows, job.emit, lambda: tick(rows))
            return
        except Exception as error:
            left = [row for row in rows if not row.finished]
            full = is_out_of_memory(error)
            if not (full and retry and len(left) > 1):
                log.exception("A batch of %d rows failed", len(rows))
                self._fail(job, left, MemoryError() if full else error)
                return
        self._free()
        for row in left:
            row.restart(TextStream(self.chat.tokenizer, row.request.sampling.stop))
            row.marks.append("retried with half the rows")
        half = (len(left) + 1) // 2
        for part in (left[:half], left[half:]):
            self._run_rows(job, part, tick, retry=False)

    @staticmethod
    def _fail(job: GenerationJob, rows: "list[Row]", error: Exception) -> None:
        for row in rows:
            row.finished = True
            stage: Stage = "decode" if row.tokens else "prefill"
            job.emit(Failed(request_id=row.request.id, failure=as_failure(error, stage)))

    def _free(self) -> None:
        import gc

        import torch

        gc.collect()
        if self.base.model.device.type == "cuda":
            torch.cuda.empty_cache()

    def _warm_up(self, waiting: "list[Row]") -> None:
        """Two short calls before the first measured one, which pays neither for first-time set-up nor for
        them: the clocks of the waiting rows start as much later.
        """
        from dataclasses import replace

        began = time.perf_counter()
        for _ in range(2):
            row = self.row(waiting[0].request)
            row.limit = min(row.limit, WARM_UP_TOKENS)
            row.request = replace(row.request, id="warm-up")
            self.decoder.run([row], lambda event: None, lambda: None)
        took = time.perf_counter() - began
        for row in waiting:
            row.request = replace(row.request, submitted_at=row.request.submitted_at + took)
        self._warm = True
