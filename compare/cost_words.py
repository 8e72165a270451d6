"""Costs in sentences that a team lead repeats, and in the rows of a table. Plain text."""

from collections.abc import Mapping

from compare import numbers
from compare.break_evens import BreakEven, Crossing, cheapest
from compare.cost import Amount, LaneCost, break_even, first_paid_off
from compare.lane_names import lane_name, lane_title
from compare.prices import Prices

MOST_ANSWERS = 1_000_000_000
"""A month; more than that nobody is asked."""
MOST_MONTHS = 1_200


def of_cheapest(costs: Mapping[str, LaneCost], prices: Prices) -> str:
    """Which approach costs least at the given volume, and what."""
    found = cheapest(costs, prices)
    if found is None and any(one.per_answer for one in costs.values()):
        return "What these approaches cost in total can't be told: see what is not known of them."
    if found is None:
        return "No answer of this run says what it cost, so there are no costs yet. Ask its cases first."
    lane, total = found
    others = [one for one in costs.values() if one.lane != lane and one.known]
    months = numbers.plural(prices.months, "month")
    if prices.answers_per_month == 0:
        return (
            f"Without any answers, {lane_name(lane)} costs least over {months}: "
            f"{numbers.money(total, prices.currency)} for what has to be there."
        )
    least = "costs least" if others else "costs"
    told = numbers.money(total, prices.currency)
    return f"At {_answers(prices.answers_per_month)} a month {lane_name(lane)} {least}: {told} over {months}."


def of_break_even(found: BreakEven) -> str:
    """From which volume on a lane costs less than another, or that it never or always does."""
    lane, over, volume = lane_name(found.lane), lane_name(found.over), found.volume
    if found.extra == 0 and found.saving == 0:
        return f"{lane} and {over} cost the same."
    if found.extra == 0 and found.measured and not found.sure:
        return f"Which of {lane} and {over} costs less can't be told: their answers cost nearly the same."
    doubt, about = _doubt(found), "about " if found.rough else ""
    if volume.kind == "from" and volume.at is not None:
        return f"{lane} pays off against {over} from {about}{_per_month(volume, volume.at)} on{doubt}."
    if volume.kind == "until" and volume.at is not None:
        return f"{lane} costs less than {over} up to {about}{_per_month(volume, volume.at)}{doubt}."
    if volume.kind == "always":
        return f"{lane} always costs less than {over}, from the first answer on{doubt}."
    why = "its answers cost more" if found.saving else "its answers cost the same"
    return f"{lane} never pays off against {over}: {why}{doubt}."


def of_month(found: BreakEven, prices: Prices) -> str:
    """By which month a lane has cost less than another, at the given volume."""
    month = found.month
    at = f"At {_answers(prices.answers_per_month)} a month it"
    whole = 0 if month.at is None else month.whole(month.at)
    if month.kind == "always":
        return f"{at} costs less from the first month on."
    if month.kind == "until" and whole:
        return f"{at} costs less for the first {numbers.plural(whole, 'month')} only."
    if month.kind != "from" or whole > MOST_MONTHS:
        return f"{at} never pays off."
    beyond = f", later than the {prices.months} looked at" if whole > prices.months else ""
    return f"{at} has paid off in month {numbers.count(whole)}{_month_range(month)}{beyond}."


def of_published(prompting: Amount, fixed: Amount, fine_tuned: Amount) -> str:
    """The published formula's answer.

    Raises:
        BadInput: an amount is negative or no number.
    """
    even, first = break_even(prompting, fixed, fine_tuned), first_paid_off(prompting, fixed, fine_tuned)
    if even is None or first is None:
        same = float(prompting) == float(fine_tuned)
        costs = "costs as much" if same else "costs more"
        return f"Never: a fine-tuned request {costs}, so nothing is saved that could pay for fine-tuning."
    if even == 0:
        return "From the first request on: there is hardly anything to pay off."
    return (
        f"Break-even is at {numbers.plural(even, 'request')}; "
        f"request {numbers.count(first)} is the first that has paid off."
    )


def notes(costs: Mapping[str, LaneCost], prices: Prices) -> list[str]:
    """What a reader must know of these costs before repeating them."""
    said = []
    known = [one for one in costs.values() if one.per_answer is not None]
    if any(one.basis == "at most" for one in known):
        said.append(
            "Answers of this run shared the machine, so what one costs is the most that it can have been, "
            "and volumes are rough. Run it one answer at a time to measure it."
        )
    if any(one.basis == "share" for one in known):
        said.append(
            "Answers of this run were made in batches and each costs its share; one at a time they cost more."
        )
    silent = [lane_name(one.lane) for one in costs.values() if one.per_answer is None]
    if silent:
        said.append(f"No finished answer says what one costs: {', '.join(silent)}.")
    for unknown in dict.fromkeys(one.unknown for one in costs.values() if one.unknown):
        of = [one for one in costs.values() if one.unknown == unknown]
        lanes = numbers.listed([lane_name(one.lane) for one in of])
        if of[0].setup.priced:
            said.append(f"Not measured, so on top of what is shown for {lanes}: {numbers.listed(unknown)}.")
        else:
            said.append(
                f"No total for {lanes}: nothing here says what {numbers.listed(unknown)} took. The card of "
                "an adapter that was trained here does, once the run has ended."
            )
    if known and not any(one.per_answer and one.per_answer.value for one in known):
        said.append("At these prices answers cost nothing, so no approach saves anything by answering.")
    return said


def cost_rows(costs: Mapping[str, LaneCost], prices: Prices) -> list[dict[str, str]]:
    """One row a lane: what answers cost, what comes once and every month, and all of it together."""
    over = f"{numbers.plural(prices.months, 'month')} of {numbers.count(prices.answers_per_month)} answers"
    return [
        {
            "Approach": lane_title(one.lane),
            "1,000 answers": _thousand(one, prices),
            "Setup": _at_least(one, one.setup_cost, prices),
            "Each month besides": numbers.money(one.monthly, prices.currency),
            over: _at_least(one, one.total(prices.answers_per_month, prices.months), prices),
        }
        for one in costs.values()
    ]


def _thousand(one: LaneCost, prices: Prices) -> str:
    found = one.per_answer
    if found is None:
        return numbers.ABSENT
    most = "at most " if one.basis == "at most" else ""
    told = f"{most}{numbers.money(1000 * found.value, prices.currency)}"
    if not found.enough:
        return f"{told} ({numbers.plural(found.cases, 'case')})"
    return f"{told} ({numbers.money_range(1000 * found.low, 1000 * found.high, prices.currency)})"


def _at_least(one: LaneCost, amount: float | None, prices: Prices) -> str:
    told = numbers.money(amount, prices.currency)
    return f"more than {told}" if one.unknown and amount is not None else told


def _doubt(found: BreakEven) -> str:
    """The interval behind a volume, as what follows it in a sentence."""
    volume = found.volume
    if not found.measured:
        return " (too few cases for an interval)"
    if volume.low is None:
        return ""
    if volume.at is None:
        start, end = ("from", " on") if volume.kind == "never" else ("up to", "")
        return f" (95 % interval: {volume.kind}, or {start} {_per_month(volume, volume.low)}{end})"
    if volume.high is None:
        last = "never" if volume.kind == "from" else "always"
    else:
        last = _many(volume, volume.high)
    return f" (95 % interval {_many(volume, volume.low)} to {last})"


def _month_range(month: Crossing) -> str:
    if month.low is None:
        return ""
    low = numbers.count(month.whole(month.low))
    late = month.high is None or month.high > MOST_MONTHS
    high = "never" if late else numbers.count(month.whole(month.high or 0.0))
    return f" (95 % interval {low} to {high})" if low != high else ""


def _per_month(volume: Crossing, point: float) -> str:
    if point > MOST_ANSWERS:
        return f"more than {_answers(MOST_ANSWERS)} a month"
    return f"{_answers(volume.whole(point))} a month"


def _many(volume: Crossing, point: float) -> str:
    return (
        f"over {numbers.count(MOST_ANSWERS)}" if point > MOST_ANSWERS else numbers.count(volume.whole(point))
    )


def _answers(many: int) -> str:
    return numbers.plural(many, "answer")
