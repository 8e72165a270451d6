"""What every section of a report is made from: the measured run, its verdict, its ladder and its costs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from compare.cost import LaneCost, lane_costs
from compare.cost_setup import Setup
from compare.ladder import Rung, ladder_of
from compare.looks import Looked, look_at
from compare.measured import StoredRun
from compare.rating_items import Judgement
from compare.report_settings import ReportSettings
from compare.run_measures import Measured, measure
from compare.run_verdict import verdict_of
from compare.store import Store
from compare.terms import LOOKS
from compare.verdict import Verdict, in_order


@dataclass(frozen=True, kw_only=True)
class Basis:
    """``verdict`` gives the bounds; what it says stands in ``looked``, where an earlier one may stand.
    ``rungs`` stand from cheap to dear; ``costs`` are by lane, of rungs alone.
    """

    found: Measured
    settings: ReportSettings
    looked: Looked
    verdict: Verdict
    costs: Mapping[str, LaneCost]
    rungs: tuple[Rung, ...]
    judgements: tuple[Judgement, ...]

    @property
    def run(self) -> StoredRun:
        """The stored run."""
        return self.found.run

    @property
    def solved(self) -> Rung | None:
        """The rung that the verdict says to use; None where it says none."""
        look = self.looked.look
        chosen = look.document["levers"] if look.kind in ("choose", "tie") else ()
        return next((rung for rung in self.rungs if rung.lane in chosen), None)  # type: ignore[operator]

    @property
    def meets_bar(self) -> bool:
        """Whether it is shown to meet the bar."""
        return bool(self.looked.look.document["meets_bar"])

    @property
    def furthest(self) -> Rung | None:
        """The rung with the most right answers; None without judged answers."""
        return next((rung for rung in self.rungs if rung.lane == self.verdict.best), None)


def basis_of(run: StoredRun, settings: ReportSettings, store: Store, *, keep: bool = True) -> Basis:
    """Measure the run. Where nobody looked at its answers yet, this is a look at the question, unless it is
    not to ``keep`` it.

    Raises:
        BadInput: the terms don't fit the run: their order of cost leaves a lane out.
        StoreUnavailable: the store can't be read.
    """
    found = measure(run, store.vectors(run))
    looked = look_at(run, settings.terms, store, keep=keep)
    settings = replace(settings, terms=looked.terms)  # An earlier verdict may stand, by other terms.
    verdict = looked.verdict or verdict_of(run, settings.terms, LOOKS)
    levers = in_order(found.lanes, settings.terms)
    setups = {lane: settings.setups.get(lane, Setup()) for lane in levers}
    costs = lane_costs(run, levers, setups, settings.prices)
    return Basis(
        found=found,
        settings=settings,
        looked=looked,
        verdict=verdict,
        costs=costs,
        rungs=ladder_of(found, verdict, costs),
        judgements=store.judgements(run.id),
    )
