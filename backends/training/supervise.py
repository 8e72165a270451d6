"""From conversations to token rows: only the answer and its end of turn are learnt, and nothing is cut away.

Labels are -100 (ignored by the loss) for the common token prefix of the prompt and the whole conversation, so
that a template may do what it likes around the answer.
"""

from collections.abc import Iterable, Sequence

from backends.engine.chat import Chat
from backends.errors import BadInput
from backends.training.examples import Conversation
from backends.types import Prompt

IGNORED = -100
"""The label that the loss skips; PyTorch's own ``ignore_index``."""

TokenRow = dict[str, list[int]]
"""``input_ids``, ``attention_mask`` and ``labels``, all of one length."""


def token_rows(
    conversations: Iterable[Conversation], chat: Chat, *, end_ids: frozenset[int], context_tokens: int
) -> list[TokenRow]:
    """Tokenise and check every conversation.

    Raises:
        BadInput: one is longer than the context, or its answer or end of turn would not be learnt.
    """
    return [
        _row(conversation, chat, end_ids=end_ids, context_tokens=context_tokens)
        for conversation in conversations
    ]


def _row(conversation: Conversation, chat: Chat, *, end_ids: frozenset[int], context_tokens: int) -> TokenRow:
    where = f"The example in line {conversation.line}"
    _, prompt = chat.encode(Prompt(messages=conversation.messages[:-1]))
    whole = list(chat.encode_turns(conversation.messages))
    start = common_prefix(prompt, whole)
    whole = _to_end_of_turn(whole, start, end_ids)
    if len(whole) > context_tokens:
        raise BadInput(
            f"{where} has {len(whole)} tokens, but the model reads {context_tokens}.", "Shorten or remove it."
        )
    learnt = chat.tokenizer.decode(whole[start:], skip_special_tokens=True)
    if conversation.messages[-1].content.strip() not in learnt:
        raise BadInput(
            f"{where} would not be learnt whole: the chat template changes its answer.", "Remove it."
        )
    labels = [IGNORED] * start + whole[start:]
    return {"input_ids": whole, "attention_mask": [1] * len(whole), "labels": labels}


def common_prefix(a: Sequence[int], b: Sequence[int]) -> int:
    """How many tokens two rows share from their start."""
    return next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _to_end_of_turn(whole: list[int], start: int, end_ids: frozenset[int]) -> list[int]:
    """Cut after the answer's end token; a template that writes none gets one, or no answer would end."""
    for at in range(start, len(whole)):
        if whole[at] in end_ids:
            return whole[: at + 1]
    if not end_ids:
        raise BadInput("The base model has no end-of-turn token; no answer can learn to end.")
    return [*whole, min(end_ids)]
