"""What a RAG prompt could hold at best, and at worst: ``long_context``, ``oracle`` and ``shuffled``.

They show where retrieval loses: against all documents at once, against the very passage that holds the
answer, and whether what it finds is read at all.
"""

import time

from backends.base import query_text, reading_prompt
from backends.engine.base import Engine
from backends.errors import BadInput, KnowledgeUnavailable, PromptTooLong
from backends.knowledge import knowledge
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
        """See :meth:`backends.base.Backend.prepare`. A remote server finds out itself what fits."""
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
                f"Put documents into {folder}.",
            )
        took_ms = (time.perf_counter() - start) * 1e3
        prompt = build_prompt(scenario, text, passages=passages, retrieve_ms=took_ms)
        status = engine.status()
        if status.counted_by:
            return prompt
        tokens, room = engine.count_tokens(engine.render(prompt)), status.context_tokens
        if tokens >= room:
            raise PromptTooLong(
                f"All documents together take {tokens:,} tokens, but the model reads {room:,} at most.",
                f"{tokens - room + 1:,} fewer would fit. Let retrieval choose, or take another model.",
            )
        return prompt


class Oracle:
    """System text, the passage that holds the answer, query: what a perfect retrieval would give."""

    name = "oracle"
    title = "The right passage"
    layers: tuple[str, ...] = ("system", "gold")

    def prepare(self, query: Query, scenario: Scenario, engine: Engine) -> Prompt:
        """See :meth:`backends.base.Backend.prepare`.

        A case without a gold source gets no passage: no document holds its answer.
        """
        text = query_text(query)
        if query.gold is None:
            raise BadInput(
                "Nobody knows which passage holds the answer.", "Ask a case of the scenario, word for word."
            )
        found = knowledge().gold(scenario, text, query.gold, engine)
        return reading_prompt(scenario, text, found)


class Shuffled:
    """System text, the passages of another question, query: a lane that reads what it is given gets worse."""

    name = "shuffled"
    title = "Wrong passages"
    layers: tuple[str, ...] = ("system", "passages")

    def prepare(self, query: Query, scenario: Scenario, engine: Engine) -> Prompt:
        """See :meth:`backends.base.Backend.prepare`."""
        text = query_text(query)
        if query.gold is None or not query.gold.other:
            raise BadInput(
                "There is no other question to take passages from.",
                "Ask a case of the scenario, word for word; it needs a second one with another source.",
            )
        found = knowledge().retrieve(scenario, query.gold.other, engine)
        return reading_prompt(scenario, text, found)
