"""The three chart views of the results page: right or wrong, steadiness, speed."""

import numpy as np
import streamlit as st

from backends.types import Mode
from compare import comparing, numbers, takeaways
from compare.consistency import cosines, embedding_groups, fold, wording_likeness
from compare.latency import prompt_slope
from ui.charts.bars import time_bars
from ui.charts.look import draw
from ui.charts.quality import difference_chart, drift_chart, rate_chart, variance_chart
from ui.charts.speed import prompt_chart, spread_chart
from ui.charts.steadiness import MOST, heat_map
from ui.results import Measured
from ui.text import safe, shorten
from ui.words import lane_title

CASE_CHARS = 90
TIMING_NOTE: dict[Mode, str] = {"bench": "one answer at a time", "demo": "answers share the machine"}


def quality(found: Measured) -> None:
    """Who is right, by how much, and where results vary."""
    scores = comparing.scores_of(found.judged)
    paired = comparing.paired_scores_of(found.judged)
    rates = comparing.rates_of(scores)
    left, right = st.columns(2, gap="large")
    with left:
        draw(
            rate_chart(
                rates,
                title="How often right",
                axis="Share of cases that pass all their checks",
                once=found.once,
            ),
            key="rate_chart",
            alt="Share of right answers by approach",
            takeaway=takeaways.of_pass_rates(rates, comparing.lead_of(paired), found.names, once=found.once),
        )
        _failures(found)
    if len(found.lanes) > 1:
        with right:
            _gains(found, paired)
    left, right = st.columns(2, gap="large")
    formats = comparing.rates_of(comparing.scores_of(found.judged, "format"))
    if any(formats.values()):
        with left:
            draw(
                rate_chart(
                    formats,
                    title="How often in the right form",
                    axis="Share of cases in the right form",
                    once=found.once,
                ),
                key="format_chart",
                alt="Share of answers in the right form by approach",
                takeaway=takeaways.of_forms(formats, found.names),
            )
    splits = comparing.splits_of(scores)
    with right if any(formats.values()) else left:
        draw(
            variance_chart(splits),
            key="variance_chart",
            alt="Variance between questions and between repeats by approach",
            takeaway=takeaways.of_variance(splits, found.names),
        )


def _failures(found: Measured) -> None:
    for lane in found.lanes:
        failed = [call for call in found.calls[lane] if call.status == "failed"]
        own = sum(call.failed_by_itself for call in failed)
        lost = f" {numbers.plural(len(failed) - own, 'answer')} the machine lost: they count nowhere."
        if failed:
            many = numbers.share(len(failed), len(found.calls[lane]))
            st.caption(
                f"{safe(found.names[lane])}: {many} answers failed. The share of right "
                "answers leaves them out; in comparisons they count as not right."
                + (lost if own < len(failed) else "")
            )


def _gains(found: Measured, scores: comparing.LaneScores) -> None:
    slot = st.container()
    baseline = st.selectbox(
        "Compared with", found.lanes, format_func=lane_title, key="baseline", persist_state="session"
    )
    gains = comparing.gains_over(baseline, scores)
    with slot:
        draw(
            difference_chart(
                gains,
                title=f"How much more often right than {found.names[baseline]}",
                axis="Difference in points; with 95 % confidence all intervals hold at once",
            ),
            key="difference_chart",
            alt=f"Gain of each approach over {found.names[baseline]}",
            takeaway=takeaways.of_differences(gains, baseline, found.names, once=found.once),
        )


def steadiness(found: Measured) -> None:
    """How alike repeats are, whether they drift, and one case pair by pair."""
    plan = found.run.plan
    scores = comparing.agreement_of({} if found.copies else found.calls)
    shares = comparing.rates_of(scores)
    left, right = st.columns(2, gap="large")
    with left:
        draw(
            rate_chart(
                shares,
                title="How often the most frequent answer is given",
                axis="Share of a question's answers, mean over cases",
                once=False,
            ),
            key="agreement_chart",
            alt="Share of the most frequent answer by approach",
            takeaway=takeaways.of_agreement(
                shares, comparing.lead_of(scores), found.names, repeats=plan.repeats, copies=found.copies
            ),
        )
    if found.once or found.copies:
        return
    judged = comparing.scores_of(found.calls)
    checked = any(case.scores for cases in judged.values() for case in cases)
    over = judged if checked else comparing.likeness_of(found.calls)
    with right:
        draw(
            drift_chart(
                comparing.by_repeat(over),
                axis="Share right" if checked else "Likeness to the most frequent answer",
            ),
            key="drift_chart",
            alt="Over the repeats, by approach",
            takeaway=takeaways.of_drift(comparing.drifts_of(over), found.names, checked=checked),
        )
    _one_case(found)


def _one_case(found: Measured) -> None:
    cases = {case.id: case for case in found.run.plan.cases}
    left, right = st.columns((3, 2), gap="large")
    with right:
        case = st.selectbox(
            "One case, pair by pair",
            list(cases),
            format_func=lambda id: f"{shorten(cases[id].query, CASE_CHARS)} {id}".strip(),
            key="pairs_case",
        )
        lane = st.selectbox("Approach", found.lanes, format_func=lane_title, key="pairs_lane")
    done = sorted(
        (call for call in found.places.get((case, lane), ()) if call.status == "done"),
        key=lambda call: call.repeat,
    )
    texts = [call.text for call in done]
    if len(texts) < 2:
        left.info("This approach has fewer than two finished answers to this case.")
        return
    known = all(text in found.vectors for text in texts)
    vectors = np.stack([found.vectors[text] for text in texts]) if known else None
    square = wording_likeness(texts) if vectors is None else np.clip(cosines(vectors), 0, 1)
    with right:
        groups = fold(texts)
        sizes = (
            ""
            if vectors is None
            else (
                f" By meaning they fall into {numbers.plural(len(embedding_groups(vectors)), 'group')} "
                "(embedding groups, cosine of 0.9 and more)."
            )
        )
        different = numbers.plural(len(groups), "different one")
        st.markdown(safe(f"{numbers.plural(len(texts), 'answer')}, {different}.{sizes}"))
        for group in groups[:5]:
            st.caption(f"{numbers.share(group.size, len(texts))}: {safe(shorten(group.text, 200))}")
        if len(texts) > MOST:
            st.caption(f"Drawn are the first {MOST} of {len(texts):,} answers.")
    with left:
        draw(
            heat_map(
                square,
                [call.repeat for call in done],
                title="How alike the answers are",
                measure="Wording alike" if vectors is None else "Meaning alike",
            ),
            key="heat_map",
            stretch=False,
            alt="How alike each answer is to each other answer",
        )


def speed(found: Measured) -> None:
    """Where the time went, how it spreads, and what longer prompts cost."""
    calm = {lane: [call for call in calls if call.undisturbed] for lane, calls in found.calls.items()}
    note = TIMING_NOTE[found.run.plan.mode]
    times = {lane: found.summary[lane].total_ms for lane in found.lanes}
    st.markdown(f"**{safe(takeaways.of_latency(times, found.names, found.run.plan.mode))}**")
    left, right = st.columns(2, gap="large")
    with left:
        draw(
            spread_chart(
                {
                    lane: [call.timing.total_ms for call in calls if call.timing]
                    for lane, calls in calm.items()
                },
                times,
                axis=f"Seconds per answer, {note}",
            ),
            key="spread_chart",
            alt="Time per answer by approach",
        )
    with right:
        draw(
            time_bars(
                {
                    lane_title(lane): [call.timing for call in calls if call.timing]
                    for lane, calls in calm.items()
                },
                f"Mean seconds per answer, {note}",
            ),
            key="parts_chart",
            alt="Parts of the time per answer by approach",
        )
    points = comparing.prompt_points(found.calls)
    mode, cases = found.run.plan.mode, len({case for _, case, _, _ in points})
    slope = prompt_slope([(tokens, ms) for _, _, tokens, ms in points], cases) if mode == "bench" else None
    draw(
        prompt_chart(points, slope, found.lanes),
        key="prompt_chart",
        alt="Time to first text against tokens read",
        takeaway=takeaways.of_prompt_length(slope, mode),
    )
    disturbed = sum(len(calls) for calls in found.calls.values()) - sum(len(calls) for calls in calm.values())
    if disturbed:
        st.caption(
            f"Without {numbers.plural(disturbed, 'answer')} that failed, were stopped, "
            "or waited for a live question in their midst."
        )
