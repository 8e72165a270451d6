"""What a backend is; ``registry.py`` is the one list of them.

A backend says how a query becomes a prompt, and nothing else: it never touches a model. What all backends
have in common (sampling, decoding, timing, storing) happens elsewhere, so a file shows only its difference.
"""

from typing import TYPE_CHECKING, Protocol

from backends.engine.base import Engine
from backends.errors import AdapterRefused, BadInput
from backends.knowledge.documents import document_paths
from backends.prompts import build_prompt
from backends.scenario import PromptTexts, Scenario
from backends.types import Prompt, Query

if TYPE_CHECKING:
    from backends.knowledge import Retrieval

DEFAULT_BACKENDS = ("prompt", "rag", "lora", "hybrid")
"""The lanes of the home screen, from cheap to dear."""
READS = frozenset({"passages", "knowledge", "gold"})
"""The layers that say what documents say."""
_TEXTS = {
    "few_shot": ("worked examples", "[[few_shot]] tables"),
    "cot": ("text on how to reason", "cot_prompt"),
    "schema": ("JSON schema", "schema"),
}
"""What a layer's text is called, and its key in ``scenario.toml``."""


class Backend(Protocol):
    """One way to answer. ``name`` is what ``--backends`` takes, ``title`` what a lane shows."""

    name: str
    title: str
    layers: tuple[str, ...]
    """What it adds to the bare query: "system", "few_shot", "cot", "schema", "knowledge" (all of it),
    "passages" (found ones), "gold" (the one that holds the answer), "adapter".
    """

    def prepare(self, query: Query, scenario: Scenario, engine: Engine) -> Prompt:
        """Turn the query into the prompt of this backend.

        May block on retrieval; call it from a worker thread, never from the engine's.

        Raises:
            BadInput: the query is empty, or the scenario lacks a text that this backend needs.
            PromptTooLong: the whole knowledge is asked for and does not fit.
            KnowledgeUnavailable: passages are needed and there are none to be had.
            AdapterRefused: an adapter is needed and missing, or the engine refuses it.
        """


def query_text(query: Query) -> str:
    """The query without its outer white space; an empty one is refused here, before any work."""
    text = query.text.strip()
    if not text:
        raise BadInput("The question is empty.", "Type a question first.")
    return text


def lacking(backend: Backend, texts: PromptTexts) -> tuple[str, ...]:
    """The layers of a backend whose text is not there; none when it can answer with these texts."""
    there = {"few_shot": texts.few_shot, "cot": texts.cot, "schema": texts.schema}
    return tuple(layer for layer in backend.layers if layer in there and not there[layer])


def missing(backend: Backend, scenario: Scenario, texts: PromptTexts, engine: Engine) -> tuple[str, ...]:
    """What a scenario that is asked with these texts has not and the backend can't do without; nothing when
    it can answer. An adapter may stand in a folder or with the engine's server.
    """
    found = [_TEXTS[layer][0] for layer in lacking(backend, texts)]
    if READS & set(backend.layers) and not document_paths(scenario.knowledge):
        found.append("documents")
    place = scenario.adapter_place(backend.name)
    if "adapter" in backend.layers and not (
        place.is_there or engine.adapter_is_current(place.key, str(place.folder))
    ):
        found.append("a trained adapter")
    return tuple(found)


def reading_prompt(scenario: Scenario, text: str, found: "Retrieval", adapter: str | None = None) -> Prompt:
    """The prompt of a question with the passages that were found for it."""
    return build_prompt(
        scenario,
        text,
        passages=found.passages,
        embed_ms=found.embed_ms,
        retrieve_ms=found.retrieve_ms,
    )


def require_texts(backend: Backend, scenario: Scenario) -> None:
    """Refuse a scenario without a text that the backend can't do without.

    Raises:
        BadInput: the first such text is named, with its key.
    """
    for layer in lacking(backend, scenario.texts):
        what, key = _TEXTS[layer]
        raise BadInput(f"The scenario {scenario.name} has no {what}.", f"Write {key} in its scenario.toml.")


def adapter_key(scenario: Scenario, name: str, engine: Engine) -> str:
    """The key of the adapter that the scenario's backend ``name`` answers with, loaded into the engine first
    if it came after the start or was trained again since. A server may have one that has no folder here.

    Raises:
        AdapterRefused: there is no such folder, or the engine's vetting refuses what is in it.
    """
    place = scenario.adapter_place(name)
    key, folder = place.key, place.folder
    if engine.adapter_is_current(key, str(folder)):
        return key
    if not place.is_there:
        if place.number and key in {info.key for info in engine.status().adapters}:
            return key  # Deleted while a run goes on with it.
        raise AdapterRefused(
            f'The scenario {place.scenario} has no adapter "{name}" yet.',
            f"Train it with: python -m compare train {place.scenario} --adapter {name}",
        )
    engine.wait_ready()
    if not engine.adapter_is_current(key, str(folder)):
        engine.load_adapter(key, str(folder))
    return key
