"""Well-judged and right answers become training examples; their cases are no test cases from then on.

A scenario's collected examples stand in the data folder as JSON lines, of the form that training reads:
``python -m compare train NAME --examples FILE``.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Literal

from backends.errors import BadInput
from backends.knowledge.documents import write_whole
from backends.settings import settings
from compare.cases import Case, normalised
from compare.rating_items import Judgement
from compare.run_measures import Measured

THRESHOLD = 4.0
"""Mean score from which an answer is good enough to learn from."""


@dataclass(frozen=True, kw_only=True)
class Collected:
    """One example. ``how`` says whether raters scored the answer well, one of them wrote it, or it passed its
    checks in a run (``distilled``: the ``model`` and ``lane`` that gave it are noted); ``group`` is its
    case's, whose other cases ask for the same fact.
    """

    query: str
    answer: str
    source: str
    case: str
    group: str
    run_id: str
    how: Literal["rated", "edited", "distilled"]
    model: str = ""
    lane: str = ""


def collected_path(scenario: str) -> Path:
    """Where a scenario's collected examples stand; maybe not there yet."""
    return settings().data_dir / "training" / f"{scenario}.jsonl"


def worth_learning(
    found: Measured, judgements: Sequence[Judgement], threshold: float = THRESHOLD
) -> list[Collected]:
    """One example a case: what a rater wrote, the newest first, else the answer with the highest mean score
    of at least ``threshold`` over raters and criteria.
    """
    texts = {
        (call.case_id, call.lane, call.repeat): call.text
        for calls in found.calls.values()
        for call in calls
        if call.status == "done"
    }
    edited: dict[str, str] = {}
    scores: dict[tuple[str, str, int], list[float]] = {}
    for one in (one for one in judgements if one.state == "done"):
        if one.edited.strip():
            edited[one.item.case] = one.edited.strip()
        if one.scores and len(one.lanes) == 1:
            place = (one.item.case, one.lanes[0], one.item.repeat)
            scores.setdefault(place, []).append(fmean(one.scores.values()))
    best: dict[str, tuple[float, str]] = {}
    for place, given in scores.items():
        mean, text = fmean(given), texts.get(place, "").strip()
        if text and mean >= threshold and mean > best.get(place[0], (0.0, ""))[0]:
            best[place[0]] = (mean, text)
    examples = []
    for case in found.run.plan.cases:
        answer = edited.get(case.id) or best.get(case.id, (0.0, ""))[1]
        if answer:
            examples.append(
                Collected(
                    query=case.query,
                    answer=answer,
                    source=case.source,
                    case=case.id,
                    group=case.group or case.id,
                    run_id=found.run.id,
                    how="edited" if case.id in edited else "rated",
                )
            )
    return examples


def collected(scenario: str) -> tuple[Collected, ...]:
    """What was collected so far; a line that can't be read is left out.

    Raises:
        BadInput: the file can't be read.
    """
    return tuple(example for example in _read(scenario) if example is not None)


def _read(scenario: str) -> list[Collected | None]:
    """Every line that holds anything; None for one that can't be understood."""
    try:
        lines = collected_path(scenario).read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"The collected training examples can't be read: {error}.") from error
    return [_example(line) for line in lines if line.strip()]


def collect(scenario: str, examples: Iterable[Collected]) -> int:
    """Keep examples, one a question, a new one in place of the old; gives how many questions are new.

    Raises:
        BadInput: the file can't be read or written.
    """
    there, path = _read(scenario), collected_path(scenario)
    if None in there:
        raise BadInput(f"A line of {path} can't be read.", "Mend or delete it first: nothing may be lost.")
    known = {normalised(example.query): example for example in there if example is not None}
    before = len(known)
    known.update({normalised(example.query): example for example in examples})
    try:
        write_whole(path, "".join(_line(example) for example in known.values()).encode())
    except OSError as error:
        raise BadInput(f"The training examples can't be written: {error.strerror or error}.") from error
    return len(known) - before


def kept_out_of_test(scenario: str, cases: Sequence[Case]) -> tuple[Case, ...]:
    """The cases, with those that were learnt from, and all others of their groups, on the ``dev`` side.

    Raises:
        BadInput: see :func:`collected`.
    """
    examples = collected(scenario)
    if not examples:
        return tuple(cases)
    queries = {normalised(example.query) for example in examples}
    learnt = {case.group for case in cases if normalised(case.query) in queries}
    named = {example.group for example in examples if example.group != example.case}  # Not just its own id.
    learnt |= named & {case.group for case in cases}
    return tuple(replace(case, split="dev") if case.group in learnt else case for case in cases)


def _line(example: Collected) -> str:
    messages = [
        {"role": "user", "content": example.query},
        {"role": "assistant", "content": example.answer},
    ]
    beside = {
        "case": example.case, "group": example.group, "run_id": example.run_id, "how": example.how
    }  # fmt: skip
    if example.how == "distilled":
        beside |= {"model": example.model, "lane": example.lane}
    said = {"messages": messages, "source": example.source, "collected": beside}
    return json.dumps(said, ensure_ascii=False) + "\n"


def _example(line: str) -> Collected | None:
    try:
        said = json.loads(line)
        query, answer = (message["content"] for message in said["messages"])
        return Collected(query=query, answer=answer, source=said.get("source", ""), **said["collected"])
    except (ValueError, KeyError, TypeError):
        return None
