"""Adapters: vetted before anything of them is loaded, loaded beside the base, never merged into it."""

import hashlib
import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from backends.adapter_places import CARD, CONFIG, WEIGHTS
from backends.engine.base import AdapterInfo
from backends.engine.vetting import retrain, vet
from backends.errors import AdapterRefused

if TYPE_CHECKING:
    from peft import PeftModel

    from backends.engine.loading import Base
    from backends.engine.router import Router

FILES = (CONFIG, WEIGHTS, CARD)
FolderState = tuple[tuple[int, int] | None, ...]
"""Time of the last change (ns) and size (bytes) of each of the files; None for one that is not there."""
log = logging.getLogger(__name__)


def folder_state(folder: Path) -> FolderState:
    """Changes whenever one of an adapter's files comes, goes or is written."""
    return tuple(_file_state(folder / name) for name in FILES)


def _file_state(file: Path) -> tuple[int, int] | None:
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size


class Adapters:
    """The loaded adapters of one base. ``problems`` keeps, by key, why others are not."""

    def __init__(self, base: "Base", router: "Router") -> None:
        self._base, self._router = base, router
        self._peft: PeftModel | None = None
        self._names: dict[str, str] = {}
        self._states: dict[str, FolderState] = {}
        self.infos: dict[str, AdapterInfo] = {}
        self.problems: dict[str, str] = {}

    def load_all(self, scenarios: Path) -> None:
        """Load every ``<scenario>/adapters/<name>``; a refused one is remembered and the others go on.

        Hidden folders are left alone: training works in one until its adapter is whole.
        """
        for folder in sorted(scenarios.glob("*/adapters/*")):
            if folder.is_dir() and not folder.name.startswith("."):
                key = f"{folder.parent.parent.name}/{folder.name}"
                try:
                    self.load(key, str(folder))
                except AdapterRefused as refusal:
                    log.warning("%s", refusal)

    def load(self, key: str, path: str) -> None:
        """Vet and load one adapter under ``key`` ("scenario/name"), replacing the one that has the key.

        Raises:
            AdapterRefused: with the reason and how to retrain; the reason stays in ``problems``.
        """
        scenario, _, name = key.partition("/")
        state = folder_state(Path(path))  # Before reading: what is written meanwhile counts as a change.
        try:
            digest = vet(Path(path), key, self._base.base_hash, self._base.template_hash)
            # The same weights, configured otherwise (alpha), are another adapter.
            config = (Path(path) / CONFIG).read_bytes()
            peft_name = f"ad-{hashlib.sha256(digest.encode() + config).hexdigest()[:12]}"
            if peft_name not in self._names.values():
                self._add(peft_name, path, key)
        except AdapterRefused as refusal:
            self.problems[key] = str(refusal)
            raise
        old = self._names.get(key)
        self._names[key], self._states[key] = peft_name, state
        self.problems.pop(key, None)
        self.infos[key] = AdapterInfo(key=key, scenario=scenario, name=name, hash=digest, proof="not run")
        self._let_go(old)

    def unload(self, key: str) -> None:
        """Take the adapter out of the base, with every layer that PEFT wrapped for it alone; one that is not
        loaded is no error.
        """
        old = self._names.pop(key, None)
        for kept in (self._states, self.infos, self.problems):
            kept.pop(key, None)
        self._let_go(old)

    def is_current(self, key: str, folder: Path) -> bool:
        """Whether what is loaded under the key is what stands in the folder."""
        return key in self._states and self._states[key] == folder_state(folder)

    def peft_name(self, key: str) -> str:
        """PEFT's name of a loaded adapter.

        Raises:
            AdapterRefused: it was refused or there is none.
        """
        if key in self._names:
            return self._names[key]
        scenario, _, name = key.partition("/")
        if key in self.problems:
            raise AdapterRefused(self.problems[key])
        raise AdapterRefused(f"The scenario {scenario} has no adapter called {name}.", retrain(scenario))

    def peft_names(self) -> tuple[str, ...]:
        """All loaded adapters, each once."""
        return tuple(dict.fromkeys(self._names.values()))

    def proven(self, proof: Literal["passed", "failed"]) -> None:
        """Record the proof's outcome on every adapter."""
        from dataclasses import replace

        self.infos = {key: replace(info, proof=proof) for key, info in self.infos.items()}

    def _let_go(self, peft_name: str | None) -> None:
        """Remove an adapter that no key names any more. PEFT would leave its empty wrappers in the base."""
        if peft_name is None or peft_name in self._names.values() or self._peft is None:
            return
        left = self.peft_names()
        if left:
            self._peft.set_adapter(left[0])  # PEFT warns of an active one that goes.
            self._peft.delete_adapter(peft_name)
        else:
            self._peft.unload()
            self._peft = None
        self._router.attach(self._base.model)

    def _add(self, peft_name: str, path: str, key: str) -> None:
        from peft import PeftModel

        from backends.engine.shapes import misfit

        if reason := misfit(Path(path), self._base.model):
            raise AdapterRefused(
                f"The adapter {key} does not fit the base model: {reason}.", retrain(key.partition("/")[0])
            )
        device = str(self._base.model.device)
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings(
                    "ignore", message=".*is_gradient_checkpointing", category=FutureWarning
                )
                warnings.filterwarnings("error", message=".*missing adapter keys")
                if self._peft is None:
                    self._peft = PeftModel.from_pretrained(
                        self._base.model,
                        path,
                        adapter_name=peft_name,
                        autocast_adapter_dtype=False,
                        low_cpu_mem_usage=True,
                        torch_device=device,
                    )
                else:
                    self._peft.load_adapter(
                        path,
                        adapter_name=peft_name,
                        autocast_adapter_dtype=False,
                        low_cpu_mem_usage=True,
                        torch_device=device,
                    )
        except Exception as error:
            reason = f"The adapter {key} does not fit the base model ({type(error).__name__}: {error})."
            raise AdapterRefused(reason, retrain(key.partition("/")[0])) from error
        finally:
            self._router.attach(self._base.model)
