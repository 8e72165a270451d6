"""The charts under the lanes of one question: where the time went, and how much text went in and out."""

from collections.abc import Mapping
from statistics import fmean
from typing import TYPE_CHECKING

from backends.types import Answer, Mode
from compare import numbers
from compare.live import RunView
from ui.charts.bars import stacked, time_bars

if TYPE_CHECKING:
    import altair as alt

TOKEN_PARTS = ("read", "written")
TIMING_NOTE: dict[Mode, str] = {"bench": "one at a time", "demo": "all lanes at once"}


def finished(view: RunView, backend: str) -> tuple[Answer, ...]:
    """The lane's complete answers. Stopped and failed ones never enter a figure."""
    return tuple(
        call.answer for call in view.lane(backend) if call.status == "done" and call.answer is not None
    )


def latency_chart(view: RunView, titles: Mapping[str, str]) -> "alt.LayerChart | None":
    """Mean seconds per answer and lane, part by part; None without a finished answer."""
    times = {titles[name]: [answer.timing for answer in finished(view, name)] for name in view.backends}
    return time_bars(times, f"Seconds per answer, {TIMING_NOTE[view.query.mode]}{_of(view)}")


def tokens_chart(view: RunView, titles: Mapping[str, str]) -> "alt.LayerChart | None":
    """Mean tokens read and written per answer and lane; None without a finished answer."""
    answers = {titles[name]: finished(view, name) for name in view.backends}
    figures = {
        lane: (
            fmean(answer.usage.prompt_tokens for answer in found),
            fmean(answer.usage.completion_tokens for answer in found),
        )
        for lane, found in answers.items()
        if found
    }
    return stacked(
        figures,
        TOKEN_PARTS,
        title="How much text was read and written",
        axis=f"Tokens (pieces of words) per answer{_of(view)}",
        write=numbers.count,
    )


def _of(view: RunView) -> str:
    return f", mean of {view.query.repeats}" if view.query.repeats > 1 else ""
