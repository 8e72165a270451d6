"""What a verdict is asked by: a bar, a gain, a confidence, an order of cost. People can change all of it."""

from dataclasses import dataclass

from backends.errors import BadInput
from compare.statistics import CONFIDENCE

LOOKS = 3
"""How often one question is looked at, at most."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a verdict is asked by. ``bar``: the share of right answers that is good enough; ``gain``: the
    smallest difference of shares worth paying for; ``order``: lanes, cheapest first, empty for the usual
    order, which may name more than were asked.
    """

    bar: float = 0.80
    gain: float = 0.05
    confidence: float = CONFIDENCE
    order: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what can't be.

        Raises:
            BadInput: a number is out of range, or a lane stands twice in the order.
        """
        if not 0 < self.bar < 1:
            raise BadInput("The bar must lie between 0 and 1.", "0.8 asks for 80 % right answers.")
        if not 0 < self.gain < 1:
            raise BadInput("The smallest useful gain must lie between 0 and 1.", "0.05 is 5 points.")
        if not 0.5 <= self.confidence < 1:
            raise BadInput("The confidence must be at least 0.5 and below 1.", "0.95 is usual.")
        if len(set(self.order)) < len(self.order):
            raise BadInput("The order of cost names an approach twice.", "Name each once, cheapest first.")
