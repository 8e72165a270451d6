"""Fine-tuning: train adapters, choose which one answers, and see whether it helped."""

from ui.adapter_curve import learning_curve
from ui.adapter_helped import helped
from ui.adapter_rebase import rebase
from ui.adapter_registry import adapters
from ui.adapter_training import train
from ui.scenario_parts import choose_part, choose_scenario
from ui.shell import require_shell

PARTS = {
    "Train": train,
    "Adapters": adapters,
    "Did it help?": helped,
    "How many examples": learning_curve,
}

require_shell()

scenario = choose_scenario("adapters", "adapters can be trained for it here")
rebase(scenario)
part = choose_part("adapters", PARTS)
PARTS[part](scenario)
