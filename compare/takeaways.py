"""What a chart says, in one sentence that is computed from its data, or that nothing can be said yet: about
what is right and how steady it is. Time and tokens have ``time_takeaways.py``.

``names`` turn a lane into what people call it. Sentences are plain text.
"""

from collections.abc import Mapping

from compare import numbers
from compare.statistics import LEAST_GROUPS, ONE_CASE, Difference, Estimate, Lead
from compare.variance import VarianceSplit

Names = Mapping[str, str]
TOO_FEW = f"fewer than {LEAST_GROUPS} different cases: too few to say more than counts"


def of_pass_rates(
    rates: Mapping[str, Estimate | None], lead: Lead | None, names: Names, *, once: bool
) -> str:
    """``lead`` is the best lane's over the second best; ``once`` says that each case was asked once."""
    judged = {lane: rate for lane, rate in rates.items() if rate is not None}
    if not judged:
        return "No answer was judged: these cases carry no checks."
    order = best_first(judged)
    best = judged[order[0]]
    if all(rate.method == ONE_CASE for rate in judged.values()):
        return (
            f"{names[order[0]]} is right in {numbers.percent(best.value)} of its answers to this question "
            f"(95 % interval {numbers.percent_range(best.low, best.high)}). "
            "Of other questions this says nothing."
        )
    if not best.enough:
        counts = ", ".join(f"{names[lane]} on {right_of(judged[lane], once=once)}" for lane in order)
        return f"Right were {counts}: {TOO_FEW}."
    said = f"{right_of(best, once=once)} (95 % interval {numbers.percent_range(best.low, best.high)})"
    if len(order) == 1 or lead is None or lead.best != order[0]:  # Failures count against the best elsewhere.
        return f"{names[order[0]]} is right on {said}."
    if lead.gain.enough and lead.gain.low > 0:
        return f"{names[order[0]]} is right most often, on {said}."
    between = f": between {_worse_to_better(lead.gain)} than {names[lead.rival]}" if lead.gain.enough else ""
    return (
        f"{names[order[0]]} is right on {said}, but whether it is the best "
        f"{numbers.plural(lead.gain.cases, 'case')} cannot tell{between}."
    )


def of_differences(gains: Mapping[str, Difference | None], baseline: str, names: Names, *, once: bool) -> str:
    """``gains`` are each lane's over the ``baseline``, as shares of cases."""
    known = {lane: gain for lane, gain in gains.items() if gain is not None}
    if not known:
        return f"No case was judged both for {names[baseline]} and for another approach."
    lane = max(known, key=lambda lane: (known[lane].low > 0 or known[lane].high < 0, abs(known[lane].value)))
    gain = known[lane]
    if not gain.enough:
        more = _more(gain.value, gain.cases, once=once)
        return f"{names[lane]} is right {more} than {names[baseline]}; {TOO_FEW}."
    if gain.low > 0 or gain.high < 0:
        more = _more(gain.value, gain.cases, once=once)
        scale = gain.cases if once else 100
        low, high = sorted(abs(round(scale * bound)) for bound in (gain.low, gain.high))
        return f"{names[lane]} is right {more} than {names[baseline]} (95 % interval {low} to {high})."
    return (
        f"These {gain.cases} cases cannot tell whether anything beats {names[baseline]}: "
        f"{names[lane]} is between {_worse_to_better(gain)}."
    )


def of_changes(changes: Mapping[str, Difference | None], names: Names) -> str:
    """``changes`` are each lane's gain over itself in another run, as shares of cases; they hold together."""
    known = {lane: change for lane, change in changes.items() if change is not None}
    if not known:
        return "No approach was judged on the same case in both runs."
    sure = {lane: change for lane, change in known.items() if change.enough}
    if not sure:
        return f"Whether anything changed cannot be told: {TOO_FEW}."
    told = {lane: change for lane, change in sure.items() if change.low > 0 or change.high < 0}
    if not told:
        lane = max(sure, key=lambda lane: abs(sure[lane].value))
        between = f"{names[lane]} is between {_worse_to_better(sure[lane])}"
        return f"These cases cannot tell whether anything changed: {between}."
    said = []
    for lane, change in told.items():
        low, high = sorted(abs(round(100 * bound)) for bound in (change.low, change.high))
        more = "more" if change.value > 0 else "less"
        by = f"{numbers.points(change.value)} {more} often"
        said.append(f"{names[lane]} is right {by} (95 % interval {low} to {high})")
    rest = "; of the others no change can be told" if len(told) < len(sure) else ""
    return f"{', '.join(said)}{rest}."


def of_forms(rates: Mapping[str, Estimate | None], names: Names) -> str:
    """``rates`` are the shares of answers in the form that was asked for."""
    known = {lane: rate for lane, rate in rates.items() if rate is not None}
    order = best_first(known)
    best, worst = known[order[0]], known[order[-1]]
    said = f"{names[order[0]]} keeps the form in {numbers.percent(best.value)} of its answers"
    if len(order) > 1:
        said += f", {names[order[-1]]} in {numbers.percent(worst.value)}"
    if not best.enough and best.method != ONE_CASE:
        return f"{said}; {TOO_FEW}."
    apart = len(order) > 1 and worst.high >= best.low
    return f"{said}; which approach keeps it better cannot be told." if apart else f"{said}."


def of_agreement(
    shares: Mapping[str, Estimate | None],
    lead: Lead | None,
    names: Names,
    *,
    repeats: int,
    copies: bool,
) -> str:
    """``shares`` are the mean shares of a question's most frequent answer; ``lead`` of the steadiest lane."""
    if repeats == 1:
        return "Each question was asked once, so how steady the answers are cannot be told. Ask with repeats."
    if copies:
        return "With temperature 0 the repeats are copies of one answer; they do not show how steady it is."
    known = {lane: share for lane, share in shares.items() if share is not None}
    if not known:
        return "No question has two finished answers, so how steady they are cannot be told."
    order = best_first(known)
    best, worst = known[order[0]], known[order[-1]]
    if len(order) == 1:
        return f"{numbers.percent(best.value)} of {names[order[0]]}'s answers to a question say the same."
    same = f"answers to a question say the same, of {names[order[-1]]}'s {numbers.percent(worst.value)}"
    if best.enough and lead is not None and lead.best == order[0] and lead.gain.enough and lead.gain.low > 0:
        return f"{names[order[0]]} is the steadiest: {numbers.percent(best.value)} of its {same}."
    said = f"{numbers.percent(best.value)} of {names[order[0]]}'s {same}"
    if not best.enough:
        return f"{said}; {TOO_FEW}."
    return f"{said}; which approach is the steadiest cannot be told."


def of_variance(splits: Mapping[str, VarianceSplit | None], names: Names) -> str:
    """Where a lane's results vary most with asking again."""
    known = {lane: found for lane, found in splits.items() if found is not None}
    if not known:
        return "Where results vary can be told from two judged cases on."
    shares = {lane: share for lane, found in known.items() if (share := found.repeat_share) is not None}
    if not shares:
        once = any(found.repeat is None for found in known.values())
        return (
            "Each question was asked once, so what comes from the question and what from chance "
            "cannot be told apart."
            if once
            else "Nothing varies: every judged answer of a lane got the same result."
        )
    lane = max(shares, key=lambda lane: known[lane].repeat or 0.0)
    if known[lane].groups < LEAST_GROUPS:
        return f"Where results vary cannot be told: {TOO_FEW}."
    chance = shares[lane]
    hint = "more repeats help" if chance > 0.5 else "more cases tell more than more repeats"
    return (
        f"Of what varies in {names[lane]}'s results, {numbers.percent(1 - chance)} comes from the question "
        f"and {numbers.percent(chance)} from asking again: {hint}."
    )


def of_drift(drifts: Mapping[str, Difference | None], names: Names, *, checked: bool = True) -> str:
    """Whether later answers are right as often as earlier ones, as is to be expected; when they were not
    ``checked``, whether they are worded like the most frequent one as much.
    """
    known = {lane: found for lane, found in drifts.items() if found is not None}
    if not known:
        return "Drift can be told from three answers to a question on."
    sure = {lane: found for lane, found in known.items() if found.enough}
    if not sure:
        return f"Whether answers change over the repeats cannot be told: {TOO_FEW}."
    lane = max(sure, key=lambda lane: max(sure[lane].low, -sure[lane].high))
    found = sure[lane]
    if found.low > 0 or found.high < 0:
        less = "less" if found.value < 0 else "more"
        how = f"right {less} often" if checked else f"{less} like the most frequent one"
        return (
            f"{names[lane]}'s later answers are {how}, by {numbers.points(found.value)}. "
            "Calls know nothing of each other, so look for what changed on the machine."
        )
    same = "right as often as earlier ones" if checked else "as like the most frequent one as earlier ones"
    lane = max(sure, key=lambda lane: abs(sure[lane].value))
    between = f"{names[lane]}: between {_worse_to_better(sure[lane])}"
    return (
        f"No drift is seen: later answers are {same} ({between}). "
        "Calls know nothing of each other, so this is expected."
    )


def best_first(rates: Mapping[str, Estimate]) -> list[str]:
    """Lanes by value, the highest first, those with too few cases last; of equal ones the first given."""
    return sorted(rates, key=lambda lane: (not rates[lane].enough, -rates[lane].value))


def right_of(rate: Estimate, *, once: bool) -> str:
    """As "48 of 70 cases", or as a percentage where repeats make counts fractional."""
    if once:
        return f"{numbers.share(round(rate.value * rate.cases), rate.cases)} cases"
    return f"{numbers.percent(rate.value)} of its answers to {numbers.plural(rate.cases, 'case')}"


def _more(value: float, cases: int, *, once: bool) -> str:
    """As "on 38 more of 60 cases", or in points where repeats make counts fractional."""
    if once:
        return f"on {abs(round(value * cases))} {'more' if value >= 0 else 'fewer'} of {cases} cases"
    return f"{numbers.points(value)} {'more' if value >= 0 else 'less'} often"


def _worse_to_better(gain: Difference) -> str:
    """As "3 points worse and 9 points better"."""

    def said(value: float) -> str:
        return f"{numbers.points(value)} {'better' if value >= 0 else 'worse'}"

    return f"{said(gain.low)} and {said(gain.high)}"
