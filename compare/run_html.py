"""A run as one HTML file that opens anywhere: figures, charts and cases."""

from collections.abc import Iterator

from backends.ledger import sentence
from compare import citation_words, run_facts
from compare.cases import Case
from compare.charts.svg import svg
from compare.citation_words import citation_rows, of_citations
from compare.consistency import fold
from compare.html_pages import page
from compare.lane_names import lane_title
from compare.leakage_words import leak_rows, of_leakage, rate_rows
from compare.matrix import LEGEND, cell
from compare.numbers import plural, share
from compare.run_figures import figures
from compare.run_measures import Measured

MOST_CASES = 2_000
"""More make a file that browsers scroll badly; the CSV and JSONL exports hold all."""
MOST_OTHERS = 20
"""Different answers of one lane to one case that are listed beside the most frequent one."""


def run_html(found: Measured) -> Iterator[str]:
    """The file, piece by piece."""
    run, cases = found.run, found.run.plan.cases
    left = len(cases) - MOST_CASES
    return page(
        "run.html",
        title=title_of(found),
        about=f"{plural(len(cases), 'case')} · {plural(len(found.lanes), 'approach', 'approaches')} · "
        f"{plural(run.plan.repeats, 'answer')} each · begun {run.started_at[:16].replace('T', ' ')} UTC",
        made=run_facts.made(found),
        standing=run_facts.standing(found),
        summary=run_facts.summary_rows(found),
        losses=run_facts.losses(found),
        fair=sentence(run.ledger, found.names),
        ledger=run_facts.ledger_rows(found),
        hashes=run_facts.HASHES,
        leaked=of_leakage(run),
        leaked_rates=rate_rows(found),
        leaks=leak_rows(run)[:MOST_CASES],
        figures=[
            {**vars(figure), "picture": "" if figure.chart is None else svg(figure.chart)}
            for figure in figures(found)
        ],
        cited=citation_rows(found),
        of_cited=of_citations(found) if citation_rows(found) else "",
        cited_note=citation_words.NOTE,
        legend=LEGEND,
        left_out=f"{plural(left, 'case')} more stand in the CSV and JSONL exports." if left > 0 else "",
        lanes=[lane_title(lane) for lane in found.lanes],
        rows=(_row(found, case) for case in cases[:MOST_CASES]),
        run_id=run.id,
    )


def title_of(found: Measured) -> str:
    """What the run is called: its name, its question, or its scenario."""
    run = found.run
    return run.name or (run.plan.cases[0].query if run.live else run.plan.scenario)


def _row(found: Measured, case: Case) -> dict[str, object]:
    cells = [_cell(found, case, lane) for lane in found.lanes]
    return {"query": case.query, "expected": case.expected, "id": case.id, "cells": cells}


def _cell(found: Measured, case: Case, lane: str) -> dict[str, object]:
    calls = [call for call in found.places.get((case.id, lane), ()) if call.status == "done"]
    groups = fold([call.text for call in calls])[1:]
    usual = cell(found.places, case.id, lane)
    passages = next((call.passages for call in calls if call.text == usual.text), ())
    return {
        "mark": usual.mark,
        "text": usual.text,
        "wrong": citation_words.flags(usual.text, passages, case.query),
        "many": plural(len(groups), "other answer"),
        "others": [
            {"times": share(group.size, len(calls)), "text": group.text} for group in groups[:MOST_OTHERS]
        ],
    }
