"""From messages to the exact text and tokens that the model sees."""

import threading
from typing import TYPE_CHECKING

from backends.types import Message, Prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PLAIN_TEMPLATE = (
    "{{ bos_token if bos_token is defined and bos_token else '' }}"
    "{% for message in messages %}"
    "{{ message['role'] | capitalize }}: {{ message['content'] }}\n\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)
"""For models without a chat template: ``System: ...``, ``User: ...``, blank lines between, then
``Assistant:``.
"""


class Chat:
    """Renders and tokenises prompts. Usable from any thread: fast tokenizers are not, so a lock stands before
    them.
    """

    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        self.tokenizer = tokenizer
        self._lock = threading.Lock()
        self._template = None if tokenizer.chat_template else PLAIN_TEMPLATE

    def render(self, prompt: Prompt) -> str:
        """The prompt's text with the chat template around it; control tokens inside messages stand as they
        were typed.
        """
        with self._lock:
            rendered = self._apply(_dicts(prompt.messages), tokenize=False)
        assert isinstance(rendered, str)
        return rendered

    def encode(self, prompt: Prompt) -> tuple[str, tuple[int, ...]]:
        """The rendered text and its tokens; control tokens inside messages are encoded as plain text."""
        rendered = self.render(prompt)
        with self._lock:
            ids = self._apply(_dicts(prompt.messages), tokenize=True)
        assert isinstance(ids, list)
        return rendered, tuple(ids)

    def encode_turns(self, messages: tuple[Message, ...]) -> tuple[int, ...]:
        """The tokens of whole turns, the assistant's included, nothing asked after them; for training."""
        with self._lock:
            ids = self._apply(_dicts(messages), tokenize=True, ask=False)
        assert isinstance(ids, list)
        return tuple(ids)

    def count_tokens(self, text: str) -> int:
        """Tokens of a plain text, without special tokens."""
        with self._lock:
            return len(self.tokenizer(text, add_special_tokens=False, verbose=False).input_ids)

    def _apply(self, messages: list[dict[str, str]], tokenize: bool, ask: bool = True) -> str | list[int]:
        from jinja2 import TemplateError

        try:
            return self._apply_once(messages, tokenize, ask)
        except TemplateError:
            if messages[0]["role"] != "system":
                raise
            return self._apply_once(_without_system(messages), tokenize, ask)

    def _apply_once(self, messages: list[dict[str, str]], tokenize: bool, ask: bool) -> str | list[int]:
        return self.tokenizer.apply_chat_template(  # type: ignore[return-value]
            messages,
            chat_template=self._template,
            add_generation_prompt=ask,
            tokenize=tokenize,
            sanitize_control_tokens=tokenize,
            return_dict=False,
        )


def _dicts(messages: tuple[Message, ...]) -> list[dict[str, str]]:
    return [{"role": m.role, "content": m.content} for m in messages]


def _without_system(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """The system text put before the first user turn, for templates that know no system role."""
    system, first, *rest = messages
    return [{"role": first["role"], "content": f"{system['content']}\n\n{first['content']}"}, *rest]
