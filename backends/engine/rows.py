"""One call while it runs, and the record that is left of it."""

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from backends.engine.base import Request
from backends.engine.text import TextStream
from backends.types import Answer, FinishReason, Timing, Usage

if TYPE_CHECKING:
    from llguidance import LLMatcher


@dataclass(eq=False, kw_only=True)
class Row:
    """One call while it runs. Times are ``time.perf_counter()`` seconds; ``adapter`` is PEFT's name.

    ``matcher`` holds what JSON mode still allows; None lets the row write anything.
    """

    request: Request
    rendered: str
    ids: tuple[int, ...]
    adapter: str | None
    limit: int
    stream: TextStream
    matcher: "LLMatcher | None" = None
    marks: list[str] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    cancelled: bool = False
    finished: bool = False
    shown: str = ""
    prefill_s: float = 0.0
    device_s: float = 0.0
    decode_from: float | None = None
    first_token_at: float | None = None
    first_text_at: float | None = None

    @property
    def prompt_key(self) -> tuple[str, tuple[int, ...]]:
        """Rows with the same key share one prefill; in this order rows of one adapter stand together."""
        return (self.adapter or "", self.ids)

    def restart(self, stream: TextStream) -> None:
        """Begin again from the prompt; what was shown stays shown, and the same seed draws it again."""
        self.stream, self.tokens = stream, []
        self.prefill_s, self.decode_from = 0.0, None
        if self.matcher is not None:
            self.matcher.reset()


def answer_of(row: Row, finish: FinishReason) -> Answer:
    """The finished record of a row; its parts partition the time from submission to now.

    ``adapter_switch_ms`` is 0: routing by row switches nothing, an adapter's work is part of each forward.
    What no other part covers is ``queued_ms``: the wait before the start and while other rows prefill.
    """
    end, request = time.perf_counter(), row.request
    parts = {
        "adapter_switch_ms": 0.0,
        "embed_ms": request.prompt.embed_ms,
        "retrieve_ms": request.prompt.retrieve_ms,
        "prefill_ms": row.prefill_s * 1e3,
        "decode_ms": 0.0 if row.decode_from is None else (end - row.decode_from) * 1e3,
    }
    spent = sum(parts.values())
    queued = max(0.0, (end - request.submitted_at) * 1e3 - spent)

    def since(at: float | None) -> float | None:
        return None if at is None else (at - request.submitted_at) * 1e3

    timing = Timing(
        queued_ms=queued,
        total_ms=queued + spent,
        ttft_ms=since(row.first_text_at),
        first_token_ms=since(row.first_token_at),
        device_ms=row.device_s * 1e3,
        **parts,
    )
    marks = [*row.marks, *load_marks()]
    if finish == "length" and row.limit < request.sampling.max_tokens:
        marks.append(f"answer cut to the {row.limit} tokens of room left in the context")
    return Answer(
        text=row.shown,
        timing=timing,
        usage=Usage(prompt_tokens=len(row.ids), completion_tokens=len(row.tokens)),
        finish=finish,
        rendered=row.rendered,
        token_ids=tuple(row.tokens),
        marks=tuple(marks),
    )


def load_marks() -> tuple[str, ...]:
    """A mark when more processes want to run than there are cores: timings suffer then."""
    busy = hasattr(os, "getloadavg") and os.getloadavg()[0] > (os.cpu_count() or 1)
    return ("load above cores",) if busy else ()
