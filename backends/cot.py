"""``cot``: the instructions ask for a line of reasoning before the answer (chain of thought)."""

from backends.base import query_text, require_texts
from backends.engine.base import Engine
from backends.prompts import build_prompt
from backends.scenario import Scenario
from backends.types import Prompt, Query


class ChainOfThought:
    """System text with the chain-of-thought text behind it, query."""

    name = "cot"
    title = "Prompt, reasoning first"
    layers: tuple[str, ...] = ("system", "cot")

    def prepare(self, query: Query, scenario: Scenario, engine: Engine) -> Prompt:
        """See :meth:`backends.base.Backend.prepare`."""
        require_texts(self, scenario)
        return build_prompt(scenario, query_text(query), cot=scenario.cot_prompt)
