"""``json_mode``: the prompt of ``prompt``, but only JSON of the schema can be written."""

from backends.base import query_text, require_texts
from backends.engine.base import Engine
from backends.prompts import build_prompt
from backends.scenario import Scenario
from backends.types import Prompt, Query


class JsonMode:
    """System text, query, and an answer that is held to the scenario's schema while it is written."""

    name = "json_mode"
    title = "Prompt, held to JSON"
    layers: tuple[str, ...] = ("system", "schema")

    def prepare(self, query: Query, scenario: Scenario, engine: Engine) -> Prompt:
        """See :meth:`backends.base.Backend.prepare`."""
        require_texts(self, scenario)
        return build_prompt(scenario, query_text(query), schema=scenario.schema)
