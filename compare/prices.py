"""The prices that costs are computed with: a team's own, kept in the data folder, each with a usual one.

Where the usual ones come from (list prices of 2026, in US dollars; every one is meant to be edited):
``gpu_hour`` an A10G with 24 GB on demand (AWS g5.xlarge, 1.006); the tokens GPT-4o mini (0.15 and 0.60);
``month_of_store`` the smallest plan of a managed vector store (Weaviate Cloud, from 25);
``labelled_example`` two minutes of somebody who costs 30 an hour. How often one trains again and how many
answers a month gives are assumptions; twelve months are a budget's year.
"""

import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from backends.errors import BadInput
from backends.knowledge.documents import write_whole
from backends.settings import settings

LABELS = {
    "currency": "Currency",
    "gpu_hour": "An hour of the machine",
    "prompt_token_million": "A million tokens read, by a server",
    "completion_token_million": "A million tokens written, by a server",
    "labelled_example": "A labelled example",
    "month_of_store": "A month of vector store and index",
    "retraining_every_months": "Months between trainings",
    "examples_per_retraining": "New examples per training",
    "answers_per_month": "Answers a month",
    "months": "Months to look at",
}
"""What people call each price, in the order in which they are asked for."""
_HIGHEST = 1_000_000.0
LIMITS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(LABELS, (0.0, _HIGHEST)),
    "retraining_every_months": (0.0, 120.0),
    "answers_per_month": (0.0, 1_000_000_000.0),
    "months": (1.0, 120.0),
}
"""The lowest and the highest that each may be; beyond it somebody mistyped. Not of the currency."""
MOST_CURRENCY_CHARS = 4


@dataclass(frozen=True, kw_only=True)
class Prices:
    """Amounts are in ``currency``, a symbol or code that is only written beside them.

    ``gpu_hour`` is of the machine that answers and trains, whatever it computes on; the token prices count
    where a server answers instead. ``month_of_store`` is of vector store and index, for approaches that look
    things up. ``retraining_every_months`` 0 is never; each training after the first needs
    ``examples_per_retraining`` newly labelled ones.

    Raises:
        BadInput: a price is negative, no number, or absurd; the sentence names it.
    """

    currency: str = "$"
    gpu_hour: float = 1.0
    prompt_token_million: float = 0.15
    completion_token_million: float = 0.60
    labelled_example: float = 1.0
    month_of_store: float = 25.0
    retraining_every_months: float = 6.0
    examples_per_retraining: int = 0
    answers_per_month: int = 10_000
    months: int = 12

    def __post_init__(self) -> None:
        if not 0 < len(self.currency.strip()) <= MOST_CURRENCY_CHARS:
            raise BadInput(f"“{self.currency}” is no currency.", "Write a symbol or code such as $ or EUR.")
        for name, label in LABELS.items():
            if name != "currency":
                _check(label, getattr(self, name), *LIMITS[name])


def usual_prices() -> Prices:
    """The documented ones; the machine's hour as LEVER_PRICE_GPU_HOUR says, where it is set.

    Raises:
        BadInput: that setting is absurd.
    """
    hour = settings().price_gpu_hour
    return Prices() if hour is None else Prices(gpu_hour=hour)


def load_prices() -> tuple[Prices, str]:
    """The team's prices, else the usual ones; with a sentence on why its own could not be read, or none.

    What the file does not name is as usual.

    Raises:
        BadInput: LEVER_PRICE_GPU_HOUR is absurd.
    """
    usual = usual_prices()
    try:
        told = TypeAdapter(dict[str, str | int | float]).validate_json(_file().read_bytes(), strict=True)
        known = {field.name for field in fields(Prices)}
        return TypeAdapter(Prices).validate_python(
            asdict(usual) | {k: told[k] for k in known & set(told)}
        ), ""
    except FileNotFoundError:
        return usual, ""
    except BadInput as error:
        reason = error.message
    except ValidationError:
        reason = "It is no list of prices."
    except OSError as error:
        reason = f"{error.strerror or error}."
    return usual, f"The prices in {_file()} can't be used, so these are the usual ones. {reason}"


def save_prices(prices: Prices) -> None:
    """Keep them for everybody who uses this data folder; whole or not at all.

    Raises:
        BadInput: they can't be written.
    """
    try:
        write_whole(_file(), TypeAdapter(Prices).dump_json(prices, indent=1))
    except OSError as error:
        raise BadInput(f"The prices can't be kept: {error.strerror or error}.") from error


def reset_prices() -> Prices:
    """Forget the team's prices; gives the usual ones.

    Raises:
        BadInput: the file can't be deleted.
    """
    try:
        _file().unlink(missing_ok=True)
    except OSError as error:
        raise BadInput(f"The prices can't be forgotten: {error.strerror or error}.") from error
    return usual_prices()


def _file() -> Path:
    return settings().data_dir / "prices.json"


def _check(label: str, value: float, low: float, high: float) -> None:
    if not math.isfinite(value):
        raise BadInput(f"“{label}” is no number.", "Write one.")
    if value < low:
        raise BadInput(f"“{label}” can't be {value:g}.", f"It is at least {low:g}.")
    if value > high:
        raise BadInput(f"“{label}” can't be {value:,.0f}.", f"It is at most {high:,.0f}: was it mistyped?")
