"""The ladder's figures as text: the same in every table, on the page, in the report and in the documents."""

from collections.abc import Callable

from compare import numbers
from compare.cost import LaneCost
from compare.ladder import Rung
from compare.prices import Prices
from compare.statistics import Difference, Estimate
from compare.takeaways import right_of


def rate_text(found: Estimate | None, *, once: bool) -> str:
    """As "58 of 60 (84 to 99 %)"; counts alone where there are too few cases."""
    if found is None:
        return "not judged"
    if not found.enough:
        return f"{right_of(found, once=once)}, too few to say more"
    right = round(found.value * found.cases)
    told = numbers.share(right, found.cases) if once else numbers.percent(found.value)
    return f"{told} ({numbers.bounds(found.low, found.high)})"


def gain_text(gain: Difference | None) -> str:
    """As "+45 (+36 to +52)", under a heading that says points."""
    if gain is None:
        return numbers.ABSENT
    if not gain.enough:
        return f"{numbers.change_digits(gain.value)}, too few to say more"
    return f"{numbers.change_digits(gain.value)} ({numbers.change_span(gain.low, gain.high)})"


def with_change(value: float | None, change: float | None, write: Callable[[float | None], str]) -> str:
    """A figure, and what it changed over the rung below: "0.42 s (+0.12 s)"."""
    said = numbers.signed(change, write)
    return write(value) if said == numbers.ABSENT else f"{write(value)} ({said})"


def cost_text(rung: Rung, cost: LaneCost | None, prices: Prices) -> str:
    """What 1,000 answers cost; "at most" where that is all that is known."""
    told = numbers.money(rung.cost_per_1000, prices.currency)
    most = rung.cost_per_1000 is not None and cost is not None and cost.basis == "at most"
    return f"at most {told}" if most else told


def setup_text(rung: Rung, cost: LaneCost | None) -> str:
    """The machine's time, and the examples that somebody labels; "more than" where a part is not known."""
    if rung.setup_s == 0:
        return "none"
    told = numbers.seconds(None if rung.setup_s is None else 1000 * rung.setup_s)
    if cost is None:
        return told
    if rung.setup_s is None and cost.setup.training_s:
        told = f"more than {numbers.seconds(1000 * cost.setup.training_s)}"
    return f"{told}, {numbers.plural(cost.setup.examples, 'example')}" if cost.setup.examples else told
