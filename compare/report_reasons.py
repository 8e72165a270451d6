"""Two sentences of a report that people repeat: which rung solved it and why, and when fine-tuning would have
been warranted. Plain text.
"""

from collections.abc import Mapping

from compare import numbers
from compare.failure_classes import POINTS_TO, FailureClass, points_to
from compare.ladder import Rung
from compare.lane_names import lever_name
from compare.lanes import is_trained
from compare.report_basis import Basis
from compare.statistics import LEAST_GROUPS, Difference

MENDED: frozenset[FailureClass] = frozenset(
    kind for kind, hint in POINTS_TO.items() if "LoRA" in hint and "RAG" not in hint
)
"""Classes of wrong answers that point to fine-tuning alone."""


def of_solved(basis: Basis) -> str:
    """Which rung solved it, and what went away with it."""
    rung = basis.solved
    if rung is None:
        return _unsolved(basis)
    if basis.looked.look.kind == "tie":
        return f"No rung solved it better than another: {lever_name(rung.lane)}, the cheapest, does as well."
    solved = "solved it" if basis.meets_bar else "came furthest, but is not shown to have solved it"
    said = f"{numbers.capital(lever_name(rung.lane))} {solved}"
    if rung.below is None:
        return f"{said}: it is the lowest rung that was asked, so nothing cheaper is known to do."
    below = next(one for one in basis.rungs if one.lane == rung.below)
    before, after = wrong(below), wrong(rung)
    gone = {kind: many - after.get(kind, 0) for kind, many in before.items()}
    kind = max(gone, key=lambda one: gone[one], default=None)
    if kind is None or gone[kind] <= 0:
        return f"{said}; what it does better than {lever_name(below.lane)} is of no single kind."
    return (
        f"{said}: {lever_name(below.lane)} gave {numbers.plural(sum(before.values()), 'wrong answer')}, "
        f"{before[kind]:,} of the kind “{kind}”, of which {after.get(kind, 0):,} are left; that kind points "
        f"to {points_to(kind, below.lane)}."
    )


def _unsolved(basis: Basis) -> str:
    rung = basis.furthest
    if rung is None:
        return "No rung solved it: nothing was judged."
    left = wrong(rung)
    said = f"No rung is shown to have solved it; {lever_name(rung.lane)} came furthest"
    if not left:
        return f"{said} and got none of these questions wrong."
    kind = max(left, key=lambda one: left[one])
    return (
        f"{said}, and of its {numbers.plural(sum(left.values()), 'wrong answer')} {left[kind]:,} are of the "
        f"kind “{kind}”, which points to {points_to(kind, rung.lane)}."
    )


def of_fine_tuning(basis: Basis) -> str:
    """When fine-tuning would have been warranted, by what was measured."""
    chosen = basis.solved or basis.furthest
    trained = [rung for rung in basis.rungs if is_trained(rung.lane) and rung.right is not None]
    if chosen is None:
        return "Whether fine-tuning is warranted cannot be told: nothing was judged."
    bar = numbers.percent(basis.settings.terms.bar)
    if is_trained(chosen.lane):
        if basis.solved is not None and basis.meets_bar:
            return f"Fine-tuning is warranted here: no rung without it is shown to reach {bar}."
        return f"Fine-tuning came furthest, but that it is warranted is not shown: {bar} is not reached yet."
    mended, wrongs = _mended(chosen)
    name = lever_name(chosen.lane)
    shares = (
        f"{numbers.share(mended, wrongs)} wrong answers of {name} {'is' if mended == 1 else 'are'} of a kind"
    )
    if not trained:
        return (
            f"Fine-tuning was not asked; it is warranted where retrieval and prompts leave wrong form or "
            f"behaviour, and {shares} that points to it."
        )
    best = max(trained, key=lambda rung: rung.right.value if rung.right else 0.0)
    gain = gain_over(basis, best.lane, chosen.lane)
    measured = "" if gain is None else f"; measured was {_measured(gain)}"
    return (
        f"Fine-tuning would have been warranted if {name} had stayed below {bar} and {lever_name(best.lane)} "
        f"had been at least {numbers.points(basis.settings.terms.gain)} better{measured}, and {shares} "
        "that points to it."
    )


def wrong(rung: Rung) -> Mapping[FailureClass, int]:
    """A rung's wrong answers by class, those that could not be judged left out."""
    return {one.kind: one.count for one in rung.failures if one.kind != "not judged"}


def gain_over(basis: Basis, lane: str, other: str) -> Difference | None:
    """How much better one lane is than another, by the verdict's bounds, whichever of them is dearer."""
    found = basis.verdict.differences
    if (lane, other) in found:
        return found[lane, other]
    back = found.get((other, lane))
    if back is None:
        return None
    return Difference(
        value=-back.value, low=-back.high, high=-back.low, confidence=back.confidence, cases=back.cases,
        groups=back.groups, method=back.method, p_value=back.p_value,
    )  # fmt: skip


def _measured(gain: Difference) -> str:
    if gain.groups < LEAST_GROUPS:
        return f"{numbers.change(gain.value)}, on too few questions to say more"
    return f"{numbers.change(gain.value)} (interval {numbers.change_range(gain.low, gain.high)})"


def _mended(rung: Rung) -> tuple[int, int]:
    left = wrong(rung)
    return sum(many for kind, many in left.items() if kind in MENDED), sum(left.values())
