"""Pocket's tokenizer and the coding of chats: byte-level BPE, single digits, one chat template.

The template has no hidden text: ``<|system|>...<|end|><|user|>...<|end|><|assistant|>``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from backends.pocket.chats import Chat
from backends.pocket.corpus import sample

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

VOCABULARY = 4096
CONTEXT_TOKENS = 2048
SPECIAL = ("<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>")
TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def train_tokenizer(folder: Path, seed: int, chats: int = 60_000) -> None:
    """Train the vocabulary on ``chats`` samples of rising level and save it in the transformers format."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = (text for index in range(chats) for _, text in sample(seed, -1 - index, index / chats))
    tokenizer.train_from_iterator(texts, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|end|>",
        pad_token="<|pad|>",
        model_max_length=CONTEXT_TOKENS,
        additional_special_tokens=["<|system|>", "<|user|>", "<|assistant|>"],
        clean_up_tokenization_spaces=False,
    )
    fast.chat_template = TEMPLATE
    fast.save_pretrained(str(folder))


def pieces(tokenizer: PreTrainedTokenizerFast) -> tuple[str, ...]:
    """Every printable token as text, for the repeat task: each must be written now and then."""
    texts = (str(tokenizer.decode([i])) for i in range(len(SPECIAL), len(tokenizer)))
    return tuple(t for t in texts if t and t.isprintable() and "\ufffd" not in t)


def encode(tokenizer: PreTrainedTokenizerFast, chat: Chat) -> tuple[list[int], list[bool]]:
    """Token ids of a chat and, for each, whether the assistant wrote it (its end-of-turn included)."""
    ids: list[int] = []
    written: list[bool] = []
    end = _control(tokenizer, "<|end|>")
    for role, text in chat:
        head = _control(tokenizer, f"<|{role}|>")
        body = tokenizer(text, add_special_tokens=False)["input_ids"]
        ids += [head, *body, end]
        written += [False] + [role == "assistant"] * (len(body) + 1)
    return ids, written


def _control(tokenizer: PreTrainedTokenizerFast, token: str) -> int:
    found = tokenizer.convert_tokens_to_ids(token)
    if not isinstance(found, int):
        raise ValueError(f"The tokenizer has no token {token}.")
    return found
