"""The case x lane matrix of a run: repeats folded into one cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from compare.consistency import fold
from compare.judged import JudgedCall
from compare.numbers import share

Look = Literal["pass", "fail", "mixed", "unscored", "failed", "missing"]
Filter = Literal["all", "wrong", "disagree", "unsteady", "failed", "unrated"]

MARKS: Mapping[Look, str] = {
    "pass": "✓",
    "fail": "✗",
    "mixed": "◑",
    "unscored": "–",
    "failed": "failed",
    "missing": "not asked",
}
"""A cell's look in a table, with :data:`LEGEND` beside it."""
LEGEND = (
    "✓ right · ◑ right at times · ✗ wrong · – not judged; over repeats with the number of right answers "
    "and the most frequent one."
)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What a lane said to a case. ``text`` is its most frequent answer, given ``said`` of ``done`` times;
    ``passes`` of ``judged`` finished answers passed; ``calls`` counts the failed ones too.
    """

    text: str
    said: int
    done: int
    passes: int
    judged: int
    calls: int

    @property
    def look(self) -> Look:
        """How it went, in one word."""
        if self.calls == 0:
            return "missing"
        if self.done == 0:
            return "failed"
        if self.judged == 0:
            return "unscored"
        return "pass" if self.passes == self.judged else "fail" if self.passes == 0 else "mixed"

    @property
    def mark(self) -> str:
        """Its mark, over repeats with how many were right."""
        many = f" {share(self.passes, self.judged)}" if self.judged > 1 and self.done else ""
        return f"{MARKS[self.look]}{many}"


def passes_filter(cells: Sequence[Cell], chosen: Filter) -> bool:
    """Whether a case is one of those: some lane wrong, lanes that are not equally right, answers that change
    over repeats, calls that failed.
    """
    if chosen == "wrong":
        return any(found.look in ("fail", "mixed") for found in cells)
    if chosen == "disagree":
        return len({found.look for found in cells if found.judged}) > 1
    if chosen == "unsteady":
        return any(found.said < found.done for found in cells)
    if chosen == "failed":
        return any(found.done < found.calls for found in cells)
    return True


Places = Mapping[tuple[str, str], Sequence[JudgedCall]]
"""The calls of each (case, lane)."""


def by_place(calls: Sequence[JudgedCall]) -> Places:
    """The calls of each case and lane."""
    found: dict[tuple[str, str], list[JudgedCall]] = {}
    for call in calls:
        found.setdefault((call.case_id, call.lane), []).append(call)
    return found


def cell(places: Places, case: str, lane: str) -> Cell:
    """One cell; a place without calls is missing."""
    calls = places.get((case, lane), ())
    done = [call for call in calls if call.status == "done"]
    groups = fold([call.text for call in done])
    outcomes = [call.outcome() for call in done]
    return Cell(
        text=groups[0].text if groups else "",
        said=groups[0].size if groups else 0,
        done=len(done),
        passes=outcomes.count("pass"),
        judged=len(done) - outcomes.count("unscored"),
        calls=len(calls),
    )
