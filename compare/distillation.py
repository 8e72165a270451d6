"""Right answers of a run become training examples: what a larger base says well, a smaller one can learn.

One example a case: the answer that was given most often among those that passed all checks. Cases of the test
split, and all that ask for the same fact, are left out, so that what learns from them can still be tested.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from backends.errors import BadInput
from backends.registry import registry
from backends.scenario import load_scenario
from backends.training.examples import Example
from compare.case_files import load_cases
from compare.cases import Case, normalised
from compare.checks import checked_part
from compare.consistency import fold
from compare.judged import JudgedCall
from compare.lanes import backend_of
from compare.measured import StoredRun
from compare.numbers import plural
from compare.training_files import write_examples
from compare.training_set import Collected

Why = Literal["test", "wrong", "not judged", "not answered"]
"""Why a case gives no example."""
_SAID: Mapping[Why, str] = {
    "test": "of the test split",
    "wrong": "never answered right",
    "not judged": "without a check that could judge its answers",
    "not answered": "without an answer",
}


@dataclass(frozen=True, kw_only=True)
class Distilled:
    """The ``examples`` that one lane of a run gives, and the ids of the cases that give none, by the reason;
    every case of the run is in one of them.
    """

    examples: tuple[Collected, ...]
    left_out: Mapping[Why, tuple[str, ...]]

    @property
    def left_out_said(self) -> str:
        """What was left out and why, in one sentence; empty when nothing was."""
        parts = [f"{plural(len(ids), 'case')} {_SAID[why]}" for why, ids in self.left_out.items() if ids]
        return f"Left out: {', '.join(parts)}." if parts else ""

    def chat(self) -> bytes:
        """The examples as plain chat, one a line: what training reads."""
        return write_examples(
            Example(line=line, query=one.query, answer=one.answer, source=one.source)
            for line, one in enumerate(self.examples, 1)
        )


def distil(run: StoredRun, lane: str, test_cases: Sequence[Case]) -> Distilled:
    """The right answers of a lane. ``test_cases`` are those that nothing may be learnt from, besides those
    that the run itself knows as such.

    Raises:
        BadInput: the run has no such lane.
    """
    if lane not in run.plan.lanes:
        raise BadInput(f"The run {run.id} has no lane {lane!r}.", f"It has: {', '.join(run.plan.lanes)}.")
    own = [case for case in run.plan.cases if case.split == "test"]
    others = [case for case in test_cases if case.split == "test"]
    groups = {_fact(case) for case in own}
    groups |= {case.group for case in others if case.group not in ("", case.id)}  # A file's ids are its own.
    queries = {normalised(case.query) for case in (*own, *others)}
    by_case: dict[str, list[JudgedCall]] = {}
    for call in sorted((call for call in run.calls if call.lane == lane), key=lambda call: call.repeat):
        by_case.setdefault(call.case_id, []).append(call)
    examples: list[Collected] = []
    left_out: dict[Why, list[str]] = {why: [] for why in get_args(Why)}
    for case in run.plan.cases:
        calls = by_case.get(case.id, [])
        if _fact(case) in groups or normalised(case.query) in queries:
            left_out["test"].append(case.id)
        elif answer := _usual(calls, registry()[backend_of(lane)].layers):
            examples.append(_example(case, answer, run, lane))
        else:
            left_out[_why(calls)].append(case.id)
    return Distilled(examples=tuple(examples), left_out={why: tuple(ids) for why, ids in left_out.items()})


def distil_run(run: StoredRun, lane: str) -> Distilled:
    """The same with the test cases that the run's scenario has now.

    Raises:
        BadInput: the run has no such lane, or its scenario or the cases of it can't be read.
    """
    return distil(run, lane, load_cases(load_scenario(run.plan.scenario)))


def _fact(case: Case) -> str:
    return case.group or case.id


def _usual(calls: Sequence[JudgedCall], layers: Sequence[str]) -> str:
    """What was said most often of all that is right; empty when nothing is."""
    right = [call.text for call in calls if call.outcome() == "pass"]
    texts = [text for text in (checked_part(text, layers).strip() for text in right) if text]
    return fold(texts)[0].text if texts else ""


def _why(calls: Sequence[JudgedCall]) -> Why:
    outcomes = [call.outcome() for call in calls if call.status == "done"]
    return "not answered" if not outcomes else "wrong" if "fail" in outcomes else "not judged"


def _example(case: Case, answer: str, run: StoredRun, lane: str) -> Collected:
    return Collected(
        query=case.query,
        answer=answer,
        source=case.source,
        case=case.id,
        group=_fact(case),
        run_id=run.id,
        how="distilled",
        model="" if run.provenance is None else run.provenance.model,
        lane=lane,
    )
