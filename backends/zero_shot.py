"""``zero_shot``: the bare query to the bare base model; what the written instructions have to beat."""

from backends.base import query_text
from backends.engine.base import Engine
from backends.prompts import build_prompt
from backends.scenario import Scenario
from backends.types import Prompt, Query


class ZeroShot:
    """Query alone: no system text, no passages, no adapter."""

    name = "zero_shot"
    title = "Question only"
    layers: tuple[str, ...] = ()

    def prepare(self, query: Query, scenario: Scenario, engine: Engine) -> Prompt:
        """See :meth:`backends.base.Backend.prepare`."""
        return build_prompt(scenario, query_text(query), system="")
