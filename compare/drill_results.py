"""What a drill found, lane by lane: right before, right after, stale, and what it took to be right again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from backends.registry import registry
from backends.scenario import Scenario
from backends.settings import settings
from compare.checks import checked_part
from compare.judged import JudgedCall
from compare.knowledge_change import Touched, accepts
from compare.lanes import backend_of
from compare.measured import StoredRun

INDEXED = frozenset({"passages", "gold"})
"""The layers that take documents from the index."""
RUN_NAMES: Mapping[str, str] = {
    "before": "Drill: before the change",
    "after": "Drill: after the change",
    "retrained": "Drill: after training again",
}
"""What the stored runs of a drill are called, by the stage that asks them."""


@dataclass(frozen=True, kw_only=True)
class Answers:
    """The answers of one lane at one stage. ``right`` say what was right then; after the change, ``stale``
    are those that still say what was right before. Failures count among ``asked``. ``example`` is one of the
    commonest kind.
    """

    asked: int
    right: int
    stale: int
    failed: int
    answer_s: float | None
    example: str

    @property
    def mostly(self) -> str:
        """The kind that more than half of them are of: "right", "stale", "wrong" or "mixed"."""
        kinds = {"right": self.right, "stale": self.stale, "wrong": self.asked - self.right - self.stale}
        return next((kind for kind, many in kinds.items() if 2 * many > self.asked), "mixed")


@dataclass(frozen=True, kw_only=True)
class LaneDrill:
    """One lane over the drill. ``right_again_s`` is the work from the saved edit to an answer, in seconds:
    bringing the index in step where it looks things up, training again where it had to, and the mean answer;
    None while it is not mostly right. ``cost`` is that time at the price of an hour, None without a price.
    """

    lane: str
    before: Answers | None
    after: Answers | None
    retrained: Answers | None
    right_again_s: float | None
    cost: float | None

    @property
    def now(self) -> Answers | None:
        """Its last answers."""
        return self.retrained or self.after


def lane_drills(
    lanes: Sequence[str],
    cases: Sequence[Touched],
    runs: Mapping[str, StoredRun],
    *,
    index_s: float | None,
    training_s: Mapping[str, float],
    scenario: Scenario,
) -> tuple[LaneDrill, ...]:
    """Every lane's drill from the runs so far, by the stage that asked them."""
    found = []
    for lane in lanes:
        by_stage = {stage: _answers(lane, stage, run, cases, scenario) for stage, run in runs.items()}
        after, retrained = by_stage.get("after"), by_stage.get("retrained")
        seconds = None
        last = retrained or after
        if last is not None and last.mostly == "right" and last.answer_s is not None:
            layers = set(registry()[backend_of(lane)].layers)
            seconds = last.answer_s
            seconds += (index_s or 0.0) if layers & INDEXED else 0.0
            seconds += training_s.get(backend_of(lane), 0.0) if retrained is not None else 0.0
        price = settings().price_gpu_hour
        found.append(
            LaneDrill(
                lane=lane,
                before=by_stage.get("before"),
                after=after,
                retrained=retrained,
                right_again_s=seconds,
                cost=None if seconds is None or price is None else seconds * price / 3600,
            )
        )
    return tuple(found)


def _answers(
    lane: str, stage: str, run: StoredRun, cases: Sequence[Touched], scenario: Scenario
) -> Answers | None:
    calls = [call for call in run.calls if call.lane == lane]
    if not calls:
        return None
    known = {one.before.id: one for one in cases}
    kinds: dict[str, list[JudgedCall]] = {"right": [], "stale": [], "wrong": []}
    for call in calls:
        one = known[call.case_id]
        text = checked_part(call.text, registry()[backend_of(lane)].layers)
        right = one.before if stage == "before" else one.after
        if call.status == "done" and right is not None and accepts(right, text, scenario):
            kinds["right"].append(call)
        elif call.status == "done" and stage != "before" and accepts(one.before, text, scenario):
            kinds["stale"].append(call)
        else:
            kinds["wrong"].append(call)
    times = [call.timing.total_ms / 1000 for call in calls if call.undisturbed and call.timing]
    commonest = max(kinds.values(), key=len)
    return Answers(
        asked=len(calls),
        right=len(kinds["right"]),
        stale=len(kinds["stale"]),
        failed=sum(call.status == "failed" for call in calls),
        answer_s=fmean(times) if times else None,
        example=commonest[0].text,
    )


def drill_document(found: LaneDrill) -> dict[str, object]:
    """One lane's drill as the command line's JSON."""
    return {
        "right_before": _share(found.before),
        "right_after": _share(found.after),
        "stale_after": _stale(found.after),
        "right_retrained": _share(found.retrained),
        "stale_retrained": _stale(found.retrained),
        "seconds_until_right": found.right_again_s,
        "cost_until_right": found.cost,
        "answer_before": found.before.example if found.before else None,
        "answer_after": found.after.example if found.after else None,
        "answer_retrained": found.retrained.example if found.retrained else None,
    }


def _share(answers: Answers | None) -> list[int] | None:
    """[right, asked]: so few that a share would say more than is known."""
    return None if answers is None else [answers.right, answers.asked]


def _stale(answers: Answers | None) -> list[int] | None:
    return None if answers is None else [answers.stale, answers.asked]
