"""What stands in the engine's queue: jobs, adapters to load, and questions that are answered between decode
steps.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from backends.engine.base import Done, Event, Failed, OnEvent, Queued, Request
from backends.errors import EngineStopped
from backends.types import Failure, Mode

if TYPE_CHECKING:
    from backends.engine.worker import Worker

T = TypeVar("T")
log = logging.getLogger(__name__)


class GenerationJob:
    """A submitted group. :meth:`cancel` may be called from any thread, everything else belongs to the
    engine's. One in the ``background`` lets all others go first, even while it decodes.
    """

    def __init__(
        self,
        requests: Sequence[Request],
        on_event: OnEvent,
        mode: Mode,
        wake: Callable[[], None],
        *,
        background: bool = False,
    ) -> None:
        self.mode, self.background = mode, background
        self.open = {request.id: request for request in requests}
        self.cancelled: set[str] = set()
        self.dirty = False
        self.delayed = False
        """Whether a live question was answered while this job waited: its queue time is not its own."""
        self._on_event, self._wake = on_event, wake
        self._ahead: dict[str, int] = {}

    def cancel(self, request_id: str | None = None) -> None:
        """Stop one request, or all of the job's; each arrives as ``Done`` with the text that it had."""
        self.cancelled.update(tuple(self.open) if request_id is None else (request_id,))
        self.dirty = True
        self._wake()

    def emit(self, event: Event) -> None:
        """Pass an event on; a listener that raises is logged and does not stop the engine."""
        if isinstance(event, Done | Failed):
            self.open.pop(event.request_id, None)
        try:
            self._on_event(event)
        except Exception:
            log.exception("A listener of the engine raised")

    def announce(self, ahead: int, ids: Sequence[str] | None = None) -> None:
        """Tell the waiting requests (all open ones by default) how many stand before them, where that
        changed.
        """
        for request_id in tuple(self.open) if ids is None else ids:
            if self._ahead.get(request_id) != ahead:
                self._ahead[request_id] = ahead
                self.emit(Queued(request_id=request_id, ahead=ahead))

    def fail_open(self, failure: Failure) -> None:
        """End every request that has no end yet."""
        for request_id in tuple(self.open):
            self.emit(Failed(request_id=request_id, failure=failure))


@dataclass(kw_only=True)
class AdapterJob(Generic[T]):
    """A change of the adapters, between two batches; one in the ``background`` behind all jobs that wait."""

    change: "Callable[[Worker], T]"
    background: bool = False
    result: "Future[T]" = field(default_factory=Future)


@dataclass(kw_only=True)
class Ask(Generic[T]):
    """A question that is answered on the engine's thread, between decode steps when a batch is running. One
    in the ``background`` waits until no live question is being answered.
    """

    answer: Callable[[], T]
    background: bool = False
    result: "Future[T]" = field(default_factory=Future)

    def serve(self) -> None:
        """Compute the answer; what it raises goes to whoever asked."""
        try:
            self.result.set_result(self.answer())
        except Exception as error:
            self.result.set_exception(error)
        except BaseException as error:
            self.result.set_exception(
                EngineStopped(f"The engine's thread ended while it answered ({error}).")
            )
            raise
