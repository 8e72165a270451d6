"""Where scores vary: between cases, or between repeats of a case (one-way ANOVA, cases as random effect)."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean


@dataclass(frozen=True, kw_only=True)
class VarianceSplit:
    """Variances of a score. ``repeat`` is None with one repeat a case: it can't be estimated then."""

    case: float
    repeat: float | None
    cases: int
    groups: int
    repeats: float

    @property
    def repeat_share(self) -> float | None:
        """How much of the variance comes from asking again, in [0, 1]; None when nothing varies."""
        if self.repeat is None or self.case + self.repeat == 0:
            return None
        return self.repeat / (self.case + self.repeat)


def split(scores: Sequence[Sequence[float]], groups: int | None = None) -> VarianceSplit | None:
    """Split the variance of scores, one sequence a case; None below two cases. ``groups`` says how many
    facts or templates they are of, if not each of its own.

    s2_repeat = MS_within; s2_case = max(0, (MS_between - MS_within) / n0), with n0 for unequal numbers of
    repeats (Searle, Casella and McCulloch 1992). With one repeat, ``case`` is the whole variance.
    """
    rows = [row for row in scores if row]
    if len(rows) < 2:
        return None
    groups = groups or len(rows)
    sizes = [len(row) for row in rows]
    whole = sum(sizes)
    means = [fmean(row) for row in rows]
    grand = sum(sum(row) for row in rows) / whole
    between = sum(n * (m - grand) ** 2 for n, m in zip(sizes, means, strict=True)) / (len(rows) - 1)
    if whole == len(rows):
        return VarianceSplit(case=between, repeat=None, cases=len(rows), groups=groups, repeats=1.0)
    within = sum((x - m) ** 2 for row, m in zip(rows, means, strict=True) for x in row) / (whole - len(rows))
    n0 = (whole - sum(n * n for n in sizes) / whole) / (len(rows) - 1)
    return VarianceSplit(
        case=max(0.0, (between - within) / n0),
        repeat=within,
        cases=len(rows),
        groups=groups,
        repeats=whole / len(rows),
    )
