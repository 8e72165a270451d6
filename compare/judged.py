"""One stored call as the measures need it: its case, how it ended, what its checks said, how long it took."""

from dataclasses import dataclass
from typing import Literal

from backends.types import Timing, Usage
from compare.judging import CheckKind
from compare.live import CallStatus

Outcome = Literal["pass", "fail", "unscored"]


@dataclass(frozen=True, kw_only=True)
class JudgedCall:
    """``checks`` are (kind, outcome) in the case's order; ``timing`` and ``usage`` None without an answer."""

    case_id: str
    group: str
    lane: str
    repeat: int
    status: CallStatus
    text: str
    timing: Timing | None
    usage: Usage | None
    checks: tuple[tuple[CheckKind, Outcome], ...]
    marks: tuple[str, ...] = ()

    def outcome(self, kind: CheckKind | None = None) -> Outcome:
        """Of all checks, or of those of one kind: a fail fails it, an unscored one leaves it open."""
        found = {outcome for of_kind, outcome in self.checks if kind in (None, of_kind)}
        if self.status != "done" or not found:
            return "unscored"
        return "fail" if "fail" in found else "unscored" if "unscored" in found else "pass"
