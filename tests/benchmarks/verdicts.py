"""The ladder of every scenario that ships, climbed to its end, and the verdict on it.

Prints Markdown; what the data folder holds already of the same is not asked again::

    LEVER_DATA_DIR=FOLDER python -m tests.benchmarks.verdicts
"""

import platform

from backends.engine.factory import engine, stop_engine
from backends.scenario import list_scenarios, load_scenario
from compare import numbers
from compare.case_files import load_cases
from compare.climbing import climbs, rungs_of
from compare.cost import LaneCost, lane_costs
from compare.cost_setup import setups_of
from compare.ladder import Rung, ladder_of
from compare.ladder_words import cost_text, gain_text, rate_text
from compare.lane_names import lane_name
from compare.looks import look_at
from compare.prices import Prices, load_prices
from compare.run_measures import measure
from compare.run_verdict import verdict_of
from compare.scenario_run import make_plan
from compare.store import store
from compare.terms import Terms


def main() -> None:
    """Climb, print."""
    running = engine()
    running.start()
    status = running.wait_ready()
    print(f"{status.model} {status.base_hash[:8]}, {status.device}, {platform.machine()}\n")
    prices, _ = load_prices()
    for name in list_scenarios():
        scenario = load_scenario(name)
        cases = [case for case in load_cases(scenario) if case.split == "test"]
        plan = make_plan(scenario, rungs_of(scenario, cases, running).lanes, which="test")
        climb = climbs().start(plan, status.base_hash, enough=None, store=store(), engine=running)
        seen = climb.wait()
        assert seen.progress.state == "done", seen.progress.problem
        run = store().stored_run(seen.run_id)
        found = measure(run, {})
        verdict = verdict_of(run, Terms())
        costs = lane_costs(run, found.lanes, setups_of(run, found.lanes), prices)
        print(f"## {scenario.title} (`{name}`)\n\n{look_at(run, Terms(), store()).look.sentence}\n")
        print("| approach | right | points gained | tokens read | 1,000 answers | failures |")
        print("|---|---|---|---|---|---|")
        for rung in ladder_of(found, verdict, costs):
            print(f"| {' | '.join(_cells(rung, costs[rung.lane], prices, once=found.once))} |")
        print(flush=True)
    stop_engine()


def _cells(rung: Rung, cost: LaneCost, prices: Prices, *, once: bool) -> list[str]:
    return [
        lane_name(rung.lane),
        rate_text(rung.right, once=once),
        gain_text(rung.gain),
        numbers.count(rung.prompt_tokens),
        cost_text(rung, cost, prices),
        ", ".join(f"{one.kind} {one.count}" for one in rung.failures) or "none",
    ]


if __name__ == "__main__":
    main()
