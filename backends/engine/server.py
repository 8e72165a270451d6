"""An OpenAI-style server, seen from here: its models, its adapters, its answers piece by piece.

Whatever goes wrong is one of Lever's errors, in a sentence that never holds the key.
"""

import json
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from httpx_sse import EventSource, SSEError
from pydantic import SecretStr, ValidationError

from backends.engine.base import Request
from backends.engine.wire import Cards, Chunk, body_of
from backends.errors import BadInput, LeverError, RequestRefused, ServerUnavailable

CONNECT_S = 5.0
"""How long a server may take to accept a connection."""
LOOK_S = 10.0
"""How long it may take to say what it has."""
SILENCE_S = 120.0
"""How long a server may say nothing before its answer, or between two pieces of it."""
IDLE_S = 2.0
"""Connections that idled longer are not used again: servers close them after 5 s, and a call that is sent
at that moment would be lost."""
WORDS = 300
"""Characters of what a server says that are passed on."""


@dataclass(frozen=True, kw_only=True)
class ServedModel:
    """A model, or an adapter (it has a ``parent``). ``context_tokens`` is 0 when the server does not say."""

    id: str
    parent: str
    context_tokens: int


class Server:
    """One address and its key. Construct and use it on one event loop; :meth:`close` ends its connections."""

    def __init__(self, url: str, key: SecretStr) -> None:
        """Raises BadInput for an address or a key that can be none."""
        self.url, self._key = address(url), key.get_secret_value().strip()
        if not (self._key.isascii() and self._key.isprintable()):
            raise BadInput("LEVER_ENGINE_KEY holds characters that no key has.", "Copy it again.")
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            timeout=httpx.Timeout(SILENCE_S, connect=CONNECT_S, pool=None),
            limits=httpx.Limits(max_connections=None, keepalive_expiry=IDLE_S),
        )

    async def close(self) -> None:
        """End all connections; answers that still come break off."""
        await self._client.aclose()

    async def models(self) -> tuple[ServedModel, ...]:
        """What the server can answer with, in its order.

        Raises:
            ServerUnavailable: it can't be reached, wants another key, or is no such server.
        """
        with self._told():
            limits = httpx.Timeout(LOOK_S, connect=CONNECT_S)
            answer = await self._client.get(f"{self.url}/v1/models", timeout=limits)
            await self._check(answer)
            cards = Cards.model_validate_json(answer.content).data
        return tuple(
            ServedModel(id=card.id, parent=card.parent or "", context_tokens=card.max_model_len or 0)
            for card in cards
        )

    async def load_adapter(self, name: str, path: str, *, again: bool) -> None:
        """Have the server load an adapter from a folder that it can read, as vLLM does; ``again`` lets go of
        the one that has the name.

        Raises:
            LeverError: it can't, or may not.
        """
        with self._told():
            if again:
                await self._post("unload_lora_adapter", {"lora_name": name})
            await self._post("load_lora_adapter", {"lora_name": name, "lora_path": path})

    async def unload_adapter(self, name: str) -> None:
        """Have the server let go of an adapter.

        Raises:
            LeverError: it can't, or may not.
        """
        with self._told():
            await self._post("unload_lora_adapter", {"lora_name": name})

    async def chat(self, request: Request, model: str) -> AsyncGenerator[Chunk]:
        """The answer's pieces as they come, the last one that it needs included.

        Raises:
            RequestRefused: the server does not take this call.
            ServerUnavailable: it can't be reached, or its answer broke off.
        """
        body, ended = body_of(request, model), False
        with self._told():
            async with self._client.stream("POST", f"{self.url}/v1/chat/completions", json=body) as answer:
                await self._check(answer, schema=request.prompt.schema is not None)
                async for event in EventSource(answer).aiter_sse():
                    if event.data == "[DONE]":
                        break
                    chunk = Chunk.model_validate_json(event.data)
                    if chunk.error is not None:
                        words = self._shown(json.dumps({"error": chunk.error}))
                        raise ServerUnavailable(f"The server gave up in the midst of this answer: {words}")
                    ended = ended or chunk.ended is not None
                    yield chunk
            if not ended:
                raise ServerUnavailable("The server's answer broke off before its end.", "Ask again.")

    async def _post(self, action: str, body: Mapping[str, str]) -> None:
        await self._check(await self._client.post(f"{self.url}/v1/{action}", json=body))

    async def _check(self, answer: httpx.Response, *, schema: bool = False) -> None:
        """Raise what an answer other than 200 means."""
        status = answer.status_code
        if status == httpx.codes.OK:
            return
        if status in (401, 403):
            wrong = "does not take the key in LEVER_ENGINE_KEY" if self._key else "wants a key"
            raise ServerUnavailable(f"The server {self.url} {wrong}.", "Set LEVER_ENGINE_KEY to its key.")
        words = self._shown(await _beginning(answer))
        if status == 429 or status >= 500:
            raise ServerUnavailable(f"The server has trouble ({status}): {words}", "Ask again later.")
        if schema:
            hint = "It may not know how to hold an answer to a JSON schema; leave that lane out."
            raise RequestRefused(f"The server refuses to answer in this JSON form ({status}): {words}", hint)
        hint = "Look at the prompt's length and the longest answer, and whether LEVER_ENGINE_URL is right."
        raise RequestRefused(f"The server refuses this ({status}): {words}", hint)

    def _shown(self, said: str) -> str:
        """A server's words as one short line; servers have been seen to repeat the key."""
        try:
            found = json.loads(said)
        except ValueError:
            found = said
        while isinstance(found, dict):
            found = next(
                (found[name] for name in ("error", "message", "detail") if name in found), str(found)
            )
        words = " ".join(str(found).split())
        words = words.replace(self._key, "(the key)") if self._key else words
        return f"{words[:WORDS].rstrip('.')}." if words else "it does not say why."

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what the libraries raise into Lever's errors."""
        try:
            yield
        except LeverError:
            raise
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            why = self._shown(str(error) or "it did not answer in time").rstrip(".")
            hint = "Start it, or check LEVER_ENGINE_URL."
            raise ServerUnavailable(f"The server {self.url} can't be reached: {why}.", hint) from None
        except httpx.TimeoutException:
            raise ServerUnavailable("The server said nothing for too long.", "Ask again.") from None
        except (SSEError, ValidationError, httpx.DecodingError):
            hint = "LEVER_ENGINE_URL must lead to an OpenAI-style server."
            raise ServerUnavailable("The server sent something that can't be understood.", hint) from None
        except httpx.HTTPError:
            raise ServerUnavailable("The connection to the server broke off.", "Ask again.") from None


def address(url: str) -> str:
    """A server's address without ``/v1`` and without a slash at its end.

    Raises:
        BadInput: it is none, or holds a password.
    """
    try:
        parsed = httpx.URL(url.strip())
        usable = parsed.scheme in ("http", "https") and bool(parsed.host)
    except httpx.InvalidURL:
        usable = False
    if not usable:
        raise BadInput("LEVER_ENGINE_URL is no address of a server.", "Write it as http://localhost:8000.")
    if parsed.userinfo or parsed.query:
        raise BadInput(
            "LEVER_ENGINE_URL holds more than an address.", "Put a key into LEVER_ENGINE_KEY instead."
        )
    return str(parsed).rstrip("/").removesuffix("/v1")


def shown_address(url: str) -> str:
    """The address for people to see; nothing of one that can't be used."""
    try:
        return address(url)
    except BadInput:
        return ""


async def _beginning(answer: httpx.Response) -> str:
    """The first few thousand characters of what a server says about a failure."""
    said = ""
    if answer.is_closed:
        return answer.text[:4096]
    async for text in answer.aiter_text():
        said += text
        if len(said) > 4096:
            break
    return said
