"""``lora``: the prompt of ``prompt``, answered by the scenario's adapter ``lora``."""

from backends.base import adapter_key, query_text
from backends.engine.base import Engine
from backends.prompts import build_prompt
from backends.scenario import Scenario
from backends.types import Prompt, Query


class Lora:
    """System text, query, no passages, the adapter that was trained without passages."""

    name = "lora"
    title = "LoRA"
    layers: tuple[str, ...] = ("system", "adapter")

    def prepare(self, query: Query, scenario: Scenario, engine: Engine) -> Prompt:
        """See :meth:`backends.base.Backend.prepare`."""
        text = query_text(query)
        return build_prompt(scenario, text, adapter=adapter_key(scenario, "lora", engine))
