"""``rag``: the passages that retrieval finds stand before the question; the base model stays bare."""

from backends.base import query_text, reading_prompt
from backends.engine.base import Engine
from backends.knowledge import knowledge
from backends.scenario import Scenario
from backends.types import Prompt, Query


class Rag:
    """System text, retrieved passages, query, no adapter."""

    name = "rag"
    title = "RAG"
    layers: tuple[str, ...] = ("system", "passages")

    def prepare(self, query: Query, scenario: Scenario, engine: Engine) -> Prompt:
        """See :meth:`backends.base.Backend.prepare`.

        When nothing is similar enough, the prompt is that of ``prompt``: no passage beats a wrong one.
        """
        text = query_text(query)
        found = knowledge().retrieve(scenario, text, engine)
        return reading_prompt(scenario, text, found)
