"""``prompt``: the system text and the bare base model; what every other lever has to beat."""

from backends.base import query_text
from backends.engine.base import Engine
from backends.prompts import build_prompt
from backends.scenario import Scenario
from backends.types import Prompt, Query


class PromptOnly:
    """System text, query, no passages, no adapter."""

    name = "prompt"
    title = "Prompt"
    layers: tuple[str, ...] = ("system",)

    def prepare(self, query: Query, scenario: Scenario, engine: Engine) -> Prompt:
        """See :meth:`backends.base.Backend.prepare`."""
        return build_prompt(scenario, query_text(query))
