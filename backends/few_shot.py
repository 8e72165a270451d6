"""``few_shot``: worked examples stand as earlier turns before the question."""

from backends.base import query_text, require_texts
from backends.engine.base import Engine
from backends.prompts import build_prompt
from backends.scenario import Scenario
from backends.types import Prompt, Query


class FewShotPrompt:
    """System text, the scenario's example turns, query."""

    name = "few_shot"
    title = "Prompt + examples"
    layers: tuple[str, ...] = ("system", "few_shot")

    def prepare(self, query: Query, scenario: Scenario, engine: Engine) -> Prompt:
        """See :meth:`backends.base.Backend.prepare`."""
        require_texts(self, scenario)
        return build_prompt(scenario, query_text(query), few_shot=scenario.few_shot)
