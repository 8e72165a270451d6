"""What the matrix of claims is filled with, gathered: the adapters that answered, and the newest drill."""

from collections.abc import Iterable, Mapping

from backends.adapter_card import card_of
from backends.adapter_places import Place, place_of
from backends.knowledge import knowledge
from backends.scenario import Scenario
from compare.claims import Known
from compare.cost_setup import index_seconds
from compare.drill_stored import newest_drill
from compare.lanes import adapter_of, backend_of
from compare.measured_store import MeasuredStore
from compare.run_adapters import trained_card
from compare.run_measures import Measured


def known_of(
    scenario: Scenario,
    measured: Measured | None,
    lanes: Iterable[str],
    store: MeasuredStore,
    *,
    base: str = "",
    cost: Mapping[str, str] | None = None,
) -> Known:
    """All that is known of these lanes; ``base`` is the hash of the base model that would answer, for
    when there is no run yet; ``cost`` is somebody else's to tell.

    Raises:
        StoreUnavailable: the store can't be read.
    """
    return Known(
        measured=measured,
        index_s=knowledge().work_s(scenario, base) if measured is None else index_seconds(measured.run),
        training_s=_training(scenario, measured, lanes),
        cost=cost or {},
        drill=newest_drill(scenario, store),
    )


def _training(scenario: Scenario, measured: Measured | None, lanes: Iterable[str]) -> dict[str, float]:
    """By lane what training its adapter took, in seconds, where its card says so: of the very adapter that
    answered in the run, else of the one that would answer now.
    """
    cards = {
        lane: trained_card(measured.run, lane)
        if measured is not None and lane in measured.lanes
        else card_of(_place(scenario, lane).folder)
        for lane in lanes
    }
    return {
        lane: card.seconds for lane, card in cards.items() if card is not None and card.seconds is not None
    }


def _place(scenario: Scenario, lane: str) -> Place:
    """The adapter that would answer now."""
    kind, named = backend_of(lane), adapter_of(lane)
    if named is not None and named[0] in (None, scenario.name):
        return place_of(scenario.name, scenario.path, kind, named[1])
    return scenario.adapter_place(kind)
