"""How Lever writes numbers: the only place that turns a figure into text for people. None is always "–"."""

from collections.abc import Callable, Sequence
from math import ceil, floor

ABSENT = "–"


def seconds(ms: float | None) -> str:
    """Milliseconds as seconds: two decimals below 10 s, one below 100 s, none above."""
    if ms is None:
        return ABSENT
    value = ms / 1000
    if value < 0.01:
        return "under 0.01 s"
    if value < 9.995:
        return f"{value:.2f} s"
    return f"{value:.1f} s" if value < 99.95 else f"{value:,.0f} s"


def later(ms: float) -> str:
    """A difference of times with its sign: "+0.24 s", "−0.02 s"; below 0.01 s "no later"."""
    return "no later" if abs(ms) < 10 else f"{'+' if ms > 0 else '−'}{seconds(abs(ms))}"


def count(value: float | None) -> str:
    """A whole number with thousands separators; means are rounded."""
    return ABSENT if value is None else f"{round(value):,}"


def rate(per_second: float | None) -> str:
    """A speed per second: one decimal below 10, else whole."""
    if per_second is None:
        return ABSENT
    return f"{per_second:.1f}/s" if per_second < 9.95 else f"{per_second:,.0f}/s"


def coefficient(value: float | None) -> str:
    """A similarity or an agreement, at most 1, with two decimals and a true minus sign."""
    return ABSENT if value is None else f"{value:.2f}".replace("-", "−").replace("−0.00", "0.00")


def fused(value: float | None) -> str:
    """A fused score of two rankings, which is at most 2/61: four decimals tell neighbours apart."""
    return ABSENT if value is None else f"{value:.4f}"


def loss(value: float | None) -> str:
    """A mean loss, in nats: two decimals, four below 0.1."""
    return ABSENT if value is None else f"{value:.2f}" if value >= 0.0995 else f"{value:.4f}"


def percent(value: float | None) -> str:
    """A share as a whole percentage; only nothing is 0 %, and only everything is 100 %."""
    if value is None:
        return ABSENT
    if 0 < value < 1:
        value = min(max(value, 0.01), 0.99)
    return f"{100 * value:.0f} %"


def points(value: float) -> str:
    """A difference of shares in percentage points, without its sign: "12 points", "1 point"."""
    return plural(abs(round(100 * value)), "point")


def change(value: float) -> str:
    """A difference of shares with its sign: "+12 points", "−1 point", "0 points"."""
    shown = round(100 * value)
    return f"{'+' if shown > 0 else '−' if shown < 0 else ''}{points(value)}"


def change_digits(value: float) -> str:
    """The same without its unit."""
    return change(value).split()[0]


def change_range(low: float, high: float) -> str:
    """As "−3 to +12 points"."""
    return f"{change_digits(low)} to {change(high)}"


def change_span(low: float, high: float) -> str:
    """As "−3 to +12", after a difference that has said of what."""
    return f"{change_digits(low)} to {change_digits(high)}"


def at_least(value: float) -> str:
    """A lower bound of a share as a whole percentage, rounded down: never more than is shown."""
    return percent(floor(100 * value + 1e-9) / 100)


def at_most(value: float) -> str:
    """An upper bound of a share as a whole percentage, rounded up."""
    return percent(ceil(100 * value - 1e-9) / 100)


def bounds(low: float, high: float) -> str:
    """An interval of a share, its ends rounded outwards: "84 to 99 %"."""
    return f"{at_least(low).removesuffix(' %')} to {at_most(high)}"


def signed(value: float | None, write: Callable[[float | None], str]) -> str:
    """A change with its sign, its size as ``write`` writes it: "+0.12 s", "±0" where it rounds to none."""
    if value is None:
        return ABSENT
    said = write(abs(value))
    return "±0" if said == write(0) else f"{'+' if value > 0 else '−'}{said}"


def score(mean: float | None, low: float | None = None, high: float | None = None) -> str:
    """A mean of scores as "4.2 (3.9 to 4.4)", without an interval where there is none."""
    if mean is None:
        return ABSENT
    return f"{mean:.1f}" if low is None or high is None else f"{mean:.1f} ({low:.1f} to {high:.1f})"


def percent_range(low: float, high: float) -> str:
    """As "57 to 78 %"."""
    return f"{percent(low).removesuffix(' %')} to {percent(high)}"


def share(part: int, whole: int) -> str:
    """As "7 of 10": counts stay counts, as a percentage of few hides how few they are."""
    return f"{part:,} of {whole:,}"


def listed(parts: Sequence[str]) -> str:
    """As "a, b and c"."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def capital(text: str) -> str:
    """A sentence's beginning, its first letter made large."""
    return text[:1].upper() + text[1:]


def plural(number: int, one: str, many: str = "") -> str:
    """As "1 answer" and "3 answers"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def money(value: float | None, currency: str = "") -> str:
    """An amount, after its currency where that is known: cents from 0.10 on, two significant digits below."""
    if value is None:
        return ABSENT
    mark = currency_mark(currency)
    if value == 0 or value >= 0.0995:
        return f"{mark}{value:,.2f}"
    return f"{mark}{value:.2g}" if value >= 0.0001 else f"under {mark}0.0001"


def currency_mark(currency: str) -> str:
    """What stands before an amount: a symbol right before it, a code with a space."""
    return f"{currency} " if currency[-1:].isalnum() else currency


def money_range(low: float, high: float, currency: str = "") -> str:
    """As "$0.80 to 1.20"."""
    return f"{money(low, currency)} to {money(high)}"


def size(bytes: int) -> str:
    """As "12 kB" and "3.4 MB", in powers of ten."""
    return f"{max(1, round(bytes / 1e3)):,} kB" if bytes < 1e6 else f"{bytes / 1e6:,.1f} MB"
