"""The vocabulary of one call, from the question to the answer. Plain frozen records; nothing here computes.

A :class:`Query` is what a person asks. A backend turns it into a :class:`Prompt`. The engine turns prompts
into :class:`Answer` or :class:`Failure` records and owns every clock in between.
"""

from dataclasses import dataclass, field
from typing import Literal

Mode = Literal["demo", "bench"]
"""``demo``: merged batch, shared device. ``bench``: one row at a time, alone on the device."""
Role = Literal["system", "user", "assistant"]
LayerKind = Literal["template", "system", "cot", "few_shot", "passages", "query"]
FinishReason = Literal["end", "stop", "length", "cancelled"]
Stage = Literal["prepare", "retrieve", "queue", "prefill", "decode", "store", "engine"]


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How tokens are drawn. ``temperature`` 0 is greedy; ``top_k`` 0 and ``top_p`` 1 switch those filters
    off.
    """

    temperature: float = 0.7
    top_p: float = 0.95
    top_k: int = 0
    max_tokens: int = 128
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Gold:
    """What is known of a case beside its question; only controls may look at it.

    ``sources`` are the documents that hold the answer; ``other`` is the question of a case with other
    sources.
    """

    sources: tuple[str, ...] = ()
    expected: str = ""
    other: str = ""


@dataclass(frozen=True, kw_only=True)
class Query:
    """One question to several backends. ``case_id`` is None for a free query; ``seed`` is the run's seed.

    ``gold`` is None where the question is no case.
    """

    text: str
    scenario: str
    case_id: str | None = None
    gold: Gold | None = None
    sampling: Sampling = field(default_factory=Sampling)
    repeats: int = 1
    seed: int = 0
    mode: Mode = "demo"


@dataclass(frozen=True, kw_only=True)
class Message:
    """One chat turn."""

    role: Role
    content: str


@dataclass(frozen=True, kw_only=True)
class Passage:
    """A retrieved chunk. ``number`` is its [n] in the prompt; ``cosine`` in [-1, 1] is its similarity to
    the query.
    """

    number: int
    source: str
    chunk_id: str
    text: str
    cosine: float | None


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A stretch of the prompt with the layer that it comes from, in reading order, for "what the model
    saw".
    """

    kind: LayerKind
    text: str


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """What a backend asks the engine. ``adapter`` is an adapter's key ("scenario/name") or None for the
    bare base.

    ``schema`` is a JSON schema as text that the answer is held to while it is written (JSON mode), or None.
    ``embed_ms`` and ``retrieve_ms`` are the backend's own preparation, measured by whoever did it, in
    milliseconds.
    """

    messages: tuple[Message, ...]
    layers: tuple[Layer, ...] = ()
    adapter: str | None = None
    schema: str | None = None
    passages: tuple[Passage, ...] = ()
    embed_ms: float = 0.0
    retrieve_ms: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One call's parts in milliseconds. The six parts before ``ttft_ms`` sum to ``total_ms``; those that only
    a remote server could tell are None, as is the first token's time there.

    ``ttft_ms`` runs from submission to the first non-empty text (None when there was none);
    ``first_token_ms`` from submission to the first token. Sources: vLLM serving benchmark, MLPerf inference.
    ``device_ms`` is what the device worked for this call: of a prefill that repeats share, and of each step
    that merged calls take together, an equal part. None where a server does not say, and for calls that were
    stored before it was measured.
    """

    queued_ms: float | None
    adapter_switch_ms: float | None
    embed_ms: float
    retrieve_ms: float
    prefill_ms: float | None
    decode_ms: float | None
    total_ms: float
    ttft_ms: float | None
    first_token_ms: float | None
    device_ms: float | None = None


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Token counts of the tokenizer that generated, chat template included; None where a remote server does
    not say.
    """

    prompt_tokens: int | None
    completion_tokens: int | None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A finished generation. ``rendered`` is the exact prompt text that was tokenised; ``token_ids`` the
    completion. A remote server shows neither: there ``rendered`` is what :meth:`Engine.render` gives, and
    ``token_ids`` is empty.

    A cancelled answer keeps the text that it had. ``marks`` names what the reader of a figure must know
    ("load above cores", "retried with half the rows").
    """

    text: str
    timing: Timing
    usage: Usage
    finish: FinishReason
    rendered: str
    token_ids: tuple[int, ...]
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why there is no answer: the stage that failed, a sentence for a person, and what to do about it."""

    stage: Stage
    message: str
    hint: str = ""
