"""Texts and tokens of a model that runs elsewhere: framed and counted with its tokenizer where there is one
here, and else as near as can be said.
"""

import threading
from pathlib import Path

from backends.engine.chat import Chat
from backends.engine.embedding import packaged_folder
from backends.imports import load_torch
from backends.settings import Settings
from backends.types import Prompt


class ServedText:
    """``LEVER_MODEL`` gives tokenizer and chat template, where it is set to a folder that has them; else they
    are unknown here. Usable from any thread.
    """

    def __init__(self, settings: Settings) -> None:
        folder = Path(settings.model).expanduser()
        known = "model" in settings.model_fields_set and (folder / "tokenizer_config.json").is_file()
        self.counted_by = f"the tokenizer in {folder}" if known else "the embedding model's tokenizer"
        self._embedder_folder = settings.embedding_model
        self._model_folder = folder if known else None
        self.framed = known
        """Whether :meth:`render` gives what the model reads, rather than what is sent."""
        self._loading = threading.Lock()
        self.loaded: Chat | None = None
        """The model's own, once :meth:`load` has found them."""
        self._counter: Chat | None = None

    def load(self) -> None:
        """Load the model's own tokenizer and template now, where they are known.

        Raises:
            ModelUnavailable: the folder has none that can be read.
        """
        with self._loading:
            if self._model_folder is not None and self.loaded is None:
                self.loaded = _chat(self._model_folder)

    def render(self, prompt: Prompt) -> str:
        """The prompt in the model's own frame; where that is unknown, the messages as they are sent, each
        behind its role (``System: ...``, ``User: ...``), blank lines between.
        """
        self.load()
        if self.loaded is not None:
            return self.loaded.render(prompt)
        return "\n\n".join(f"{message.role.capitalize()}: {message.content}" for message in prompt.messages)

    def count_tokens(self, text: str) -> int:
        """Tokens of a plain text; where the model's tokenizer is unknown, those of the embedding model's,
        which cuts English much alike and is what passages are embedded with.

        Raises:
            KnowledgeUnavailable: there is no embedding model either.
        """
        self.load()
        return (self.loaded or self._embedders()).count_tokens(text)

    def _embedders(self) -> Chat:
        with self._loading:
            if self._counter is None:
                folder = self._embedder_folder
                self._counter = _chat(Path(folder).expanduser() if folder else packaged_folder())
            return self._counter


def _chat(folder: Path) -> Chat:
    from backends.engine.loading import load_tokenizer

    load_torch()
    return Chat(load_tokenizer(folder))
