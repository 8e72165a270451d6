"""The three chart views of the results page: right or wrong, steadiness, speed."""

import numpy as np
import pandas as pd
import streamlit as st

from compare import numbers
from compare import run_figures as drawn
from compare.charts.look import Figure
from compare.charts.steadiness import MOST, heat_map
from compare.citation_words import NOTE, citation_rows, of_citations
from compare.consistency import cosines, embedding_groups, fold, wording_likeness
from compare.lane_names import lane_title
from compare.run_facts import losses
from compare.run_measures import Measured
from ui.drawing import draw
from ui.text import safe, shorten

CASE_CHARS = 90


def quality(found: Measured) -> None:
    """Who is right, by how much, and where results vary."""
    left, right = st.columns(2, gap="large")
    with left:
        draw(drawn.right_figure(found))
        _failures(found)
    if len(found.lanes) > 1:
        with right:
            _gains(found)
    left, right = st.columns(2, gap="large")
    form = drawn.form_figure(found)
    with left:
        draw(form)
    with right if form else left:
        draw(drawn.variance_figure(found))
    _citations(found)


def _citations(found: Measured) -> None:
    rows = citation_rows(found)
    if not rows:
        return
    with st.container(key="citations"):
        st.markdown(f"##### Citations\n\n**{safe(of_citations(found))}**")
        alt = "How well each approach cites"
        st.dataframe(pd.DataFrame(rows), hide_index=True, key="citation_table", alt=alt)
        st.caption(NOTE)


def _failures(found: Measured) -> None:
    for sentence in losses(found):
        st.caption(safe(sentence))


def _gains(found: Measured) -> None:
    slot = st.container()
    baseline = st.selectbox(
        "Compared with", found.lanes, format_func=lane_title, key="baseline", persist_state="session"
    )
    with slot:
        draw(drawn.gain_figure(found, baseline))


def steadiness(found: Measured) -> None:
    """How alike repeats are, whether they drift, and one case pair by pair."""
    left, right = st.columns(2, gap="large")
    with left:
        draw(drawn.agreement_figure(found))
    if found.once:
        return
    with right:
        draw(drawn.drift_figure(found))
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
        chart = heat_map(
            square,
            [call.repeat for call in done],
            title="How alike the answers are",
            measure="Wording alike" if vectors is None else "Meaning alike",
        )
        alt = "How alike each answer is to each other answer"
        draw(Figure(key="heat_map", chart=chart, alt=alt), stretch=False)


def speed(found: Measured) -> None:
    """Where the time went, how it spreads, and what longer prompts cost."""
    left, right = st.columns(2, gap="large")
    with left:
        draw(drawn.spread_figure(found))
    with right:
        draw(drawn.parts_figure(found))
    draw(drawn.prompt_figure(found))
    disturbed = drawn.disturbed(found)
    if disturbed:
        st.caption(
            f"Without {numbers.plural(disturbed, 'answer')} that failed, were stopped, "
            "or waited for a live question in their midst."
        )
