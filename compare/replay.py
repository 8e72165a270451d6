"""A finished run as it looked while it ran: for a show on a stage where the machine fails.

Only what was measured is used: when a call began to write and when it ended. Between the two its text comes
evenly, as the times of single words are not kept.
"""

from dataclasses import replace
from types import MappingProxyType

from compare.lanes import bench_order
from compare.live import CallKey, LiveAnswer, RunView


def length_ms(view: RunView) -> float:
    """How long a replay takes, in milliseconds: until the last answer was there."""
    return max((start + _total(call) for call, start in _starts(view)), default=0.0)


def replayed(view: RunView, elapsed_ms: float) -> RunView:
    """The run as it stood ``elapsed_ms`` after it was asked; from its end on it is the run itself."""
    if elapsed_ms >= length_ms(view):
        return view
    shown = {(call.backend, call.repeat): _at(call, elapsed_ms - start) for call, start in _starts(view)}
    calls: dict[CallKey, LiveAnswer] = {key: shown[key] for key in view.calls}
    return replace(view, status="running", calls=MappingProxyType(calls), finished_at="")


def _starts(view: RunView) -> list[tuple[LiveAnswer, float]]:
    """Each call with the time at which it was asked: at once, or in bench mode one after another."""
    if view.query.mode != "bench":
        return [(call, 0.0) for call in view.calls.values()]
    found, start = [], 0.0
    for key in bench_order(view.backends, view.query):
        found.append((view.calls[key], start))
        start += _total(view.calls[key])
    return found


def _total(call: LiveAnswer) -> float:
    return 0.0 if call.answer is None else call.answer.timing.total_ms


def _at(call: LiveAnswer, elapsed_ms: float) -> LiveAnswer:
    if call.answer is None or elapsed_ms >= _total(call):
        return call
    timing = call.answer.timing
    waiting = replace(call, status="queued", text="", answer=None, checks=())
    if elapsed_ms < (timing.queued_ms or 0.0):  # A server does not say how long it waited there.
        return waiting
    first = timing.total_ms if timing.ttft_ms is None else timing.ttft_ms
    share = 0.0 if elapsed_ms < first else (elapsed_ms - first) / (timing.total_ms - first)
    return replace(waiting, status="running", text=call.text[: int(share * len(call.text))])
