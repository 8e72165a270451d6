"""Values of facts, drawn by kind: "14 days", "$20.50", "7:30", "KX-204".

Does not know whose values they are. Every form of a value is drawn before one is chosen: this order of draws
is part of the corpus's seed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from backends.pocket.names import invented, person, place, word
from backends.pocket.tables import tables


@dataclass(frozen=True, kw_only=True)
class Value:
    """A value as said, the ``key`` that a right answer must hold, its form before a noun, its unit."""

    text: str
    key: str
    compact: str
    unit: str = ""


def draw_value(rng: Random, kind: str, attribute: str) -> Value:
    """One value of a kind; a count is a number of ``attribute``."""
    if kind == "count":
        n = _number(rng)
        return Value(text=f"{n} {attribute}", key=f"{n}", compact=f"{n}", unit=attribute)
    return _DRAWS[kind](rng)


def lasting(n: int, unit: str) -> Value:
    """A duration of ``n`` times a unit given in the plural."""
    return Value(text=f"{n} {unit}", key=f"{n}", compact=f"{n}-{unit[:-1]}", unit=unit)


def _plain(text: str, unit: str = "") -> Value:
    return Value(text=text, key=text, compact=text, unit=unit)


def _number(rng: Random) -> int:
    # mostly small, sometimes large, rarely round
    return rng.choice((rng.randint(2, 9), rng.randint(10, 99), rng.randint(10, 99), rng.randint(100, 990)))


def _duration(rng: Random) -> Value:
    n = rng.randint(2, rng.choice((9, 30, 99)))
    return lasting(n, f"{rng.choice(tables().values.units)}s")


def _money(rng: Random) -> Value:
    n = _number(rng)
    cents = f"${n}.{rng.randint(1, 99):02d}"
    forms = (f"${n}", f"${n}", f"${n}", cents, cents, f"{n} euros", f"{n} dollars")
    return _plain(rng.choice(forms), "dollars")


def _percent(rng: Random) -> Value:
    n = rng.randint(2, 98)
    text = rng.choice((f"{n} percent", f"{n} %"))
    return Value(text=text, key=f"{n}", compact=f"{n} percent", unit="percent")


def _size(rng: Random) -> Value:
    n, unit = _number(rng), rng.choice(tables().values.sizes)
    return Value(text=f"{n} {unit}", key=f"{n}", compact=f"{n} {unit}", unit=unit)


def _person(rng: Random) -> Value:
    return _plain(person(rng))


def _place(rng: Random) -> Value:
    return _plain(place(rng))


def _time(rng: Random) -> Value:
    return _plain(f"{rng.randint(5, 23)}:{rng.choice(range(0, 60, 5)):02d}", "hours")


def _email(rng: Random) -> Value:
    return _plain(f"{word(rng)}@{invented(rng, 2).lower()}.{rng.choice(tables().values.mail_endings)}")


def _code(rng: Random) -> Value:
    letters = "".join(rng.choice("ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(rng.choice((1, 2, 2, 3))))
    number = f"{rng.choice(('-', '-', ''))}{rng.randint(10, 9999)}"
    return _plain(f"{letters}{number}{rng.choice(('', '', '', rng.choice('ABCDEFGHKLMNPRSTX')))}")


def _color(rng: Random) -> Value:
    return _plain(f"{rng.choice(tables().values.shades)}{rng.choice(tables().values.colors)}")


def _date(rng: Random) -> Value:
    values = tables().values
    forms = (
        f"the {rng.randint(4, 20)}th",
        f"{rng.randint(1, 28)} {rng.choice(values.months)}",
        f"{rng.choice(values.months)} {rng.randint(1, 28)}",
        rng.choice(values.days),
    )
    return _plain(rng.choice(forms))


_DRAWS: dict[str, Callable[[Random], Value]] = {
    "duration": _duration,
    "money": _money,
    "percent": _percent,
    "size": _size,
    "person": _person,
    "place": _place,
    "time": _time,
    "email": _email,
    "code": _code,
    "color": _color,
    "date": _date,
}
