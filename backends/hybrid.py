"""``hybrid``: the prompt of ``rag``, answered by the adapter that was trained to read passages."""

from dataclasses import replace

from backends.base import adapter_key, query_text
from backends.engine.base import Engine
from backends.rag import Rag
from backends.scenario import Scenario
from backends.types import Prompt, Query


class Hybrid:
    """System text, retrieved passages, query, and the adapter that was trained with passages."""

    name = "hybrid"
    title = "RAG + LoRA"
    layers: tuple[str, ...] = ("system", "passages", "adapter")

    def prepare(self, query: Query, scenario: Scenario, engine: Engine) -> Prompt:
        """See :meth:`backends.base.Backend.prepare`. The adapter is looked up first, as that fails fast."""
        query = replace(query, text=query_text(query))
        key = adapter_key(scenario, "hybrid", engine)
        return replace(Rag().prepare(query, scenario, engine), adapter=key)
