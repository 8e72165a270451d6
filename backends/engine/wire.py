"""The OpenAI form of a chat: what is sent to a server, and what comes back in pieces."""

import json
from collections.abc import Mapping

from pydantic import BaseModel

from backends.engine.base import Request
from backends.errors import BadInput

SEED_BITS = 0x7FFFFFFF
"""What every server takes as a seed: some read 32 bits, and all ones mean "any" there."""


class _Card(BaseModel):
    id: str
    parent: str | None = None
    max_model_len: int | None = None


class Cards(BaseModel):
    """The list of models."""

    data: list[_Card]


class _Delta(BaseModel):
    content: str | None = None


class Choice(BaseModel):
    """A continuation; there is one. ``stop_reason`` is vLLM's: the stop string that ended it."""

    delta: _Delta = _Delta()
    finish_reason: str | None = None
    stop_reason: str | int | None = None


class Counted(BaseModel):
    """The tokens of one call, as the server counts them."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Chunk(BaseModel):
    """One piece of a streamed answer, as OpenAI and vLLM send it."""

    choices: list[Choice] = []
    usage: Counted | None = None
    error: Mapping[str, object] | str | None = None

    @property
    def text(self) -> str:
        """What it adds to the answer; maybe nothing."""
        return "".join(choice.delta.content or "" for choice in self.choices)

    @property
    def ended(self) -> Choice | None:
        """What says why the answer ends, in the piece that does."""
        return next((choice for choice in self.choices if choice.finish_reason), None)


def body_of(request: Request, model: str) -> dict[str, object]:
    """The call in OpenAI's words; what is off is left out, as not every server knows it.

    Raises:
        BadInput: its JSON schema is no JSON.
    """
    prompt, sampling = request.prompt, request.sampling
    body: dict[str, object] = {
        "model": model,
        "messages": [{"role": message.role, "content": message.content} for message in prompt.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        "seed": request.seed & SEED_BITS,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
    }
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    if sampling.top_k:
        body["top_k"] = sampling.top_k
    if prompt.schema is not None:
        try:
            schema = json.loads(prompt.schema)
        except ValueError as error:
            raise BadInput(f"The JSON schema can't be read: {error}.", "Mend it.") from error
        form = {"name": "answer", "schema": schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return body
