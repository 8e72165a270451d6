"""Two stored runs against each other, case by case: what got better, what got worse, and by how much.

Only cases that ask the same in both runs are compared; the id alone says nothing, as two files of different
questions number their rows alike.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from backends.adapter_places import AS_SHIPPED
from backends.adapter_places import MARK as ADAPTER
from backends.errors import BadInput
from backends.scenario import PromptTexts
from compare.cases import Case, normalised
from compare.comparing import calls_of, paired_scores_of, together
from compare.lanes import parts_of
from compare.measured import StoredRun
from compare.statistics import CaseScores, Difference, difference

Place = tuple[str, str]
"""(lane, case)."""
_TEXTS = {"system": "instructions", "cot": "how to reason", "few_shot": "worked examples", "schema": "schema"}


@dataclass(frozen=True, kw_only=True)
class RunDifference:
    """Lanes and cases by how their mean score changed from run A to run B; those that only one run could
    judge stand apart. ``by_lane`` is B minus A, None where they share no judged case; its intervals hold
    together. ``changes`` are the settings in which the runs differ: (what, in A, in B).
    """

    better: tuple[Place, ...]
    worse: tuple[Place, ...]
    same: tuple[Place, ...]
    only_a: tuple[Place, ...]
    only_b: tuple[Place, ...]
    by_lane: Mapping[str, Difference | None]
    changes: tuple[tuple[str, str, str], ...]


def compare_runs(a: StoredRun, b: StoredRun) -> RunDifference:
    """Compare two runs on the lanes and cases that both have.

    Raises:
        BadInput: they are of different scenarios, or share no case.
    """
    if a.plan.scenario != b.plan.scenario:
        raise BadInput(
            f"The runs are of different scenarios, {a.plan.scenario} and {b.plan.scenario}.",
            "Compare two runs of one scenario.",
        )
    shared = shared_cases(a, b)
    if not shared:
        raise BadInput("These are different questions.", "Compare two runs that asked the same.")
    scores = [_scores(run, shared) for run in (a, b)]
    before, after = ({place: case.mean for place, case in found.items() if case.scores} for found in scores)
    both = [place for place in before if place in after]
    lanes = [lane for lane in a.plan.lanes if lane in b.plan.lanes]
    confidence = together(len(lanes))
    return RunDifference(
        better=tuple(place for place in both if after[place] > before[place]),
        worse=tuple(place for place in both if after[place] < before[place]),
        same=tuple(place for place in both if after[place] == before[place]),
        only_a=tuple(place for place in before if place not in after),
        only_b=tuple(place for place in after if place not in before),
        by_lane={lane: difference(_of(scores[1], lane), _of(scores[0], lane), confidence) for lane in lanes},
        changes=_changes(a, b),
    )


def shared_cases(a: StoredRun, b: StoredRun) -> set[str]:
    """The ids of the cases that ask and expect the same in both."""
    return {id_ for id_, judged_alike in _asked_twice(a, b).items() if judged_alike}


def _asked_twice(a: StoredRun, b: StoredRun) -> dict[str, bool]:
    """The ids of the cases that ask the same in both, and whether they are judged alike."""
    before = {case.id: case for case in a.plan.cases}
    return {
        case.id: _judged_by(case) == _judged_by(before[case.id])
        for case in b.plan.cases
        if case.id in before and normalised(case.query) == normalised(before[case.id].query)
    }


def _judged_by(case: Case) -> tuple[str, ...]:
    return case.expected, case.checks, case.source, case.context


def _scores(run: StoredRun, shared: set[str]) -> dict[Place, CaseScores]:
    calls = [call for call in run.calls if call.case_id in shared]
    scores = paired_scores_of(calls_of(calls, run.plan.lanes))
    return {(lane, case.case): case for lane, found in scores.items() for case in found}


def _of(scores: Mapping[Place, CaseScores], lane: str) -> list[CaseScores]:
    return [case for (of_lane, _), case in scores.items() if of_lane == lane]


def _changes(a: StoredRun, b: StoredRun) -> tuple[tuple[str, str, str], ...]:
    """What was set differently; the cases themselves are compared one by one."""
    shared = set(a.plan.lanes) & set(b.plan.lanes)
    before, after = _setup(a, shared), _setup(b, shared)
    if not (before["what is known"] and after["what is known"]):  # Older runs did not note it.
        before["what is known"] = after["what is known"]
    found = [(what, before[what], after[what]) for what in before if before[what] != after[what]]
    other = sum(not judged_alike for judged_alike in _asked_twice(a, b).values())
    judged = [("cases judged by other checks", "", f"{other:,}, left out")] if other else []
    return (*found, *_text_changes(a.plan.texts, b.plan.texts), *judged)


def _setup(run: StoredRun, lanes: Collection[str]) -> dict[str, str]:
    """``lanes`` are those whose adapters count."""
    sampling, produced = run.plan.sampling, run.provenance
    adapters = () if produced is None else produced.adapters
    own = [
        f"{one.name} {one.hash[:8]}".strip()
        for one in adapters
        if one.scenario == run.plan.scenario and any(_may_answer(one.name, lane) for lane in lanes)
    ]
    return {
        "model": "unknown" if produced is None else f"{produced.model} {produced.base_hash[:8]}".strip(),
        "adapters": ", ".join(sorted(own)) or "none",
        "what is known": "" if produced is None else produced.knowledge,
        "temperature": f"{sampling.temperature:g}",
        "top-p": f"{sampling.top_p:g}",
        "longest answer": f"{sampling.max_tokens} tokens",
        "seed": str(run.plan.seed),
        "answers to each case": str(run.plan.repeats),
        "timing": "one at a time" if run.plan.mode == "bench" else "shared machine",
    }


def _may_answer(adapter: str, lane: str) -> bool:
    """Whether a lane answers with the scenario's adapter of this name ("lora", "lora+3"), as far as its own
    name tells.
    """
    kind, _, number = adapter.partition(ADAPTER)
    backend, _, other, named = parts_of(lane)
    return backend == kind and other is None and named in (None, number or str(AS_SHIPPED))


def _text_changes(a: PromptTexts, b: PromptTexts) -> list[tuple[str, str, str]]:
    changed = [name for name in _TEXTS if getattr(a, name) != getattr(b, name)]
    return [(_TEXTS[name], "as they were", "edited") for name in changed]
