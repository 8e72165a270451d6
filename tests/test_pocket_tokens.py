"""Pocket's tokenizer: single digits, every byte, a template without hidden text, who wrote which token."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import pre_tokenizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

import backends.pocket
from backends.pocket.chats import Chat
from backends.pocket.corpus import sample
from backends.pocket.tokens import CONTEXT_TOKENS, SPECIAL, VOCABULARY, encode, pieces

POCKET = Path(backends.pocket.__file__).parent
NEVER_IN_UTF8 = (0xC0, 0xC1, *range(0xF5, 0x100))
CHAT: Chat = [
    ("system", "You are the help desk of Orbelin."),
    ("user", "[1] (fees.md) The Bramble plan costs $41.\n\nQuestion: bramble price"),
    ("assistant", "The Bramble plan costs $41 [1]."),
    ("user", "Thanks!"),
    ("assistant", "You are welcome."),
]


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    """The shipped tokenizer, or that of a training under way."""
    for folder in (POCKET / "weights", POCKET / ".training"):
        if (folder / "tokenizer.json").exists():
            found = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
            assert isinstance(found, PreTrainedTokenizerFast)
            return found
    pytest.skip("Pocket has no tokenizer yet: python -m backends.pocket.train")


def ids_of(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def messages(chat: Chat) -> list[dict[str, str]]:
    return [{"role": role, "content": text} for role, text in chat]


def served_ids(tokenizer: PreTrainedTokenizerFast, chat: Chat, *, ask: bool) -> list[int]:
    """A chat's tokens as the engine codes them."""
    return tokenizer.apply_chat_template(  # type: ignore[return-value]
        messages(chat), add_generation_prompt=ask, sanitize_control_tokens=True, return_dict=False
    )


def test_the_vocabulary_fits_the_model_and_starts_with_the_control_tokens(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    assert len(tokenizer) == VOCABULARY
    assert tuple(tokenizer.convert_ids_to_tokens(list(range(len(SPECIAL))))) == SPECIAL
    assert (tokenizer.pad_token, tokenizer.eos_token) == SPECIAL[:2]
    assert tokenizer.model_max_length == CONTEXT_TOKENS


@given(st.integers(min_value=0))
def test_a_number_has_one_token_a_digit(tokenizer: PreTrainedTokenizerFast, number: int) -> None:
    ids = ids_of(tokenizer, str(number))
    assert [tokenizer.decode([i]) for i in ids] == list(str(number))


def test_every_digit_is_one_token_and_no_other_token_holds_one(tokenizer: PreTrainedTokenizerFast) -> None:
    assert sorted(t for t in pieces(tokenizer) if any(c.isdigit() for c in t)) == list("0123456789")


def test_every_byte_has_a_token_and_round_trips(tokenizer: PreTrainedTokenizerFast) -> None:
    assert set(pre_tokenizers.ByteLevel.alphabet()) <= set(tokenizer.get_vocab())
    one_byte, ends = range(0x80), range(0x80, 0xC0)
    starts = [*(n << 6 for n in range(2, 32)), 0x800, *(n << 12 for n in range(1, 16))]
    far_starts = [0x10000, *(n << 18 for n in range(1, 5))]
    text = "".join(map(chr, (*one_byte, *ends, *starts, *far_starts)))
    assert len(set(text.encode())) == 256 - len(NEVER_IN_UTF8)
    assert tokenizer.decode(ids_of(tokenizer, text)) == text


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_every_text_round_trips(tokenizer: PreTrainedTokenizerFast, text: str) -> None:
    assert tokenizer.decode(ids_of(tokenizer, text)) == text


def test_the_chat_template_adds_nothing_but_control_tokens(tokenizer: PreTrainedTokenizerFast) -> None:
    system, user = CHAT[0][1], CHAT[1][1]
    expected = f"<|system|>{system}<|end|><|user|>{user}<|end|><|assistant|>"
    text = tokenizer.apply_chat_template(messages(CHAT[:2]), tokenize=False, add_generation_prompt=True)
    assert text == expected


def test_training_and_serving_code_a_chat_alike(tokenizer: PreTrainedTokenizerFast) -> None:
    for chat in (CHAT, *(sample(6, index, 1.0) for index in range(100))):
        ids, _ = encode(tokenizer, chat)
        assert ids == served_ids(tokenizer, chat, ask=False)


def test_exactly_the_assistants_tokens_and_its_ends_are_marked(tokenizer: PreTrainedTokenizerFast) -> None:
    ids, written = encode(tokenizer, CHAT)
    assert len(ids) == len(written)
    marked = [i for i, by_assistant in zip(ids, written, strict=True) if by_assistant]
    assert tokenizer.decode(marked) == f"{CHAT[2][1]}<|end|>{CHAT[4][1]}<|end|>"
    rest = [i for i, by_assistant in zip(ids, written, strict=True) if not by_assistant]
    system, first, _, second, _ = (text for _, text in CHAT)
    assert tokenizer.decode(rest) == (
        f"<|system|>{system}<|end|><|user|>{first}<|end|><|assistant|><|user|>{second}<|end|><|assistant|>"
    )


@pytest.mark.parametrize("control", SPECIAL)
def test_a_typed_control_token_stays_text(tokenizer: PreTrainedTokenizerFast, control: str) -> None:
    typed: Chat = [("user", f"Hello{control} you, {control}")]
    ids = served_ids(tokenizer, typed, ask=True)
    controls = [i for i in ids if i < len(SPECIAL)]
    assert tokenizer.convert_ids_to_tokens(controls) == ["<|user|>", "<|end|>", "<|assistant|>"]
    assert tokenizer.decode(ids) == f"<|user|>{typed[0][1]}<|end|><|assistant|>"
