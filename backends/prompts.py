"""Layers become messages: one builder for serving and for adapter training, so that both see the same prompt.

The system turn is the system text, with the chain-of-thought text on a line of its own behind it; few-shot
examples are turns of their own. With passages the user turn reads::

    [1] (warranty.md) passage text
    [2] (pricing.md) passage text

    Question: the query

and without passages it is the bare query. What this module does not do: the chat template and its control
tokens belong to the engine.
"""

from collections.abc import Sequence

from backends.scenario import FewShot, Scenario
from backends.types import Layer, Message, Passage, Prompt

QUESTION = "Question: "


def passage_line(passage: Passage) -> str:
    """``[n] (source) text`` on one line; folded white space keeps a document from imitating the layout."""
    return f"[{passage.number}] ({passage.source}) {' '.join(passage.text.split())}"


def build_prompt(
    scenario: Scenario,
    query_text: str,
    *,
    system: str | None = None,
    cot: str = "",
    few_shot: Sequence[FewShot] = (),
    passages: Sequence[Passage] = (),
    adapter: str | None = None,
    schema: str | None = None,
    embed_ms: float = 0.0,
    retrieve_ms: float = 0.0,
) -> Prompt:
    """The prompt of one query; its layers, joined, are its messages' contents, joined.

    Args:
        scenario: gives the system text unless ``system`` does.
        query_text: what the person asks, taken as it stands.
        system: another system text; an empty one leaves the system turn out; None takes the scenario's.
        cot: how to reason before the answer, told behind the system text.
        few_shot: example turns before the question.
        passages: passages in the order of their numbers.
        adapter: key of the adapter that answers, None for the bare base.
        schema: JSON schema that the answer is held to, None for free text.
        embed_ms: preparation spent on embedding the query, in milliseconds.
        retrieve_ms: preparation spent on searching, in milliseconds.
    """
    system_text = scenario.system_prompt if system is None else system
    head = [Layer(kind="system", text=system_text)] if system_text else []
    if cot:
        head += [Layer(kind="template", text="\n")] if head else []
        head.append(Layer(kind="cot", text=cot))
    shots = [Layer(kind="few_shot", text=text) for shot in few_shot for text in (shot.user, shot.assistant)]
    layers: list[Layer] = []
    if passages:
        layers.append(Layer(kind="passages", text="\n".join(passage_line(passage) for passage in passages)))
        layers.append(Layer(kind="template", text=f"\n\n{QUESTION}"))
    layers.append(Layer(kind="query", text=query_text))
    messages = [Message(role="system", content="".join(layer.text for layer in head))] if head else []
    for shot in few_shot:
        messages.append(Message(role="user", content=shot.user))
        messages.append(Message(role="assistant", content=shot.assistant))
    messages.append(Message(role="user", content="".join(layer.text for layer in layers)))
    return Prompt(
        messages=tuple(messages),
        layers=(*head, *shots, *layers),
        adapter=adapter,
        schema=schema,
        passages=tuple(passages),
        embed_ms=embed_ms,
        retrieve_ms=retrieve_ms,
    )


def supervised_example(
    scenario: Scenario,
    query_text: str,
    answer: str,
    *,
    system: str | None = None,
    passages: Sequence[Passage] = (),
) -> tuple[Message, ...]:
    """The turns of one training example: what serving would send, then the answer that is to be learnt."""
    prompt = build_prompt(scenario, query_text, system=system, passages=passages)
    return (*prompt.messages, Message(role="assistant", content=answer))


def split_layers(rendered: str, layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Cut the exact rendered prompt into its layers, for "what the model saw".

    The result's texts, joined, are ``rendered``. What stands between layers is the template's. A layer
    whose text the template changed (trimmed, or a control token neutralised) is looked for without its outer
    white space and otherwise shown as part of the template around it.
    """
    pieces: list[Layer] = []
    position = 0
    for layer in layers:
        needle = layer.text if layer.text in rendered[position:] else layer.text.strip()
        start = rendered.find(needle, position) if needle else -1
        if start < 0:
            continue
        if start > position:
            pieces.append(Layer(kind="template", text=rendered[position:start]))
        pieces.append(Layer(kind=layer.kind, text=needle))
        position = start + len(needle)
    if position < len(rendered):
        pieces.append(Layer(kind="template", text=rendered[position:]))
    return tuple(pieces)
