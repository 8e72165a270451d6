"""A verdict as JSON: what the command line prints and a look keeps. Absent numbers are null."""

from dataclasses import asdict

from compare.statistics import Estimate
from compare.verdict import Verdict


def verdict_document(verdict: Verdict, sentence: str) -> dict[str, object]:
    """All of a verdict; intervals are [low, high], a difference is the dearer lever's minus the cheaper's."""
    return {
        "kind": verdict.kind,
        "levers": list(verdict.levers),
        "sentence": sentence,
        "meets_bar": verdict.meets_bar,
        "bounds": {
            "rates": {lane: _bounds(one) for lane, one in verdict.rates.items()},
            "differences": [
                {"dearer": dear, "cheaper": cheap, **_bounds(one)}
                for (dear, cheap), one in verdict.differences.items()
            ],
        },
        "next": {"cases": verdict.next.cases, "repeats": verdict.next.repeats},
        "look": verdict.look,
        "why": verdict.why,
        "best": verdict.best,
        "shown_to_meet_bar": list(verdict.meeting),
        "terms": {**asdict(verdict.terms), "order": list(verdict.order)},
        "lost_share": verdict.lost,
        "leaked_cases": verdict.leaked,
        "silent": list(verdict.silent),
    }


def _bounds(one: Estimate) -> dict[str, object]:
    return {
        "mean": one.value,
        "interval": [one.low, one.high],
        "confidence": one.confidence,
        "n_cases": one.cases,
        "n_groups": one.groups,
    }
