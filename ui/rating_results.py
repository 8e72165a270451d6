"""What people said of a run's answers: scores, a leaderboard, agreement, and what may have misled them."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from backends.errors import LeverError
from backends.settings import settings
from compare import numbers
from compare.charts.look import Figure
from compare.charts.preference import preference_chart
from compare.lane_names import lane_title
from compare.rating_facts import criteria_of, judged_checks, notes_on, of_leaderboard
from compare.rating_files import ratings_csv, ratings_jsonl, read_ratings
from compare.rating_items import Judgement
from compare.ratings import ALL, agreement, leaderboard, mean_scores, too_few, votes_of
from compare.run_measures import Measured
from compare.training_set import THRESHOLD, collect, collected_path, worth_learning
from ui.drawing import draw
from ui.resources import get_store
from ui.text import safe, said

AGREE = "How far raters agree (Krippendorff's alpha: 1 fully, 0 as by chance)"


def ratings(found: Measured) -> None:
    """Everything that the judgements of this run say, each with what it rests on."""
    try:
        judgements = get_store().judgements(found.run.id)
    except LeverError as error:
        st.error(said(error))
        return
    done = [one for one in judgements if one.state == "done"]
    if not done:
        st.info("Nobody has judged this run yet. “Rate” shows its answers one by one, without names.")
        st.page_link(
            "pages/rate.py", label="Rate it", icon=":material/thumbs_up_down:",
            query_params={"run": found.run.id},
        )  # fmt: skip
        _files(found, judgements)
        return
    raters = {one.rater for one in done}
    st.caption(f"{numbers.plural(len(done), 'judgement')} by {numbers.plural(len(raters), 'rater')}")
    groups = {case.id: case.group or case.id for case in found.run.plan.cases}
    _scores(found, done, groups)
    _votes(found, done, groups)
    for note in notes_on(found, done):
        st.caption(safe(note))
    _files(found, judgements)
    _examples(found, done)


def _files(found: Measured, judgements: Sequence[Judgement]) -> None:
    with st.container(horizontal=True):
        for ending, write in (("csv", ratings_csv), ("jsonl", ratings_jsonl)) if judgements else ():
            st.download_button(
                f"Judgements as {ending.upper()}",
                lambda write=write: write(judgements, found.run),
                file_name=f"lever-ratings-{found.run.id[:6]}.{ending}",
                key=f"ratings_{ending}",
                icon=":material/download:",
                on_click="ignore",
            )
    given = st.file_uploader(
        "Judgements from another machine",
        type=["csv", "jsonl"],
        key="ratings_given",
        max_upload_size=settings().max_upload_mb,
        help="A file that this page wrote elsewhere, of a run that is here too. Nothing is doubled.",
    )
    if given is not None and st.button("Take them over", icon=":material/upload:", key="take_ratings"):
        try:
            new, known = get_store().keep_judgements(read_ratings(given.getvalue()))
        except LeverError as error:
            st.error(said(error))
            return
        st.success(f"{numbers.plural(new, 'new judgement')}, {known:,} known already.")


def _examples(found: Measured, done: Sequence[Judgement]) -> None:
    """Well-judged answers as training examples of the scenario."""
    scenario = found.run.plan.scenario
    with st.expander("Make training examples", icon=":material/school:"):
        threshold = st.slider("From which mean score on", 1.0, 5.0, THRESHOLD, 0.5, key="learn_from")
        worth = worth_learning(found, done, threshold)
        edited = sum(example.how == "edited" for example in worth)
        own = f", {numbers.plural(edited, 'of them written by a rater', 'of them written by raters')}"
        st.markdown(f"{numbers.plural(len(worth), 'example')}{own if edited else ''}")
        st.caption(
            "Their cases, and all others of their groups, count as “dev” from then on, "
            "so that an adapter that learnt from them is never tested on them."
        )
        if st.button("Collect them", icon=":material/save:", key="collect", disabled=not worth):
            try:
                new = collect(scenario, worth)
            except LeverError as error:
                st.error(said(error))
                return
            path = collected_path(scenario)
            st.success(
                f"{numbers.plural(new, 'new example')}. Train with: `python -m compare train {scenario} "
                f"--examples {path}`"
            )


def _scores(found: Measured, done: Sequence[Judgement], groups: Mapping[str, str]) -> None:
    means = mean_scores(done, groups)
    criteria = criteria_of(done)
    if not criteria:
        return
    rows = []
    for lane in found.lanes:
        if lane in means:
            cells = {}
            for criterion in criteria:
                one = means[lane].get(criterion)
                bounds = (one.low, one.high) if one is not None and one.enough else ()
                cells[criterion.capitalize()] = numbers.score(None if one is None else one.value, *bounds)
            rows.append({"Approach": lane_title(lane), **cells})
    st.dataframe(pd.DataFrame(rows), hide_index=True, key="mean_scores", alt="Mean scores by approach")
    st.caption("Means over cases, 1 to 5, with 95 % intervals from 15 groups of cases on.")
    of = [*criteria, ALL] if len(criteria) > 1 else criteria
    alphas = {criterion: agreement(done, criterion) for criterion in of}
    told = [f"{name} {numbers.coefficient(value)}" for name, value in alphas.items() if value is not None]
    if told:
        st.caption(f"{AGREE}: {safe(', '.join(told))}")
    checks = judged_checks(found, done)
    if checks:
        st.dataframe(
            pd.DataFrame(checks), hide_index=True, key="checks_judged", alt="Automatic checks against scores"
        )


def _votes(found: Measured, done: Sequence[Judgement], groups: Mapping[str, str]) -> None:
    votes = votes_of(done)
    if not votes:
        return
    standings = leaderboard(votes, groups)
    few = {frozenset(pair[:2]) for pair in too_few(votes)}
    takeaway = of_leaderboard(standings, few, found.names)
    chart = preference_chart(standings)
    left, right = st.columns(2, gap="large")
    with left:
        draw(Figure(key="preference_chart", chart=chart, alt="How often preferred", takeaway=takeaway))
    rows = [
        {
            "Rank": str(standing.rank) if standing.enough else numbers.ABSENT,
            "Approach": lane_title(standing.lane),
            "Won": numbers.count(standing.wins),
            "Tied": numbers.count(standing.ties),
            "Lost": numbers.count(standing.losses),
        }
        for standing in standings
    ]
    with right:
        st.dataframe(pd.DataFrame(rows), hide_index=True, key="leaderboard", alt="Leaderboard")
        if few:
            pairs = numbers.plural(len(few), "pair")
            st.caption(f"{pairs} of approaches have fewer than 20 decisive votes: not enough votes.")
        alpha = agreement(done)
        if alpha is not None:
            st.caption(f"{AGREE}: {numbers.coefficient(alpha)}")
