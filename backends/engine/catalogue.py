"""What a server has: its base model, and the scenarios' adapters, told by their ids.

The ids "support-facts/lora", "support-facts-lora" and "support-facts_lora" all mean the adapter ``lora`` of
the scenario ``support-facts``.
"""

import asyncio
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from backends.engine.adapters import FolderState, folder_state
from backends.engine.base import AdapterInfo
from backends.engine.loading import model_name
from backends.engine.server import ServedModel, Server
from backends.errors import AdapterRefused, LeverError, ModelUnavailable
from backends.settings import Settings


class Catalogue:
    """The models of one server. ``problems`` keeps, by key, why it has not an adapter that was asked for."""

    def __init__(self, server: Server, settings: Settings) -> None:
        self._server, self._settings = server, settings
        self._ids: dict[str, str] = {}
        self._states: dict[str, FolderState] = {}
        self._one_load = asyncio.Lock()
        self.base = ServedModel(id="", parent="", context_tokens=0)
        self.infos: dict[str, AdapterInfo] = {}
        self.problems: dict[str, str] = {}

    async def read(self) -> None:
        """Ask the server what it has.

        Raises:
            ServerUnavailable: it can't be asked.
            ModelUnavailable: it has not the wanted model.
        """
        models = await self._server.models()
        self.base = chosen_base(models, self._settings)
        scenarios = scenario_names(self._settings)
        others = [model.id for model in models if model.id != self.base.id]
        found = {key: id for id in others if (key := adapter_key_of(id, scenarios))}
        for key in found.keys() - self._ids.keys():
            self._note(key, found[key], digest="")
        for key in self._ids.keys() - found.keys():
            del self._ids[key], self.infos[key]

    def id_of(self, key: str | None) -> str:
        """What ``model=`` says for an adapter, or for the bare base.

        Raises:
            AdapterRefused: the server has it not.
        """
        if key is None:
            return self.base.id
        if key not in self._ids:
            raise AdapterRefused(self.problems.get(key) or f"The server has no adapter {key}.")
        return self._ids[key]

    def is_current(self, key: str, folder: Path) -> bool:
        """Whether the server has the adapter, and nobody trained it again since it was first looked for: what
        a server was started with is taken for what stands here then. Without a folder here it is current.
        """
        state = folder_state(folder)
        return key in self._ids and (not any(state) or self._states.setdefault(key, state) == state)

    async def load(self, key: str, folder: Path, digest: str) -> AdapterInfo:
        """Look whether the server has it by now; else have it load the folder, whose weights have this hash.

        Raises:
            AdapterRefused: it can't, with how to start it so that it has the adapter.
        """
        async with self._one_load:
            if not self.is_current(key, folder):
                await self._load(key, folder, digest)
        return self.infos[key]

    async def unload(self, key: str) -> None:
        """Let go of an adapter; a server that can't unload keeps it, and so do we."""
        async with self._one_load:
            if key in self._ids:
                try:
                    await self._server.unload_adapter(self._ids[key])
                except LeverError:
                    return
                del self._ids[key], self.infos[key]
                self._states.pop(key, None)

    async def _load(self, key: str, folder: Path, digest: str) -> None:
        state, again = folder_state(folder), key in self._ids
        name = self._ids.get(key) or key.replace("/", "-")
        try:
            await self.read()
            if key in self._ids and not again:
                self._states[key] = state
                return
            await self._server.load_adapter(name, str(folder.resolve()), again=key in self._ids)
        except LeverError as error:
            start = f"--enable-lora --lora-modules {name}={folder.resolve()}"
            hint = f"Start it with {start}, or let it load adapters while it runs."
            refusal = AdapterRefused(f"The server has not loaded the adapter {key}. {error.message}", hint)
            self.problems[key] = str(refusal)
            raise refusal from error
        self._note(key, name, digest=digest)
        self._states[key] = state

    def _note(self, key: str, id: str, *, digest: str) -> None:
        scenario, _, name = key.partition("/")
        self._ids[key] = id
        self.infos[key] = AdapterInfo(key=key, scenario=scenario, name=name, hash=digest, proof="not run")
        self.problems.pop(key, None)


def chosen_base(models: Sequence[ServedModel], settings: Settings) -> ServedModel:
    """The model that ``LEVER_MODEL`` names, by its id or as a folder; else the first that is no adapter.

    Raises:
        ModelUnavailable: there is none, or not the named one. A folder names its tokenizer all the same.
    """
    if not models:
        raise ModelUnavailable("The server has no model.", "Start it with one.")
    wanted = settings.model if "model" in settings.model_fields_set else ""
    named = next((model for model in models if model.id in (wanted, model_name(wanted))), None)
    if named is None and wanted and not Path(wanted).expanduser().is_dir():
        there = ", ".join(model.id for model in models[:5])
        raise ModelUnavailable(f"The server has no model {wanted}.", f"Set LEVER_MODEL to one of: {there}.")
    return named or next((model for model in models if not model.parent), models[0])


def scenario_names(settings: Settings) -> set[str]:
    """All scenarios, those of one's own too."""
    folders = (settings.scenarios_dir, settings.data_dir / "scenarios")
    return {path.parent.name for folder in folders for path in folder.glob("*/scenario.toml")}


def adapter_key_of(id: str, scenarios: Iterable[str]) -> str:
    """The key of the adapter that a model's id names; empty when it names none. Of two scenarios that fit, it
    is the longer one's.
    """
    for scenario in sorted(scenarios, key=len, reverse=True):
        found = re.fullmatch(rf"{re.escape(scenario)}[-_/]([\w-]+(?:\+[0-9]+)?)", id)
        if found:
            return f"{scenario}/{found[1]}"
    return ""
