"""Judgements as files, with everything that is needed to compute their figures again, and back from them."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any, cast

from backends.errors import BadInput
from compare.cases import Case
from compare.csv_export import masked, unmasked
from compare.matrix import Places, by_place
from compare.measured import StoredRun
from compare.rating_items import ALL_BAD, TIE, Item, Judgement, RatingMode, State, answers_to

COLUMNS = (
    "id", "run_id", "rater", "mode", "case", "repeat", "lanes", "state", "scores", "choice", "comment",
    "edited", "gives_away", "same", "seconds", "decided_at", "revealed",
)  # fmt: skip
"""``lanes`` stand as they were shown; ``lanes`` and ``scores`` are JSON."""
BESIDE = ("group", "query", "answers", "checked")
"""Of the run, so that figures can be computed from the file alone: the case's group and question, and in the
order of ``lanes`` what was said and whether all checks passed, both as JSON. They are not read back.
"""
MODES, STATES = ("stars", "best", "pairs", "live"), ("done", "skipped")


def ratings_csv(judgements: Sequence[Judgement], run: StoredRun) -> bytes:
    """One row a decided judgement; UTF-8 with a mark for Excel, no cell is a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow((*COLUMNS, *BESIDE))
    for row in _rows(judgements, run):
        writer.writerow(masked(cell if isinstance(cell, str) else json.dumps(cell)) for cell in row.values())
    return out.getvalue().encode("utf-8-sig")


def ratings_jsonl(judgements: Sequence[Judgement], run: StoredRun) -> bytes:
    """One line a decided judgement."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in _rows(judgements, run)).encode()


def read_ratings(data: bytes) -> tuple[Judgement, ...]:
    """The judgements of a file that either of the two wrote.

    Raises:
        BadInput: it is no such file; the sentence names the line.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput("The file is no text in UTF-8.", "Take the file as Lever wrote it.") from error
    if not text.strip():
        raise BadInput("The file is empty.")
    lines = _json_lines(text) if text.lstrip().startswith("{") else _csv_lines(text)
    found = []
    for number, row in lines:
        try:
            found.append(_read(row))
        except (KeyError, ValueError, TypeError) as error:
            reason = f"{error}" if isinstance(error, ValueError) else f"{error} is missing or of another kind"
            raise BadInput(f"Line {number} is no judgement: {reason}.") from error
    return tuple(found)


def _rows(judgements: Sequence[Judgement], run: StoredRun) -> Iterator[dict[str, Any]]:
    places, cases = by_place(run.calls), {case.id: case for case in run.plan.cases}
    for one in judgements:
        if one.state != "open":
            yield {
                "id": one.id, "run_id": one.run_id, "rater": one.rater, "mode": one.item.mode,
                "case": one.item.case, "repeat": one.item.repeat, "lanes": list(one.lanes),
                "state": one.state, "scores": dict(one.scores), "choice": one.choice,
                "comment": one.comment, "edited": one.edited, "gives_away": one.gives_away,
                "same": one.same, "seconds": one.seconds, "decided_at": one.decided_at,
                "revealed": one.revealed, **_beside(one, places, cases.get(one.item.case)),
            }  # fmt: skip


def _beside(one: Judgement, places: Places, case: Case | None) -> dict[str, Any]:
    answers = answers_to(one.item, places)
    shown = [answers.get(lane) for lane in one.lanes]
    return {
        "group": "" if case is None else case.group or case.id,
        "query": "" if case is None else case.query,
        "answers": [None if call is None else call.text for call in shown],
        "checked": [None if call is None else call.outcome() for call in shown],
    }


def _json_lines(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise BadInput(f"Line {number} is no JSON.") from error
            if not isinstance(row, dict):
                raise BadInput(f"Line {number} is no judgement.")
            yield number, row


def _csv_lines(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    parsed = ("repeat", "lanes", "scores", "gives_away", "same", "seconds", "revealed")
    try:
        if missing := [column for column in COLUMNS if column not in (reader.fieldnames or ())]:
            raise BadInput(f"The file has no column {missing[0]}.", "Take the file as Lever wrote it.")
        for row in reader:
            cells = {name: unmasked(cell or "") for name, cell in row.items() if name in COLUMNS}
            try:
                yield reader.line_num, {**cells, **{name: json.loads(cells[name]) for name in parsed}}
            except ValueError as error:
                raise BadInput(f"Line {reader.line_num} is no judgement: a cell is no JSON.") from error
    except csv.Error as error:
        raise BadInput(f"Line {reader.line_num} can't be read: {error}.") from error


def _read(row: dict[str, Any]) -> Judgement:
    mode, state, lanes = row["mode"], row["state"], tuple(str(lane) for lane in row["lanes"])
    if mode not in MODES or state not in STATES or not lanes:
        raise ValueError("its mode, its state or its lanes can't be")
    scores = {str(name): int(score) for name, score in row["scores"].items()}
    if any(not 1 <= score <= 5 for score in scores.values()):
        raise ValueError("a score lies outside of 1 to 5")
    if row["choice"] not in ("", TIE, ALL_BAD, *lanes):
        raise ValueError("its choice names none of its lanes")
    item = Item(mode=cast("RatingMode", mode), case=str(row["case"]), repeat=int(row["repeat"]), lanes=lanes)
    seconds = row["seconds"]
    return Judgement(
        id=str(row["id"]),
        run_id=str(row["run_id"]),
        rater=str(row["rater"]),
        item=item,
        lanes=lanes,
        state=cast("State", state),
        scores=scores,
        choice=str(row["choice"]),
        comment=str(row["comment"]),
        edited=str(row["edited"]),
        gives_away=bool(row["gives_away"]),
        same=bool(row["same"]),
        seconds=None if seconds is None else float(seconds),
        decided_at=str(row["decided_at"]),
        revealed=bool(row["revealed"]),
    )
