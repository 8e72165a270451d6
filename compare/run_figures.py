"""The charts of a run, each with the sentence that it supports: what the results page and its report show."""

from backends.types import Mode
from compare import comparing, takeaways, time_takeaways
from compare.charts.bars import aligned, time_bars, time_parts
from compare.charts.look import Figure
from compare.charts.quality import difference_chart, drift_chart, rate_chart, variance_chart
from compare.charts.speed import prompt_chart, spread_chart
from compare.judged import JudgedCall
from compare.lane_names import lane_title
from compare.latency import prompt_slope
from compare.run_measures import Measured

TIMING_NOTE: dict[Mode, str] = {"bench": "one answer at a time", "demo": "answers share the machine"}


def figures(found: Measured) -> list[Figure]:
    """All charts that this run has something for; gains are over the cheapest lane."""
    several = [gain_figure(found, found.lanes[0])] if len(found.lanes) > 1 else []
    drawn = [
        right_figure(found),
        *several,
        form_figure(found),
        variance_figure(found),
        agreement_figure(found),
        drift_figure(found),
        spread_figure(found),
        parts_figure(found),
        prompt_figure(found),
    ]
    return [figure for figure in drawn if figure is not None]


def right_figure(found: Measured) -> Figure:
    """How often each lane is right."""
    rates = comparing.rates_of(comparing.scores_of(found.judged))
    lead = comparing.lead_of(comparing.paired_scores_of(found.judged))
    return Figure(
        key="rate_chart",
        chart=rate_chart(
            rates, title="How often right", axis="Share of cases that pass all their checks", once=found.once
        ),
        alt="Share of right answers by approach",
        takeaway=takeaways.of_pass_rates(rates, lead, found.names, once=found.once),
    )


def gain_figure(found: Measured, baseline: str) -> Figure:
    """How much more often right than ``baseline`` each other lane is."""
    gains = comparing.gains_over(baseline, comparing.paired_scores_of(found.judged))
    return Figure(
        key="difference_chart",
        chart=difference_chart(
            gains,
            title=f"How much more often right than {found.names[baseline]}",
            axis="Difference in points; with 95 % confidence all intervals hold at once",
        ),
        alt=f"Gain of each approach over {found.names[baseline]}",
        takeaway=takeaways.of_differences(gains, baseline, found.names, once=found.once),
    )


def form_figure(found: Measured) -> Figure | None:
    """How often the form is right; None when no check asks for one."""
    rates = comparing.rates_of(comparing.scores_of(found.judged, "format"))
    if not any(rates.values()):
        return None
    return Figure(
        key="format_chart",
        chart=rate_chart(
            rates,
            title="How often in the right form",
            axis="Share of cases in the right form",
            once=found.once,
        ),
        alt="Share of answers in the right form by approach",
        takeaway=takeaways.of_forms(rates, found.names),
    )


def variance_figure(found: Measured) -> Figure:
    """Whether results vary between the questions or when one is asked again."""
    splits = comparing.splits_of(comparing.scores_of(found.judged))
    return Figure(
        key="variance_chart",
        chart=variance_chart(splits),
        alt="Variance between questions and between repeats by approach",
        takeaway=takeaways.of_variance(splits, found.names),
    )


def agreement_figure(found: Measured) -> Figure:
    """How often each lane says the same again."""
    scores = comparing.agreement_of({} if found.run.plan.copies else found.calls)
    shares = comparing.rates_of(scores)
    return Figure(
        key="agreement_chart",
        chart=rate_chart(
            shares,
            title="How often the most frequent answer is given",
            axis="Share of a question's answers, mean over cases",
            once=False,
        ),
        alt="Share of the most frequent answer by approach",
        takeaway=takeaways.of_agreement(
            shares,
            comparing.lead_of(scores),
            found.names,
            repeats=found.run.plan.repeats,
            copies=found.run.plan.copies,
        ),
    )


def drift_figure(found: Measured) -> Figure | None:
    """Whether answers change over the repeats; None without repeats that differ."""
    if found.once:
        return None
    judged = comparing.scores_of(found.calls)
    checked = any(case.scores for cases in judged.values() for case in cases)
    over = judged if checked else comparing.likeness_of(found.calls)
    return Figure(
        key="drift_chart",
        chart=drift_chart(
            comparing.by_repeat(over),
            axis="Share right" if checked else "Likeness to the most frequent answer",
        ),
        alt="Over the repeats, by approach",
        takeaway=takeaways.of_drift(comparing.drifts_of(over), found.names, checked=checked),
    )


def spread_figure(found: Measured) -> Figure:
    """How long answers take, and how that spreads."""
    mode = found.run.plan.mode
    times = {lane: found.summary[lane].total_ms for lane in found.lanes}
    totals = {lane: [call.timing.total_ms for call in calls if call.timing] for lane, calls in _calm(found)}
    return Figure(
        key="spread_chart",
        chart=spread_chart(totals, times, axis=f"Seconds per answer, {TIMING_NOTE[mode]}"),
        alt="Time per answer by approach",
        takeaway=time_takeaways.of_latency(times, found.names, mode),
    )


def parts_figure(found: Measured) -> Figure:
    """What the time went into."""
    times = {lane: [call.timing for call in calls if call.timing] for lane, calls in _calm(found)}
    kinds, means = aligned({lane: time_parts(found) for lane, found in times.items() if found})
    titled = {lane_title(lane): found for lane, found in times.items()}
    return Figure(
        key="parts_chart",
        chart=time_bars(titled, f"Mean seconds per answer, {TIMING_NOTE[found.run.plan.mode]}"),
        alt="Parts of the time per answer by approach",
        takeaway=time_takeaways.of_time_parts(means, kinds, found.names),
    )


def prompt_figure(found: Measured) -> Figure:
    """What longer prompts cost."""
    points = comparing.prompt_points(found.calls)
    mode, cases = found.run.plan.mode, len({case for _, case, _, _ in points})
    slope = prompt_slope([(tokens, ms) for _, _, tokens, ms in points], cases) if mode == "bench" else None
    return Figure(
        key="prompt_chart",
        chart=prompt_chart(points, slope, found.lanes),
        alt="Time to first text against tokens read",
        takeaway=time_takeaways.of_prompt_length(slope, mode, counted=_counted(found)),
    )


def disturbed(found: Measured) -> int:
    """How many calls enter no figure of time: failed, stopped, or made to wait."""
    return sum(len(calls) for calls in found.calls.values()) - sum(len(calls) for _, calls in _calm(found))


def _calm(found: Measured) -> list[tuple[str, list[JudgedCall]]]:
    return [(lane, [call for call in calls if call.undisturbed]) for lane, calls in found.calls.items()]


def _counted(found: Measured) -> bool:
    """Whether it is known how many tokens were read, of any answer or as there is none."""
    calls = [call for _, of in _calm(found) for call in of]
    return not calls or any(call.usage and call.usage.prompt_tokens is not None for call in calls)
