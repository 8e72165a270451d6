"""A stored run as files, from the store alone: for spreadsheets, for programs, and one page for people."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Literal

from compare.cases import Case
from compare.command_ask import call_document
from compare.csv_export import cases_csv
from compare.matrix import Cell, by_place, cell
from compare.measured import StoredRun
from compare.numbers import share
from compare.run_html import run_html
from compare.run_measures import Measured
from compare.store import Store

Format = Literal["csv", "jsonl", "html"]
FORMATS: Mapping[Format, str] = {"csv": "text/csv", "jsonl": "application/jsonl", "html": "text/html"}
"""The formats with their media types."""
ANSWERED = ("answer", "given", "right", "failed")
"""The columns of a lane."""


def export(found: Measured, store: Store, form: Format) -> Iterator[bytes]:
    """The file of one format, piece by piece.

    Raises:
        StoreUnavailable: the store can't be read.
    """
    if form == "csv":
        yield run_csv(found.run)
    elif form == "jsonl":
        yield from (line.encode() for line in run_jsonl(found.run, store))
    else:
        yield from (piece.encode() for piece in run_html(found))


def run_csv(run: StoredRun) -> bytes:
    """One row a case: its columns, then of each lane the most frequent answer, how often it was given, and
    how often the lane was right. UTF-8 with a mark for Excel, no cell is a formula, and it can be read back
    as cases: what was answered becomes metadata.
    """
    places = by_place(run.calls)

    def answered(case: Case) -> list[str]:
        return [text for lane in run.plan.lanes for text in _answered(cell(places, case.id, lane))]

    columns = [f"{lane}: {what}" for lane in run.plan.lanes for what in ANSWERED]
    return cases_csv(run.plan.cases, columns, answered)


def run_jsonl(run: StoredRun, store: Store) -> Iterator[str]:
    """One line a call, with everything that is stored of it, case by case."""
    for case in run.plan.cases:
        for call in store.case_calls(run.id, case.id):
            line = {
                "run_id": run.id,
                "scenario": run.plan.scenario,
                "mode": run.plan.mode,
                "case": asdict(case),
                **call_document(call, show_prompt=True),
                "marks": list(call.answer.marks) if call.answer else [],
                "finish": call.answer.finish if call.answer else None,
            }
            yield json.dumps(line, ensure_ascii=False) + "\n"


def _answered(found: Cell) -> list[str]:
    if found.calls == 0:
        return ["", "", "", ""]
    right = share(found.passes, found.judged) if found.judged else "not judged"
    failed = found.calls - found.done
    return [
        found.text.replace("\0", "\ufffd"),  # A model may write it; no reader of tables takes it.
        share(found.said, found.done) if found.done else "",
        right,
        str(failed) if failed else "",
    ]
