"""Turn a row's tokens into text as they come: no half characters, nothing of a stop string."""

from collections.abc import Sequence

from tokenizers.decoders import DecodeStream
from transformers import PreTrainedTokenizerBase


class TextStream:
    """The text of one row. ``text`` is what was given out so far; ``stopped``: a stop string came."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, stop: Sequence[str] = ()) -> None:
        self._tokenizer = tokenizer
        self._decoder = DecodeStream(skip_special_tokens=True)
        self._ids: list[int] = []
        self._stop = tuple(s for s in stop if s)
        self._decoded = ""
        self._held = ""
        self.text = ""
        self.stopped = False

    def push(self, token_id: int) -> str:
        """The text that this token lets out; empty inside a character or while it may begin a stop string."""
        self._ids.append(token_id)
        try:
            piece = self._decoder.step(self._tokenizer.backend_tokenizer, token_id) or ""
        except Exception:  # tokenizers raises a bare Exception on byte sequences that no text has
            piece = self._rest_by_whole_decoding()
            self._decoder = DecodeStream(skip_special_tokens=True)
        self._decoded += piece
        return self._release(piece)

    def finish(self) -> str:
        """What is still held back when the row ends for another reason than a stop string."""
        if self.stopped:
            return ""
        delta = self._release(self._rest_by_whole_decoding().rstrip("\ufffd"))
        if not self.stopped:
            delta += self._held
            self.text += self._held
            self._held = ""
        return delta

    def _rest_by_whole_decoding(self) -> str:
        whole = self._tokenizer.decode(
            self._ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        assert isinstance(whole, str)
        return whole[len(self._decoded) :] if whole.startswith(self._decoded) else ""

    def _release(self, piece: str) -> str:
        if not self._stop:
            self.text += piece
            return piece
        pending = self._held + piece
        found = [at for at in (pending.find(s) for s in self._stop) if at >= 0]
        if found:
            self.stopped, self._held = True, ""
            delta = pending[: min(found)]
        else:
            keep = max((_overlap(pending, s) for s in self._stop), default=0)
            delta = pending[: len(pending) - keep]
            self._held = pending[len(pending) - keep :]
        self.text += delta
        return delta


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of ``text`` that is a beginning of ``stop``."""
    return next((n for n in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:n])), 0)
