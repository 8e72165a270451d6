"""Adapters: vetted before anything of them is loaded, loaded beside the base, never merged into it.

An adapter folder holds ``adapter_config.json``, ``adapter_model.safetensors`` and ``card.json`` (its
``base_hash`` and, where given, ``template_hash`` must be those of the running base).
"""

import hashlib
import json
import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from backends.engine.base import AdapterInfo
from backends.errors import AdapterRefused

if TYPE_CHECKING:
    from peft import PeftModel

    from backends.engine.loading import Base
    from backends.engine.router import Router

MAX_RANK = 256
_PLAIN_STARTS = (True, False, "gaussian", "orthogonal", "eva")
"""Initialisations that leave the base as it is; PiSSA, OLoRA, CorDA, LoftQ and KaSA change it."""
_FORBIDDEN = (
    "use_dora", "use_qalora", "use_bdlora", "lora_bias", "modules_to_save", "trainable_token_indices",
    "target_parameters", "layer_replication", "alora_invocation_tokens", "arrow_config", "megatron_config",
)  # fmt: skip
FILES = ("adapter_config.json", "adapter_model.safetensors", "card.json")
FolderState = tuple[tuple[int, int] | None, ...]
"""Time of the last change (ns) and size (bytes) of each of the files; None for one that is not there."""
log = logging.getLogger(__name__)


def retrain(scenario: str) -> str:
    """The command that makes a scenario's adapters, as a hint."""
    return f"Train it with: python -m compare train {scenario}"


def vet(folder: Path, scenario: str, base_hash: str, template_hash: str | None = None) -> str:
    """Check an adapter folder without loading it; returns the sha256 of its weights as hex.

    With an empty ``base_hash``, of a base that only a server knows, nobody checks that the adapter is for it.

    Raises:
        AdapterRefused: incomplete, pickled, of a kind that would change the base, or for another base.
    """
    name, hint = f"{scenario}/{folder.name}", retrain(scenario)
    weights = folder / "adapter_model.safetensors"
    if not weights.is_file():
        pickled = (folder / "adapter_model.bin").is_file()
        why = (
            "has pickle weights; only safetensors are loaded"
            if pickled
            else "has no adapter_model.safetensors"
        )
        raise AdapterRefused(f"The adapter {name} {why}.", hint)
    config = _read(folder / "adapter_config.json", name, hint)
    card = _read(folder / "card.json", name, hint)
    if base_hash and card.get("base_hash") != base_hash:
        raise AdapterRefused(f"The adapter {name} was trained for another base model.", hint)
    if template_hash and card.get("template_hash", template_hash) != template_hash:
        raise AdapterRefused(f"The adapter {name} was trained with another chat template.", hint)
    if reason := config_problem(config) or weights_problem(weights):
        raise AdapterRefused(f"The adapter {name} is refused: {reason}.", hint)
    return hashlib.sha256(weights.read_bytes()).hexdigest()


def config_problem(config: dict[str, object]) -> str:
    """Why a PEFT configuration could change the shared base or can't be routed by row; empty if neither."""
    if config.get("peft_type") != "LORA":
        return f"its kind is {config.get('peft_type')}, not LoRA"
    if config.get("bias", "none") != "none":
        return "it trains biases of the base"
    if used := [key for key in _FORBIDDEN if config.get(key)]:
        return f"it uses {', '.join(used)}"
    start = config.get("init_lora_weights", True)
    if start not in _PLAIN_STARTS:
        return f"its initialisation {start} changes the base weights"
    patterns = config.get("rank_pattern")
    ranks = [config.get("r", 8), *(patterns.values() if isinstance(patterns, dict) else ())]
    if not all(isinstance(rank, int) and 0 < rank <= MAX_RANK for rank in ranks):
        return f"its rank is not between 1 and {MAX_RANK}"
    return ""


def weights_problem(weights: Path) -> str:
    """Why a weights file is not one of plain LoRA matrices; empty when it is."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, framework="np") as file:
            names = list(file.keys())
    except (SafetensorError, OSError) as error:
        return f"its weights can't be read ({error})"
    other = [n for n in names if not n.endswith((".lora_A.weight", ".lora_B.weight"))]
    return (
        f"it holds weights that are not LoRA matrices ({other[0]})"
        if other
        else ""
        if names
        else "it is empty"
    )


def _read(file: Path, adapter: str, hint: str) -> dict[str, object]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AdapterRefused(f"The adapter {adapter} has no readable {file.name}.", hint) from error
    if not isinstance(found, dict):
        raise AdapterRefused(f"The adapter {adapter} has no readable {file.name}.", hint)
    return found


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
            digest = vet(Path(path), scenario, self._base.base_hash, self._base.template_hash)
            # The same weights, configured otherwise (alpha), are another adapter.
            config = (Path(path) / "adapter_config.json").read_bytes()
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
        if old is not None and old not in self._names.values() and self._peft is not None:
            self._peft.set_adapter(peft_name)
            self._peft.delete_adapter(old)
            self._router.attach(self._base.model)

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
