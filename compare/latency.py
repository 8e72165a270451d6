"""How long answers took: percentiles with an interval. Timings come from the engine; none is taken here.

Only finished answers of one mode belong together: cancelled, failed and replayed calls never enter, and
"alone on the device" and "all lanes at once" are two different questions. Definitions follow the vLLM serving
benchmark and MLPerf inference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np

from backends.imports import load_statistics
from backends.types import Answer, Timing, Usage
from compare.statistics import CONFIDENCE, LEAST_GROUPS

LEAST_FOR_P95 = 20
SPREAD = 1.5
"""How much longer the longest prompt must be than the shortest, for a line through their times."""
PARTS = ("queued_ms", "adapter_switch_ms", "embed_ms", "retrieve_ms", "prefill_ms", "decode_ms")
"""Of a call, in the order in which they pass; they sum to ``total_ms``, where all are known."""


@dataclass(frozen=True, kw_only=True)
class Percentiles:
    """Of ``n`` values: the median with its interval (None when too few for one), p95 from n = 20 on."""

    n: int
    p50: float
    low: float | None
    high: float | None
    p95: float | None


def percentiles(by_case: Sequence[Sequence[float]], confidence: float = CONFIDENCE) -> Percentiles | None:
    """Of the values of all cases, by linear interpolation; None without values.

    The median's interval is ``scipy.stats.quantile_test``'s, on the medians of the cases: repeats of a case
    are alike, and would make it too narrow.
    """
    load_statistics()
    from scipy.stats import quantile_test

    values = [value for case in by_case for value in case]
    if not values:
        return None
    medians = [median(case) for case in by_case if case]
    interval = quantile_test(medians, p=0.5).confidence_interval(confidence)
    bounded = bool(np.isfinite(interval.low) and np.isfinite(interval.high))
    return Percentiles(
        n=len(values),
        p50=float(np.quantile(values, 0.5)),
        low=float(interval.low) if bounded else None,
        high=float(interval.high) if bounded else None,
        p95=float(np.quantile(values, 0.95)) if len(values) >= LEAST_FOR_P95 else None,
    )


def mean_parts(answers: Sequence[Answer]) -> dict[str, float]:
    """The mean of each part that was measured, in ms; empty without answers."""
    found = {part: [getattr(answer.timing, part) for answer in answers] for part in PARTS}
    known = {part: [ms for ms in times if ms is not None] for part, times in found.items()}
    return {part: fmean(times) for part, times in known.items() if times}


def tpot_ms(answer: Answer) -> float | None:
    """Time per output token after the first, in ms; None below two tokens, or where a server does not say."""
    tokens, first = answer.usage.completion_tokens or 0, answer.timing.first_token_ms
    return (answer.timing.total_ms - first) / (tokens - 1) if tokens > 1 and first is not None else None


def tokens_per_second(timing: Timing, usage: Usage) -> float | None:
    """Decode speed without the first token, which comes from prefill; None below two tokens, or where a
    server does not say.
    """
    tokens = usage.completion_tokens or 0
    return (tokens - 1) * 1000 / timing.decode_ms if tokens > 1 and timing.decode_ms else None


@dataclass(frozen=True, kw_only=True)
class Slope:
    """How the time to first text grows with a prompt's length: a straight line through ``n`` prompts."""

    ms_per_token: float
    low: float
    high: float
    at_zero_ms: float
    n: int


def prompt_slope(
    points: Sequence[tuple[float, float]], cases: int, confidence: float = CONFIDENCE
) -> Slope | None:
    """Least squares over (prompt tokens, ms until the first text), one point a case and lane.

    None below 15 ``cases``, or when the longest prompt is not half as long again as the shortest. The
    interval is Student's t on the slope's standard error.
    """
    load_statistics()
    from scipy.stats import linregress, t

    tokens = [x for x, _ in points]
    if not points or cases < LEAST_GROUPS or max(tokens) < SPREAD * max(min(tokens), 1):
        return None
    line = linregress(tokens, [y for _, y in points])
    reach = float(t.ppf(0.5 + confidence / 2, len(points) - 2) * line.stderr)
    slope = float(line.slope)
    return Slope(
        ms_per_token=slope,
        low=slope - reach,
        high=slope + reach,
        at_zero_ms=float(line.intercept),
        n=len(points),
    )
