"""The charts under the lanes of one question: where the time went, and how much text went in and out."""

from statistics import fmean

from backends.types import Answer
from compare import numbers
from compare.charts.bars import stacked, time_bars
from compare.charts.look import Figure
from compare.lane_names import lane_name, lane_title
from compare.live import RunView
from compare.run_figures import TIMING_NOTE
from compare.time_takeaways import of_one_questions_times, of_one_questions_tokens
from ui.drawing import draw

TOKEN_PARTS = ("read", "written")


def draw_latency(view: RunView) -> None:
    """Mean seconds per answer and lane, part by part; nothing without a finished answer."""
    times = {lane: [answer.timing for answer in found] for lane, found in _finished(view).items()}
    means = {lane: fmean(timing.total_ms for timing in found) for lane, found in times.items()}
    chart = time_bars(
        {lane_title(lane): found for lane, found in times.items()},
        f"Seconds per answer, {TIMING_NOTE[view.query.mode]}{_of(view)}",
    )
    takeaway = of_one_questions_times(means, _names(view), view.query.mode, view.query.repeats)
    draw(Figure(key="latency_chart", chart=chart, alt="Time per answer by lane", takeaway=takeaway))


def draw_tokens(view: RunView) -> None:
    """Mean tokens read and written per answer and lane; nothing without a finished answer."""
    read: dict[str, float] = {}
    written: dict[str, float] = {}
    finished = _finished(view)
    for lane, found in finished.items():
        counts = [(answer.usage.prompt_tokens, answer.usage.completion_tokens) for answer in found]
        if known := [both for both in counts if None not in both]:  # A server may not say.
            read[lane], written[lane] = (fmean(values) for values in zip(*known, strict=True))
    chart = stacked(
        {lane_title(lane): (read[lane], written[lane]) for lane in read},
        TOKEN_PARTS,
        title="How much text was read and written",
        axis=f"Tokens (pieces of words) per answer{_of(view)}",
        write=numbers.count,
    )
    takeaway = of_one_questions_tokens(read, _names(view), answered=bool(finished))
    draw(Figure(key="tokens_chart", chart=chart, alt="Tokens per answer by lane", takeaway=takeaway))


def _finished(view: RunView) -> dict[str, list[Answer]]:
    """The complete answers of the lanes that have any. Stopped and failed ones never enter a figure."""
    found = {
        lane: [call.answer for call in view.lane(lane) if call.status == "done" and call.answer is not None]
        for lane in view.backends
    }
    return {lane: answers for lane, answers in found.items() if answers}


def _names(view: RunView) -> dict[str, str]:
    return {lane: lane_name(lane) for lane in view.backends}


def _of(view: RunView) -> str:
    return f", mean of {view.query.repeats}" if view.query.repeats > 1 else ""
