"""One stored call as the measures need it: its case, how it ended, what its checks said, how long it took."""

from dataclasses import dataclass

from backends.engine.base import WENT_FIRST
from backends.types import FinishReason, Passage, Stage, Timing, Usage
from compare.judging import CheckKind, CheckOutcome, combined
from compare.live import CallStatus

LOST_AT: tuple[Stage, ...] = ("queue", "store", "engine")
"""Where the machine loses a call: its lane is not to blame, and the same call may end well."""


@dataclass(frozen=True, kw_only=True)
class JudgedCall:
    """``checks`` are (kind, outcome) in the case's order; ``timing`` and ``usage`` None without an answer.
    ``passages`` are those of its prompt; calls of one prompt share them.
    """

    case_id: str
    group: str
    lane: str
    repeat: int
    status: CallStatus
    text: str
    timing: Timing | None
    usage: Usage | None
    checks: tuple[tuple[CheckKind, CheckOutcome], ...]
    finish: FinishReason | None = None
    failure_stage: Stage | None = None
    marks: tuple[str, ...] = ()
    passages: tuple[Passage, ...] = ()

    @property
    def undisturbed(self) -> bool:
        """Whether its times say something of its lane: it ended well, and was not paused for another."""
        return self.status == "done" and self.timing is not None and WENT_FIRST not in self.marks

    @property
    def failed_by_itself(self) -> bool:
        """Whether its lane caused the failure (a prompt over the context, memory, documents that are not
        there), not the machine around it: the same call would fail again.
        """
        return self.status == "failed" and self.failure_stage not in LOST_AT

    def outcome(self, kind: CheckKind | None = None) -> CheckOutcome:
        """Of all checks, or of those of one kind: a fail fails it, an unscored one leaves it open."""
        if self.status != "done":
            return "unscored"
        return combined(outcome for of_kind, outcome in self.checks if kind in (None, of_kind))
