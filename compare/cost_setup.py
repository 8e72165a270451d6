"""What has to be there before a lane can answer, as it was measured: a trained adapter, an index."""

from collections.abc import Sequence
from dataclasses import dataclass

from backends.errors import BadInput
from backends.knowledge import knowledge
from backends.scenario import load_scenario
from compare.drill_results import INDEXED
from compare.lanes import layers_of
from compare.measured import StoredRun
from compare.prices import Prices
from compare.run_adapters import trained_card


@dataclass(frozen=True, kw_only=True)
class Setup:
    """``learns`` and ``looks_up`` say what a lane needs; the figures are seconds of the machine and labelled
    examples, None where they are not known.
    """

    learns: bool = False
    looks_up: bool = False
    training_s: float | None = None
    examples: int | None = None
    index_s: float | None = None

    @property
    def unknown(self) -> tuple[str, ...]:
        """What it needs but nobody measured, as it is called in a sentence."""
        needed = (
            (self.learns, self.training_s, "training"),
            (self.learns, self.examples, "labelling the examples"),
            (self.looks_up, self.index_s, "building the index"),
        )
        return tuple(name for needs, figure, name in needed if needs and figure is None)

    @property
    def seconds(self) -> float | None:
        """The machine's time before the first answer; None when a part of it was not measured."""
        parts = ((self.learns, self.training_s), (self.looks_up, self.index_s))
        needed = [figure for needs, figure in parts if needs]
        known = [figure for figure in needed if figure is not None]
        return sum(known) if len(known) == len(needed) else None

    @property
    def priced(self) -> bool:
        """Whether what it costs can be said: an adapter's training and examples are most of a setup, so
        without them nothing can; an index takes so little that the rest stands without it, as a least.
        """
        return not self.learns or (self.training_s is not None and self.examples is not None)

    def cost(self, prices: Prices) -> float | None:
        """What all that is known of it costs once; None where that says nothing."""
        if not self.priced:
            return None
        seconds = (self.training_s or 0.0) + (self.index_s or 0.0)
        return seconds * prices.gpu_hour / 3600 + (self.examples or 0) * prices.labelled_example

    def monthly(self, prices: Prices) -> float | None:
        """What it costs a month: the store where it looks things up, and its share of training again; None
        where that is not known.
        """
        if not self.priced:
            return None
        store = prices.month_of_store if self.looks_up else 0.0
        if not self.learns or not prices.retraining_every_months:
            return store
        training = (self.training_s or 0.0) * prices.gpu_hour / 3600
        training += prices.examples_per_retraining * prices.labelled_example
        return store + training / prices.retraining_every_months


def setups_of(run: StoredRun, lanes: Sequence[str]) -> dict[str, Setup]:
    """By lane: what its adapter's card says, when that very adapter is still here, and what building the
    index took.
    """
    found, index_s = {}, index_seconds(run)
    for lane in lanes:
        layers = layers_of(lane)
        card = trained_card(run, lane)
        looks_up = bool(layers & INDEXED)
        found[lane] = Setup(
            learns="adapter" in layers,
            looks_up=looks_up,
            training_s=None if card is None else card.seconds,
            examples=None if card is None else card.examples.get("file"),
            index_s=index_s if looks_up else None,
        )
    return found


def index_seconds(run: StoredRun) -> float | None:
    """What building the index took that its scenario has with the run's base model; None when there is none
    any more, or that is not known.
    """
    if run.provenance is None or not run.provenance.base_hash:
        return None
    try:
        scenario = load_scenario(run.plan.scenario)
    except BadInput:
        return None
    return knowledge().work_s(scenario, run.provenance.base_hash)
