"""Before and after an adapter, drawn: how often right, by which check, why wrong, on which questions."""

import pandas as pd
import streamlit as st

from compare import numbers
from compare.before_after import BeforeAfter, before_after
from compare.before_after_words import interval
from compare.cases import Case
from compare.charts.look import Figure
from compare.charts.quality import difference_chart
from compare.failure_classes import POINTS_TO, WHY
from compare.lane_names import lane_name, lane_title
from compare.measured import StoredRun
from compare.statistics import Estimate
from ui.check_list import EXAMPLES
from ui.drawing import draw
from ui.text import safe, shorten

QUESTION_CHARS = 110
MOST_ROWS = 200
PROOFS = {
    "passed": (":material/verified:", "After each load of an adapter: the base model is untouched."),
    "failed": (":material/error:", "The base model was changed: don't trust these answers."),
    "not run": (":material/help:", "Whether the base model stayed untouched was not checked."),
}


def gains_chart(run: StoredRun, bare: str, key: str) -> None:
    """How much more often right than without an adapter each other lane of a run is."""
    gains = {lane: before_after(run, bare, lane).gain for lane in run.plan.lanes if lane != bare}
    name = lane_name(bare)
    drawn = difference_chart(
        gains, title=f"How much more often right than {name}", axis="Difference in points, 95 % interval"
    )
    draw(Figure(key=key, chart=drawn, alt=f"Gain of each approach over {name}"))


def rates_table(found: BeforeAfter, key: str) -> None:
    """All checks together, then each: before, after, and the change."""
    before, after = lane_title(found.before), lane_title(found.after)
    rows = [
        {
            "What is checked": "All checks of a question",
            before: _rate(found.before_rate),
            after: _rate(found.after_rate),
            "Change": interval(found.gain) if found.gain else numbers.ABSENT,
        }
    ]
    rows += [
        {
            "What is checked": f"{one.name}: {EXAMPLES[one.name][1]}" if one.name in EXAMPLES else one.name,
            before: _rate(one.before),
            after: _rate(one.after),
            "Change": interval(one.gain) if one.gain else numbers.ABSENT,
        }
        for one in found.checks
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, key=key, alt="Share of right answers by check")
    asked = found.gain
    if asked is not None:
        p_value = "" if asked.p_value is None else f" Exact McNemar: p = {asked.p_value:.2g}."
        st.caption(
            f"Shares of {numbers.plural(asked.cases, 'question')} ({numbers.plural(asked.groups, 'fact')}) "
            f"with 95 % intervals; the changes of the checks hold together.{p_value}"
        )


def classes_table(found: BeforeAfter, key: str) -> None:
    """Why answers did not pass, before and after."""
    if not found.classes:
        st.success("No answer was wrong, with it or without it.", icon=":material/check_circle:")
        return
    rows = [
        {
            "Why it did not pass": WHY[kind],
            lane_title(found.before): numbers.count(before),
            lane_title(found.after): numbers.count(after),
            "What may help": POINTS_TO[kind],
        }
        for kind, (before, after) in found.classes.items()
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, key=key, alt="Reasons for wrong answers")
    st.caption("Counted in answers, each time that a question was asked.")


def changed_cases(run: StoredRun, found: BeforeAfter, key: str) -> None:
    """The questions that it answers better and worse, the worse ones first."""
    cases = {case.id: case for case in run.plan.cases}
    counts = (len(found.worse), len(found.better), len(found.same))
    worse, better, same = map(numbers.count, counts)
    label = f"Questions: {worse} worse, {better} better, {same} the same"
    with st.expander(label, icon=":material/difference:"):
        rows = [
            {
                "Question": shorten(cases[id_].query, QUESTION_CHARS),
                "Now": now,
                "Expected": _expected(cases[id_]),
            }
            for now, ids in (("worse", found.worse), ("better", found.better))
            for id_ in ids
        ]
        if not rows:
            st.caption("No question changed.")
            return
        st.dataframe(pd.DataFrame(rows[:MOST_ROWS]), hide_index=True, key=key, alt="Questions that changed")
        if len(rows) > MOST_ROWS:
            st.caption(f"The first {MOST_ROWS} of {len(rows):,}.")


def proof_line(proof: str) -> None:
    """Whether the base model stayed as it is while adapters were loaded."""
    icon, sentence = PROOFS.get(proof, PROOFS["not run"])
    st.caption(f"{icon} {safe(sentence)}")


def _rate(found: Estimate | None) -> str:
    if found is None:
        return numbers.ABSENT
    share = numbers.percent(found.value)
    return f"{share} ({numbers.percent_range(found.low, found.high)})" if found.enough else share


def _expected(case: Case) -> str:
    return shorten(case.expected or case.checks, QUESTION_CHARS)
