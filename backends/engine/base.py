"""The seam between everything else and a model: requests in, events out.

The engine owns the clock. It never raises through :meth:`Engine.submit`'s events: what goes wrong with one
call
arrives as :class:`Failed` for that call.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from backends.errors import LeverError
from backends.types import Answer, Failure, Mode, Prompt, Sampling


@dataclass(frozen=True, kw_only=True)
class Request:
    """One call. ``seed`` is the call's own 64-bit seed; ``submitted_at`` is ``time.perf_counter()`` of
    the query.
    """

    id: str
    prompt: Prompt
    sampling: Sampling
    seed: int
    submitted_at: float


@dataclass(frozen=True, kw_only=True)
class Queued:
    """The request waits; ``ahead`` is how many jobs stand before it."""

    request_id: str
    ahead: int


@dataclass(frozen=True, kw_only=True)
class Started:
    """Its prefill begins."""

    request_id: str


@dataclass(frozen=True, kw_only=True)
class Text:
    """More text; ``delta`` is appended to what came before. Concatenated deltas equal the final answer's
    text.
    """

    request_id: str
    delta: str


@dataclass(frozen=True, kw_only=True)
class Done:
    """The answer is complete (or cancelled: ``answer.finish``)."""

    request_id: str
    answer: Answer


@dataclass(frozen=True, kw_only=True)
class Failed:
    """There is no answer."""

    request_id: str
    failure: Failure


Event = Queued | Started | Text | Done | Failed
WENT_FIRST = "a live question went first"
"""The mark of an answer that was paused: its times say nothing of the backend."""
AS_MESSAGES = "sent as messages: the server puts the model's own frame around them"
"""The mark of an answer whose ``rendered`` is not what the model read, but what was sent."""
OnEvent = Callable[[Event], None]
"""Called on the engine's thread; must return at once and never raise."""


class Job(Protocol):
    """A submitted group of requests."""

    def cancel(self, request_id: str | None = None) -> None:
        """Stop one request, or all of the job's; partial text is kept and arrives as ``Done`` with
        "cancelled".
        """


@dataclass(frozen=True, kw_only=True)
class AdapterInfo:
    """A loaded adapter. ``key`` is "scenario/name"; ``hash`` is of its weights, empty where only a server
    knows them; ``proof`` of the check after its load.
    """

    key: str
    scenario: str
    name: str
    hash: str
    proof: Literal["passed", "failed", "not run"]


@dataclass(frozen=True, kw_only=True)
class EngineStatus:
    """What the badge and ``doctor`` show. ``detail`` is a sentence; ``proof_reason`` is empty when it
    passed. ``template_hash`` is the chat template's, ``embedder_hash`` that of the embedding model's weights;
    empty until each is loaded.

    A remote server keeps ``base_hash``, ``dtype`` and ``threads`` to itself, and maybe ``context_tokens``:
    empty and 0. Its ``model_path`` is its address. ``counted_by`` then says what counts tokens here; it is
    empty where that is the loaded model's own tokenizer, so that lengths can be checked by it.
    """

    state: Literal["loading", "ready", "failed", "stopped"]
    detail: str
    model: str
    model_path: str
    base_hash: str
    device: str
    dtype: str
    threads: int
    context_tokens: int
    adapters: tuple[AdapterInfo, ...]
    proof: Literal["passed", "failed", "not run"]
    proof_reason: str
    queue_length: int
    template_hash: str = ""
    embedder_hash: str = ""
    counted_by: str = ""


class Engine(Protocol):
    """One base model behind one queue."""

    failure: LeverError | None
    """Why it failed, when that is more than an accident; its sentence stands in the status too."""

    def start(self) -> None:
        """Begin loading in the background; returns at once. Calling it twice does nothing."""

    def wait_ready(self, timeout_s: float | None = None) -> EngineStatus:
        """Block until ready or failed; the status is returned either way."""

    def status(self) -> EngineStatus:
        """The state now; never blocks."""

    def submit(
        self, requests: Sequence[Request], on_event: OnEvent, *, mode: Mode, background: bool = False
    ) -> Job:
        """Queue a group: one merged batch in ``demo`` mode, one row after another in ``bench`` mode.

        A group in the ``background`` waits for all others, and pauses between two steps when one comes; its
        answers then carry the mark ``WENT_FIRST``.

        Requests with the same rendered prompt and adapter are prefilled once in ``demo`` mode.

        Raises:
            EngineStopped: the engine failed, stopped, or its contamination proof failed (the reason is in
            it).
        """

    def embed(self, texts: Sequence[str], *, background: bool = False) -> tuple[np.ndarray, float]:
        """Sentence embeddings, float32 of shape (len(texts), dimensions), unit length, and the compute time
        in ms.

        Served on the engine's thread, between decode steps when a batch is running; in the ``background`` (an
        index that is built) not before live questions are answered.
        """

    def render(self, prompt: Prompt) -> str:
        """The exact text that would be tokenised for this prompt (chat template, control tokens
        neutralised).
        """

    def count_tokens(self, text: str) -> int:
        """Tokens of a plain text, without special tokens."""

    def load_adapter(self, key: str, path: str) -> AdapterInfo:
        """Vet and load an adapter, then run the contamination proof again.

        Raises:
            AdapterRefused: with the reason and how to retrain.
        """

    def unload_adapter(self, key: str) -> None:
        """Let go of an adapter once nothing that waits or runs needs it, and run the contamination proof
        again; returns at once. One that is not loaded is no error.

        Raises:
            EngineStopped: the engine is not running.
        """

    def adapter_is_current(self, key: str, path: str) -> bool:
        """Whether the adapter loaded under ``key`` is the one that stands in the folder now; never blocks."""

    def adapter_problem(self, key: str) -> str | None:
        """Why a scenario's adapter can't be used ("scenario/name"), or None when it is loaded or there is
        none.
        """

    def stop(self) -> None:
        """Finish nothing more; queued and running calls fail with a sentence."""
