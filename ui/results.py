"""What the results page stands on: which run is looked at, and its figures, measured once."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from backends.errors import BadInput, LeverError
from backends.ledger import sentence
from compare import numbers
from compare.leakage_words import leak_rows, of_leakage, rate_rows
from compare.measured_store import MeasuredLine
from compare.run_facts import HASHES, ledger_rows, made, standing, summary_rows
from compare.run_measures import Measured, measure
from ui.resources import get_store
from ui.text import safe, said, shorten
from ui.words import ago

CHOSEN, SHOWN, LINK = "results_run", "results_shown", "run"
LISTED = 200
LABEL_CHARS = 60
STATUS = {"running": "still going on", "interrupted": "interrupted", "done": ""}


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
    labels = run_labels(lines)
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


def run_labels(lines: Mapping[str, MeasuredLine]) -> dict[str, str]:
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


def open_run(run_id: str) -> Measured:
    """The same for a page: one that can't be read is said there, and ends it."""
    try:
        return measured(run_id)
    except LeverError as error:
        st.error(said(error))
        st.stop()


@st.cache_resource(max_entries=3, show_spinner="Reading the run …")
def _measured(run_id: str, state: tuple[str, int]) -> Measured:
    """``state`` is part of the key: a run that grew is read again."""
    store = get_store()
    run = store.stored_run(run_id)
    return measure(run, store.vectors(run))


def facts(found: Measured) -> None:
    """How the run was made, and what is not there of it."""
    st.caption(safe(made(found)))
    missing = standing(found)
    if missing and found.run.status == "running":
        st.info(safe(missing), icon=":material/hourglass_top:")
        st.button("Look again", icon=":material/refresh:", key="look_again")
    elif missing:
        resume = "" if found.run.live else f" Go on by: `python -m compare run --resume {found.run.id}`"
        st.warning(f"{safe(missing)}{resume}", icon=":material/pause_circle:")


def summary_table(found: Measured) -> None:
    """One row a lane, one column a question that people ask."""
    table = pd.DataFrame(summary_rows(found))
    st.dataframe(table, hide_index=True, key="summary", alt="The figures of each approach")


def ledger(found: Measured) -> None:
    """Whether the comparison is fair, and everything in which the lanes differ or not."""
    fair = sentence(found.run.ledger, found.names)
    icon = ":material/balance:" if fair.startswith("Controlled") else ":material/info:"
    with st.expander(safe(fair), icon=icon):
        rows = ledger_rows(found)
        if not rows:
            return
        st.dataframe(pd.DataFrame(rows), hide_index=True, key="ledger", alt="In what the approaches differ")
        st.caption(HASHES)


def leaks(found: Measured) -> None:
    """Which cases the adapters had learnt from, and how often each approach is right without them."""
    told, rows = of_leakage(found.run), leak_rows(found.run)
    if told and not rows:
        st.caption(safe(told))
    if not rows:
        return
    with st.expander(safe(told), icon=":material/warning:"):
        rates = pd.DataFrame(rate_rows(found))
        st.dataframe(rates, hide_index=True, key="leaked_rates", alt="Right with and without these cases")
        st.dataframe(pd.DataFrame(rows), hide_index=True, key="leaks", alt="Cases that were learnt from")
