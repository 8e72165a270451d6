"""One small class a check: does an answer say what it should, in the form that it should have?"""

from dataclasses import dataclass
from typing import Literal

CheckKind = Literal["content", "format"]
CheckOutcome = Literal["pass", "fail", "unscored"]


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What one check found. ``reason`` is a short sentence for a person; ``unscored`` counts neither way."""

    name: str
    kind: CheckKind
    result: CheckOutcome
    reason: str
