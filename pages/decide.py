"""The cheapest lever that works, or that it can't be told yet: with reasons, cost and doubt."""

from ui.decide_more import before_data, claims, cost
from ui.decide_verdict import verdict
from ui.scenario_parts import choose_part, choose_scenario
from ui.shell import require_shell

PARTS = {
    "Verdict": verdict,
    "Before data": before_data,
    "Cost": cost,
    "Claims and measurements": claims,
}

require_shell()

scenario = choose_scenario("decide", "Lever finds out here what it needs")
part = choose_part("decide", PARTS)
PARTS[part](scenario)
