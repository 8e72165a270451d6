"""What the results page stands on: which run is looked at, and its figures, measured once."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import streamlit as st

from backends.base import registry
from backends.errors import BadInput, LeverError
from backends.ledger import sentence
from compare import numbers
from compare.comparing import calls_of
from compare.judged import JudgedCall
from compare.lanes import backend_of
from compare.matrix import Places, by_place
from compare.measured import StoredRun
from compare.measured_store import MeasuredLine
from compare.statistics import ONE_CASE
from compare.summary import LaneSummary, summarise, without_copies
from compare.takeaways import right_of
from ui.resources import get_store
from ui.text import safe, said, shorten
from ui.words import ago, lane_name, lane_title

CHOSEN, SHOWN, LINK = "results_run", "results_shown", "run"
LISTED = 200
LABEL_CHARS = 60
STATUS = {"running": "still going on", "interrupted": "interrupted", "done": ""}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A stored run with everything that its charts are drawn from, lanes from cheap to dear."""

    run: StoredRun
    lanes: tuple[str, ...]
    names: Mapping[str, str]
    calls: Mapping[str, list[JudgedCall]]
    vectors: Mapping[str, np.ndarray]
    summary: Mapping[str, LaneSummary]
    places: Places

    @property
    def once(self) -> bool:
        """Whether there is one answer to each case, or copies of one."""
        return self.run.plan.repeats == 1 or self.copies

    @property
    def judged(self) -> Mapping[str, list[JudgedCall]]:
        """The calls that say something of how often a lane is right: of copies only the first."""
        return (
            {lane: without_copies(calls) for lane, calls in self.calls.items()} if self.copies else self.calls
        )

    @property
    def copies(self) -> bool:
        """Whether repeats are copies of one greedy answer."""
        return self.run.plan.sampling.temperature == 0


def choose_run() -> str | None:
    """Let the reader choose among the stored runs; the link names the chosen one. None, with a sentence on
    the page, when there is none.
    """
    try:
        lines = {line.id: line for line in get_store().measured_runs(LISTED)}
    except LeverError as error:
        st.error(said(error))
        return None
    linked = st.query_params.get(LINK)
    if linked and linked != st.session_state.get(SHOWN):  # A link was followed.
        st.session_state[CHOSEN] = linked
    if st.session_state.get(CHOSEN) not in lines:
        older = _older(st.session_state.pop(CHOSEN, None))
        lines = {**({older.id: older} if older else {}), **lines}
    if not lines:
        st.info(
            "Nothing has been run yet. Ask a question on the first page, or run a whole scenario by: "
            "`python -m compare run support-facts --repeats 5`"
        )
        return None
    labels = _labels(lines)
    chosen = st.selectbox("Run", list(lines), format_func=labels.get, key=CHOSEN, persist_state="session")
    st.query_params[LINK] = st.session_state[SHOWN] = chosen
    return chosen


def _older(run_id: str | None) -> MeasuredLine | None:
    """A linked run that the list has no more; says so on the page when there is none."""
    if run_id is None:
        return None
    try:
        run = get_store().stored_run(run_id)
    except BadInput:
        st.warning("This link leads to a run that is not stored here. These are the runs that are.")
        return None
    st.session_state[CHOSEN] = run.id
    plan = run.plan
    return MeasuredLine(
        id=run.id, name=run.name, query=plan.cases[0].query if run.live else "", scenario=plan.scenario,
        status=run.status, mode=plan.mode, cases=len(plan.cases), lanes=plan.lanes, repeats=plan.repeats,
        started_at=run.started_at,
    )  # fmt: skip


def _labels(lines: Mapping[str, MeasuredLine]) -> dict[str, str]:
    """Every run's line in the list, each another one: Streamlit takes equal labels for one option."""
    labels = {id_: _label(line) for id_, line in lines.items()}
    many = Counter(labels.values())
    return {id_: f"{label} · {id_[:6]}" if many[label] > 1 else label for id_, label in labels.items()}


def _label(line: MeasuredLine) -> str:
    asked = f"“{shorten(line.query, LABEL_CHARS)}”" if line.query else numbers.plural(line.cases, "case")
    parts = [
        shorten(line.name, LABEL_CHARS),
        line.scenario,
        asked,
        numbers.plural(len(line.lanes), "approach", "approaches"),
        numbers.plural(line.repeats, "repeat") if line.repeats > 1 else "",
        "one at a time" if line.mode == "bench" else "",
        STATUS.get(line.status, line.status),
        ago(line.started_at, datetime.now(UTC)),
    ]
    return " · ".join(part for part in parts if part)


def measured(run_id: str) -> Measured:
    """The run's figures, kept as long as no call comes to it.

    Raises:
        BadInput: there is no such run.
        StoreUnavailable: the store can't be read.
    """
    return _measured(run_id, get_store().run_state(run_id))


@st.cache_resource(max_entries=3, show_spinner="Reading the run …")
def _measured(run_id: str, state: tuple[str, int]) -> Measured:
    """``state`` is part of the key: a run that grew is read again."""
    store = get_store()
    run = store.stored_run(run_id)
    place = {name: number for number, name in enumerate(registry())}  # A backend may be gone since.
    lanes = tuple(sorted(run.plan.lanes, key=lambda lane: place.get(backend_of(lane), len(place))))
    vectors = store.vectors(run)
    return Measured(
        run=run,
        lanes=lanes,
        names={lane: lane_name(lane) for lane in lanes},
        calls=calls_of(run.calls, lanes),
        vectors=vectors,
        summary=summarise(run.calls, run.plan, vectors),
        places=by_place(run.calls),
    )


def facts(found: Measured) -> None:
    """How the run was made, and what is not there of it."""
    plan, produced = found.run.plan, found.run.provenance
    sampling = plan.sampling
    parts = [
        "" if produced is None else produced.model,
        f"temperature {sampling.temperature:g}, top-p {sampling.top_p:g}",
        f"at most {numbers.plural(sampling.max_tokens, 'token')}",
        f"seed {plan.seed}",
        "one answer at a time" if plan.mode == "bench" else "answers share the machine",
        "proof that adapters leave the base alone: " + ("unknown" if produced is None else produced.proof),
    ]
    st.caption(safe(" · ".join(part for part in parts if part)))
    planned = len(plan.cases) * len(plan.lanes) * plan.repeats
    if len(found.run.calls) < planned:
        resume = "" if found.run.live else f" Go on by: `python -m compare run --resume {found.run.id}`"
        there = f"{len(found.run.calls):,} of {planned:,} answers are there; the figures are of those."
        if found.run.status == "running":
            st.info(f"This run is still going on: {there}", icon=":material/hourglass_top:")
            st.button("Look again", icon=":material/refresh:", key="look_again")
        else:
            st.warning(f"This run ended early: {there}{resume}", icon=":material/pause_circle:")


def summary_table(found: Measured) -> None:
    """One row a lane, one column a question that people ask."""
    rows = []
    for lane in found.lanes:
        one = found.summary[lane]
        rows.append(
            {
                "Approach": lane_title(lane),
                "Right": _right(one, once=found.once),
                "Says the same again": numbers.percent(one.modal_share),
                "Keeps the form": _kept_form(one, once=found.once),
                "Half done within": numbers.seconds(one.total_ms.p50 if one.total_ms else None),
                "Tokens read": numbers.count(one.prompt_tokens_mean),
                "Tokens written": numbers.count(one.completion_tokens_mean),
                "Answers": numbers.count(one.n_calls),
                "Failed": numbers.count(one.n_failed),
                "Not judged": numbers.count(one.n_unscored),
            }
        )
    table = pd.DataFrame(rows)
    empty = {"Says the same again": numbers.ABSENT, "Keeps the form": numbers.ABSENT, "Failed": "0"}
    empty["Not judged"] = "0"
    unused = [column for column, nothing in empty.items() if set(table[column]) == {nothing}]
    st.dataframe(
        table.drop(columns=unused), hide_index=True, key="summary", alt="The figures of each approach"
    )


def _right(one: LaneSummary, *, once: bool) -> str:
    """The share of right answers with its interval where there may be one; else counts alone."""
    rate = one.passes
    if rate is None:
        return "nothing judged"
    if rate.enough or rate.method == ONE_CASE:
        return f"{numbers.percent(rate.value)} ({numbers.percent_range(rate.low, rate.high)})"
    return right_of(rate, once=once)


def _kept_form(one: LaneSummary, *, once: bool) -> str:
    rate = one.format_valid
    if rate is None:
        return numbers.ABSENT
    return numbers.percent(rate.value) if rate.enough else right_of(rate, once=once)


def ledger(found: Measured) -> None:
    """Whether the comparison is fair, and everything in which the lanes differ or not."""
    entries = found.run.ledger
    fair = sentence(entries, found.names)
    icon = ":material/balance:" if fair.startswith("Controlled") else ":material/info:"
    with st.expander(safe(fair), icon=icon):
        if not entries:
            return
        lanes = [lane for lane in found.lanes if lane in entries[0].values]
        st.dataframe(
            pd.DataFrame(
                {
                    "What": [entry.what for entry in entries],
                    "Belongs to": [entry.lever or "no lever" for entry in entries],
                    "Differs": ["yes" if entry.differs else "no" for entry in entries],
                    **{lane_title(lane): [entry.values[lane] for entry in entries] for lane in lanes},
                }
            ),
            hide_index=True,
            key="ledger",
            alt="In what the approaches differ",
        )
        st.caption("Texts stand as the first eight digits of their SHA-256: equal digits, equal texts.")
