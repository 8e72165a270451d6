"""How well retrieval finds: measured on a scenario's cases that name their gold source."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from backends.errors import LeverError
from backends.knowledge import knowledge
from backends.knowledge.documents import document_paths
from backends.scenario import Scenario
from compare import numbers
from compare.case_files import load_cases
from compare.cases import Case, sources_of
from compare.charts.retrieval import retrieval_figure
from compare.matching import folded
from compare.retrieval_lookup import named, ranked_cases
from compare.retrieval_measures import REPORTED_KS, Ranked, RetrievalFigures, measure_retrieval, misses
from compare.statistics import Estimate
from ui.drawing import draw
from ui.resources import get_engine
from ui.retrieval_tuning import better_settings
from ui.retrieval_work import Key, Say, Works, key_of
from ui.run_form import SPLITS
from ui.text import safe, said, shorten

WHICH = "measured_which"
QUESTION_CHARS, TEXT_CHARS = 160, 200
WIDTHS = {"Question": 230, "Right document": 140, "Found instead": 140, "Similarity": 80, "Its passage": 280}
ROW_PX = 66
"""Room for two lines; Streamlit wraps none in lower rows."""
NO_SUCH = "(no such document)"
MEASURES = {
    "Passages read": "How many of the best passages are looked at (k).",
    "Hit rate": "Share of questions with a passage of the right document among them; 95 % interval.",
    "Recall": "Share of a question's right documents that are among them, on average; 95 % interval.",
    "Reciprocal rank": "1 when the right document comes first, ½ when second …, on average (MRR).",
}
MISSED = {
    "Question": "What was asked.",
    "Right document": "The gold source that the case names.",
    "Found instead": "The document of the passage that came first.",
    "Similarity": "Of that passage to the question (cosine, at most 1).",
    "Its passage": "How that passage begins.",
}


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was measured: the figures, and the cases that missed at the scenario's k."""

    figures: RetrievalFigures
    missed: tuple[Ranked, ...]


_measured: Works[Found] = Works("measured")


def retrieval_measured(scenario: Scenario) -> None:
    """Hit rate, recall and MRR, the misses, and a sweep over chunk size and k."""
    if not document_paths(scenario.knowledge):
        st.info(
            "There is nothing to find yet. Add documents under “Documents”.", icon=":material/folder_open:"
        )
        return
    try:
        cases = load_cases(scenario)
        if not named(cases):
            _no_sources(cases)
            return
        chosen = _choose(cases)
        if get_engine().status().state != "ready":
            st.info("This can be measured as soon as the model is there.", icon=":material/hourglass_top:")
            return
        _measure(scenario, chosen)
        st.divider()
        better_settings(scenario, cases)
    except LeverError as error:
        st.error(said(error))


def _no_sources(cases: Sequence[Case]) -> None:
    lacking = "None of the cases names" if cases else "This scenario has no cases of its own that name"
    st.info(
        f"{lacking} the document that answers it, so what is found can't be measured. Fill the column "
        "“source” of the cases' file with the document's name, such as warranty.md.",
        icon=":material/rule:",
    )


def _choose(cases: Sequence[Case]) -> tuple[Case, ...]:
    """Those of the split that is chosen, among those that have any gold source."""
    which = st.segmented_control(
        "Questions", ["all", "dev", "test"], default="all", required=True, key=WHICH, persist_state="session",
        format_func=lambda which: SPLITS[which],
        help="By the column split: test for verdicts, dev for tuning.",
    )  # fmt: skip
    chosen = tuple(case for case in cases if which in ("all", case.split))
    many = numbers.share(len(named(chosen)), len(chosen))
    left_out = "" if len(named(chosen)) == len(chosen) else " The others are left out."
    st.caption(f"{many} questions name the document that answers them (their gold source).{left_out}")
    return chosen


def _measure(scenario: Scenario, cases: Sequence[Case]) -> None:
    """The button, then what was measured; a result is kept until documents, settings or cases change."""
    if not named(cases):
        return
    key = key_of(scenario, cases)
    work = _measured.of(key)
    if work is None or work.problem:
        help = "Looks up the passages of every question; some seconds."
        st.button(
            "Measure", type="primary", icon=":material/speed:", key="measure", help=help,
            on_click=_begin, args=(scenario, cases, key),
        )  # fmt: skip
    found = _measured.follow(key)
    if found is not None:
        draw(retrieval_figure(found.figures, scenario.retrieval.k))
        _table(_rows(found.figures), MEASURES, "measures_table", "The measures by passages read")
        _misses(scenario, found)


def _begin(scenario: Scenario, cases: Sequence[Case], key: Key) -> None:
    engine, k = get_engine(), scenario.retrieval.k

    def work(say: Say) -> Found:
        say(0.0, "Looking at the index")
        chunks = knowledge().ensure_index(scenario, engine).chunks

        def report(done: int, planned: int) -> None:
            say(done / planned, f"Looking up questions: {numbers.share(done, planned)}")

        ranked = ranked_cases(scenario, cases, max(*REPORTED_KS, k), engine, report)
        return Found(figures=measure_retrieval(ranked, chunks), missed=misses(ranked, k))

    _measured.begin(scenario, key, work)


def _rows(found: RetrievalFigures) -> list[dict[str, object]]:
    return [
        {
            "Passages read": numbers.count(k),
            "Hit rate": _share(at.hit_rate),
            "Recall": _share(at.recall),
            "Reciprocal rank": _mean(at.mrr),
        }
        for k, at in found.at.items()
    ]


def _share(rate: Estimate) -> str:
    said = numbers.percent(rate.value)
    return f"{said} ({numbers.percent_range(rate.low, rate.high)})" if rate.enough else said


def _mean(rate: Estimate) -> str:
    value, low, high = map(numbers.coefficient, (rate.value, rate.low, rate.high))
    return f"{value} ({low} to {high})" if rate.enough else value


def _misses(scenario: Scenario, found: Found) -> None:
    """The questions whose right document is not among the passages that the model gets."""
    k, many = scenario.retrieval.k, found.figures.cases
    first = "the first passage" if k == 1 else f"the first {numbers.count(k)} passages"
    if not found.missed:
        st.markdown(f"No question misses: the right document is among {first} for all {numbers.count(many)}.")
        return
    st.markdown(
        f"**{numbers.share(len(found.missed), many)} questions miss: their document is not in {first}**"
    )
    known = {folded(path.name) for path in document_paths(scenario.knowledge)}
    rows = [_missed(one, known) for one in found.missed]
    _table(rows, MISSED, "misses", "Questions that miss", row_px=ROW_PX)


def _missed(found: Ranked, known: set[str]) -> dict[str, object]:
    sources = [one if folded(one) in known else f"{one} {NO_SUCH}" for one in sources_of(found.case)]
    nearest = found.nearest
    return {
        "Question": shorten(found.case.query, QUESTION_CHARS),
        "Right document": ", ".join(sources),
        "Found instead": nearest.source if nearest is not None else numbers.ABSENT,
        "Similarity": numbers.coefficient(nearest.cosine if nearest is not None else None),
        "Its passage": shorten(nearest.text, TEXT_CHARS) if nearest is not None else "",
    }


def _table(
    rows: Sequence[dict[str, object]], columns: dict[str, str], key: str, alt: str, row_px: int | None = None
) -> None:
    help = {
        name: st.column_config.Column(help=safe(text), width=WIDTHS.get(name))  # type: ignore[arg-type]
        for name, text in columns.items()
    }
    st.dataframe(pd.DataFrame(rows), hide_index=True, key=key, column_config=help, row_height=row_px, alt=alt)
