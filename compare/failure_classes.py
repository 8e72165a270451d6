"""Why an answer is wrong: the class of each call that did not pass, and what that points to.

The classes are those of ``measures.md``. Whether a model would answer rightly from the right passage only the
``oracle`` lane knows; where a run has none, a call says that it "needs a document", and no more.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from compare.cases import Case
from compare.judged import JudgedCall
from compare.judging import CheckOutcome, gold_sources
from compare.lanes import backend_of, is_trained, layers_of
from compare.matching import folded

FailureClass = Literal[
    "format", "behaviour", "missing knowledge", "needs a document", "retrieval miss", "ignored passage",
    "beyond the model", "failed", "not judged",
]  # fmt: skip
WHY: Mapping[FailureClass, str] = {
    "format": "Not in the form asked for",
    "behaviour": "Wrong; no document is needed",
    "missing knowledge": "Wrong; right with the right passage",
    "needs a document": "Wrong; a document has the answer",
    "retrieval miss": "The right document was not found",
    "ignored passage": "The right document was found, not used",
    "beyond the model": "Wrong even with the right passage",
    "failed": "No answer",
    "not judged": "Could not be judged",
}
"""How a class is said to readers."""
POINTS_TO: Mapping[FailureClass, str] = {
    "format": "worked examples, JSON mode or LoRA",
    "behaviour": "worked examples or LoRA",
    "missing knowledge": "retrieval",
    "needs a document": "asking with “The right passage” too: it shows whether retrieval would help",
    "retrieval miss": "other passages: their size, how many, the embedding model",
    "ignored passage": "the instructions, or RAG + LoRA",
    "beyond the model": "a larger base model",
    "failed": "its message: there was no answer",
    "not judged": "the case's checks: they could not judge the answer",
}
"""What a class suggests to try, in the order in which classes are shown."""
_OF_TRAINED: Mapping[FailureClass, str] = {
    "format": "JSON mode, or more and better examples",
    "behaviour": "more and better examples, or a larger base model",
    "ignored passage": "more examples with their passages, or a larger base model",
}
"""What it suggests where the answer came from an adapter already."""
_GIVEN = frozenset({"passages", "knowledge"})
"""The layers that bring documents without knowing which one is right."""


def points_to(kind: FailureClass, lane: str) -> str:
    """What a class of a lane's failures suggests to try."""
    return (_OF_TRAINED if is_trained(lane) and kind in _OF_TRAINED else POINTS_TO)[kind]


def failure_classes(case: Case, calls: Sequence[JudgedCall]) -> dict[tuple[str, int], FailureClass]:
    """By (lane, repeat), the class of each of the case's calls that did not pass; ``calls`` are those of all
    lanes, as one lane's class may rest on another's answers.
    """
    knows = _oracle(calls)
    return {
        (call.lane, call.repeat): _class(case, call, knows)
        for call in calls
        if call.case_id == case.id and call.outcome() != "pass"
    }


def count_classes(
    cases: Sequence[Case], calls: Sequence[JudgedCall], lane: str
) -> Mapping[FailureClass, int]:
    """How many of a lane's calls are of each class, in the order of :data:`POINTS_TO`; those with none are
    left out.
    """
    by_case: dict[str, list[JudgedCall]] = {}
    for call in calls:
        by_case.setdefault(call.case_id, []).append(call)
    found = Counter(
        kind
        for case in cases
        for (of_lane, _), kind in failure_classes(case, by_case.get(case.id, ())).items()
        if of_lane == lane
    )
    return {kind: found[kind] for kind in POINTS_TO if found[kind]}


def _class(case: Case, call: JudgedCall, oracle_right: bool | None) -> FailureClass:
    if call.status == "failed":
        return "failed"
    if call.outcome() == "unscored":
        return "not judged"
    if call.outcome("content") != "fail":
        return "format"
    gold = gold_sources(case)
    if not gold:
        return "behaviour"
    layers = layers_of(call.lane)
    if layers & _GIVEN:
        found = gold & {folded(passage.source) for passage in call.passages}
        return "ignored passage" if found else "retrieval miss"
    if "gold" in layers:
        return "beyond the model"
    if oracle_right is None:
        return "needs a document"
    return "missing knowledge" if oracle_right else "beyond the model"


def _oracle(calls: Sequence[JudgedCall]) -> bool | None:
    """Whether the right passage gave the right answer, in whatever format, in at least half of the judged
    repeats; None when nothing was judged.
    """
    said = [_right(call) for call in calls if backend_of(call.lane) == "oracle"]
    judged = [outcome == "pass" for outcome in said if outcome != "unscored"]
    return 2 * sum(judged) >= len(judged) if judged else None


def _right(call: JudgedCall) -> CheckOutcome:
    """By its content checks; by all where its case has none."""
    has_content = any(kind == "content" for kind, _ in call.checks)
    return call.outcome("content" if has_content else None)
