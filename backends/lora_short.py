"""``lora_short``: a long prompt compressed into weights: no instructions, the adapter knows the task."""

from backends.base import adapter_key, query_text
from backends.engine.base import Engine
from backends.prompts import build_prompt
from backends.scenario import Scenario
from backends.types import Prompt, Query


class LoraShort:
    """Query alone, answered by the adapter that learnt the task without the system text."""

    name = "lora_short"
    title = "LoRA, no instructions"
    layers: tuple[str, ...] = ("adapter",)

    def prepare(self, query: Query, scenario: Scenario, engine: Engine) -> Prompt:
        """See :meth:`backends.base.Backend.prepare`."""
        text = query_text(query)
        return build_prompt(scenario, text, system="", adapter=adapter_key(scenario, self.name, engine))
