"""The verdict on a scenario: climb, read it, see what it rests on, take the report along."""

import streamlit as st

from backends.errors import LeverError
from backends.scenario import Scenario
from compare.ladder import ladder_of
from compare.looks import Looked, look_at
from compare.prices import Prices
from compare.report import Form, written
from compare.report_basis import basis_of
from compare.report_settings import settings_of
from compare.run_measures import Measured
from compare.run_verdict import verdict_of
from compare.terms import Terms
from ui.asked_run import full_results
from ui.before_after_view import proof_line
from ui.climb import climb, more_repeats, rungs
from ui.decide_ladder import ladder_charts, ladder_table, why_wrong
from ui.ladder_run import choose_ladder, costs_of, per_answer_of
from ui.resources import get_store
from ui.results import open_run
from ui.text import safe, said
from ui.verdict_terms import choose_terms

KINDS = {
    "choose": (":material/verified:", st.success),
    "tie": (":material/balance:", st.success),
    "narrowed": (":material/filter_alt:", st.info),
    "cannot_tell": (":material/help:", st.info),
    "none_works": (":material/block:", st.warning),
}
"""How a kind of verdict looks before one reads it."""
UNPROVEN = (":material/trending_up:", st.info)
"""How one looks that names a lever which is not shown to meet the bar."""


def verdict(scenario: Scenario) -> None:
    """Climb, read the verdict, see what it rests on."""
    run_id = choose_ladder(scenario)
    if run_id is None:
        st.markdown(
            "Lever asks the test questions with one approach after another, the cheapest first, and names "
            "the cheapest one that works, or says that it can't tell yet."
        )
        climb(scenario, None, choose_terms(scenario.name, rungs(scenario), {}))
        return
    found = open_run(run_id)
    costs, prices = costs_of(found)
    per_answer = per_answer_of(costs)
    terms = choose_terms(scenario.name, found.lanes, per_answer)
    if climb(scenario, found.run, terms):
        return  # A verdict on half of it would be one look of three.
    try:
        looked = look_at(found.run, terms, get_store())
        shown = looked.verdict or verdict_of(found.run, looked.terms)
    except LeverError as error:
        st.error(said(error))
        return
    _box(looked)
    if looked.verdict is not None:
        more_repeats(scenario, found.run, terms, looked.verdict.next.repeats or 0)
    _export(found, terms, prices)
    alone = found.run.plan.mode == "bench"
    ladder_charts(found, shown)
    climbed = ladder_of(found, shown, costs)
    ladder_table(climbed, costs, prices, once=found.once, alone=alone)
    why_wrong(climbed, shown.best, found.run.id)
    proof_line("not run" if found.run.provenance is None else found.run.provenance.proof)
    full_results(found.run)


def _box(looked: Looked) -> None:
    """What it says, its kind at a glance, and which look this was."""
    names_one = looked.look.kind in ("choose", "tie")
    proven = bool(looked.look.document["meets_bar"])
    icon, show = UNPROVEN if names_one and not proven else KINDS[looked.look.kind]
    first, _, rest = looked.look.sentence.partition(". ")
    with st.container(key="verdict"):
        show(f"#### {safe(first.removesuffix('.'))}.\n\n{safe(rest)}", icon=icon)
        if looked.note:
            st.caption(safe(looked.note))


def _export(found: Measured, terms: Terms, prices: Prices) -> None:
    """The report as a file; it is made when it is asked for."""

    def made(form: Form) -> str:
        told = settings_of(found.run, prices, terms=terms)
        return written(basis_of(found.run, told, get_store()), form)

    name = f"lever-{found.run.plan.scenario}-{found.run.id[:6]}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Decision report", lambda: made("html"), f"{name}.html", "text/html", key="report_html",
            icon=":material/article:", on_click="ignore",
            help="One page that opens anywhere and prints well.",
        )  # fmt: skip
        st.download_button(
            "As Markdown", lambda: made("markdown"), f"{name}.md", "text/markdown", key="report_md",
            type="tertiary", on_click="ignore",
        )  # fmt: skip
