"""``long_context``: all documents stand before the question, where they fit; no search, no adapter."""

import time

from backends.base import query_text
from backends.engine.base import Engine
from backends.errors import KnowledgeUnavailable, PromptTooLong
from backends.knowledge.documents import read_documents, sections
from backends.prompts import build_prompt
from backends.scenario import Scenario
from backends.types import Passage, Prompt, Query


class LongContext:
    """System text, every document of the knowledge as one passage each, query."""

    name = "long_context"
    title = "All documents"
    layers: tuple[str, ...] = ("system", "knowledge")

    def prepare(self, query: Query, scenario: Scenario, engine: Engine) -> Prompt:
        """See :meth:`backends.base.Backend.prepare`."""
        text, folder, start = query_text(query), scenario.knowledge, time.perf_counter()
        passages = tuple(
            Passage(
                number=number,
                source=document.source,
                chunk_id=document.source,
                text=" ".join(sections(document)),
                cosine=None,
            )
            for number, document in enumerate(read_documents(folder), 1)
        )
        if not passages:
            raise KnowledgeUnavailable(
                f"The scenario {scenario.name} has no documents.",
                f"Put .md, .txt or .csv files into {folder}.",
            )
        took_ms = (time.perf_counter() - start) * 1e3
        prompt = build_prompt(scenario, text, passages=passages, retrieve_ms=took_ms)
        tokens, room = engine.count_tokens(engine.render(prompt)), engine.status().context_tokens
        if tokens >= room:
            raise PromptTooLong(
                f"All documents together take {tokens:,} tokens, but the model reads {room:,} at most.",
                "Let retrieval choose, or take a model with a longer context.",
            )
        return prompt
