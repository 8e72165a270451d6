"""JSON mode: only tokens that can still lead to JSON of a schema may be drawn; one llguidance matcher a row.

Whitespace is fixed (``{"key": "value", ...}``), as a model that may write blanks for ever sometimes does.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from llguidance import LLMatcher, LLTokenizer
from llguidance.numpy import fill_next_token_bitmask
from torch import Tensor

from backends.errors import BadInput

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_LAYOUT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
_WORD_BITS = 32
REASON_CHARS = 300


class Grammars:
    """Compiles schemas for one tokenizer, each once; belongs to the engine's thread."""

    def __init__(
        self, tokenizer: "PreTrainedTokenizerBase", vocabulary: int, end_ids: frozenset[int]
    ) -> None:
        """``vocabulary`` is the width of the model's logits, which may be wider than the tokenizer."""
        self._tokenizer, self._vocabulary, self._end_ids = tokenizer, vocabulary, sorted(end_ids)
        self._tokens: LLTokenizer | None = None
        self._compiled = lru_cache(maxsize=32)(self._compile_once)

    def matcher(self, schema: str) -> LLMatcher:
        """A fresh matcher for a JSON schema given as text.

        Raises:
            BadInput: the schema can't be compiled, or the tokenizer can't be read.
        """
        compiled = self._compiled(schema)
        if isinstance(compiled, BadInput):
            raise BadInput(compiled.message, compiled.hint)
        return compiled.deep_copy()

    def _compile_once(self, schema: str) -> LLMatcher | BadInput:
        """A schema that can't be used is remembered too: each repeat asks for it again."""
        try:
            return self._compile(schema)
        except BadInput as error:
            return error

    def _compile(self, schema: str) -> LLMatcher:
        from llguidance.hf import from_tokenizer

        hint = "Change the schema, or leave the JSON lane out."
        if self._tokens is None:
            try:
                self._tokens = from_tokenizer(
                    self._tokenizer,  # type: ignore[arg-type]
                    n_vocab=self._vocabulary,
                    eos_token=self._end_ids,
                )
            except Exception as error:
                reason = " ".join(str(error).split())
                raise BadInput(f"This model's tokenizer can't be used for JSON mode: {reason}.") from error
        try:
            grammar = LLMatcher.grammar_from_json_schema(schema, defaults=_LAYOUT)  # type: ignore[arg-type]
        except Exception as error:
            reason = " ".join(str(error).split())
            raise BadInput(f"The JSON schema can't be used: {reason}.", hint) from error
        matcher = LLMatcher(self._tokens, grammar)
        probe = matcher.deep_copy()
        probe.compute_bitmask()  # Some schemas compile, and are too much work at their first token.
        if probe.is_error():
            raise BadInput(f"The JSON schema can't be used: {reason_of(probe)}.", hint)
        return matcher


def only_allowed(logits: Tensor, matchers: Sequence[LLMatcher | None]) -> Tensor:
    """The logits, shape (rows, vocabulary), with minus infinity where a row's matcher forbids the token.

    Rows without a matcher stay as they are; without any the tensor itself is given back.
    """
    rows = [i for i, matcher in enumerate(matchers) if matcher is not None]
    if not rows:
        return logits
    width = logits.shape[-1]
    words = np.zeros((len(rows), -(-width // _WORD_BITS)), dtype="<i4")
    for at, matcher in enumerate(matcher for matcher in matchers if matcher is not None):
        fill_next_token_bitmask(matcher, words, at)
    bits = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little", count=width)
    forbidden = torch.from_numpy(bits == 0).to(logits.device)
    masked = logits.clone()
    masked[rows] = masked[rows].masked_fill(forbidden, -torch.inf)
    return masked


def follows(matcher: LLMatcher, token: int) -> bool:
    """Tell a matcher which token was drawn; False when it gave up, now or when it was asked what may follow.

    One that gave up allows nothing but an end, which is no answer.
    """
    return matcher.consume_token(token) and not matcher.is_error()


def reason_of(matcher: LLMatcher) -> str:
    """Why a matcher gave up, in one line without its dump of the grammar."""
    first = str(matcher.get_error()).strip().partition("\n\n")[0]
    return " ".join(first.split())[:REASON_CHARS].rstrip(".")
