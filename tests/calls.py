"""Send calls to an engine from a test and wait for their ends."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from backends.engine.base import Done, Engine, Event, Failed, Job, Request, Text
from backends.types import Answer, Failure, Message, Mode, Prompt, Sampling

GREEDY = Sampling(temperature=0, max_tokens=24)


def prompt(text: str, adapter: str | None = None, system: str | None = None) -> Prompt:
    head = (Message(role="system", content=system),) if system else ()
    return Prompt(messages=(*head, Message(role="user", content=text)), adapter=adapter)


def request(
    text: str, *, id: str = "0", seed: int = 0, sampling: Sampling = GREEDY, adapter: str | None = None
) -> Request:
    return Request(
        id=id, prompt=prompt(text, adapter), sampling=sampling, seed=seed, submitted_at=time.perf_counter()
    )


@dataclass
class Calls:
    """Everything that the engine said about a job."""

    expected: int
    events: list[Event] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    first_text: threading.Event = field(default_factory=threading.Event)
    job: Job | None = None

    def on_event(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, Text):
            self.first_text.set()
        if sum(isinstance(e, Done | Failed) for e in self.events) == self.expected:
            self.over.set()

    def wait(self) -> "Calls":
        assert self.over.wait(120), self.events
        return self

    @property
    def answers(self) -> dict[str, Answer]:
        return {e.request_id: e.answer for e in self.events if isinstance(e, Done)}

    @property
    def failures(self) -> dict[str, Failure]:
        return {e.request_id: e.failure for e in self.events if isinstance(e, Failed)}

    def streamed(self, id: str) -> str:
        return "".join(e.delta for e in self.events if isinstance(e, Text) and e.request_id == id)


def send(engine: Engine, requests: Sequence[Request], mode: Mode = "demo") -> Calls:
    calls = Calls(expected=len(requests))
    calls.job = engine.submit(requests, calls.on_event, mode=mode)
    return calls


def unload(engine: Engine, key: str) -> None:
    """Let go of an adapter, and wait for what waits behind it."""
    engine.unload_adapter(key)
    calls = Calls(expected=1)
    engine.submit([request("Are you done?")], calls.on_event, mode="demo", background=True)
    calls.wait()


def ask(engine: Engine, requests: Sequence[Request], mode: Mode = "demo") -> Calls:
    return send(engine, requests, mode).wait()
