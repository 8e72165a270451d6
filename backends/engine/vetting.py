"""May an adapter be loaded? Answered from its files alone, before anything of them is loaded.

An adapter folder holds ``adapter_config.json``, ``adapter_model.safetensors`` and ``card.json`` (its
``base_hash`` and, where given, ``template_hash`` must be those of the running base, and ``weights_sha256``
that of the weights).
"""

import hashlib
import re
from pathlib import Path

from backends.adapter_card import said_by
from backends.adapter_places import CARD, CONFIG, WEIGHTS
from backends.errors import AdapterRefused

MAX_RANK = 256
_PLAIN_STARTS = (True, False, "gaussian", "orthogonal", "eva")
"""Initialisations that leave the base as it is; PiSSA, OLoRA, CorDA, LoftQ and KaSA change it."""
_PLAIN_NAME = re.compile(r"[\w.-]+")
_FORBIDDEN = (
    "use_dora", "use_qalora", "use_bdlora", "lora_bias", "modules_to_save", "trainable_token_indices",
    "target_parameters", "layer_replication", "alora_invocation_tokens", "arrow_config", "megatron_config",
)  # fmt: skip


def retrain(scenario: str) -> str:
    """The command that makes a scenario's adapters, as a hint."""
    return f"Train it with: python -m compare train {scenario}"


def vet(folder: Path, key: str, base_hash: str, template_hash: str | None = None) -> str:
    """Check an adapter folder without loading it; returns the sha256 of its weights as hex.

    With an empty ``base_hash``, of a base that only a server knows, nobody checks that the adapter is for it.

    Raises:
        AdapterRefused: incomplete, pickled, changed since it was registered, of a kind that would change the
            base, or for another base; the sentence calls it by its ``key`` ("scenario/name").
    """
    card = said_by(folder / CARD) or {}
    why = files_problem(folder)
    if not why and base_hash and card.get("base_hash") != base_hash:
        why = "was trained for another base model"
    if not why and template_hash and card.get("template_hash", template_hash) != template_hash:
        why = "was trained with another chat template"
    digest = "" if why else hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    if not why and card.get("weights_sha256", digest) != digest:
        why = "has other weights than when it was registered: they were damaged or exchanged"
    if why:
        raise AdapterRefused(f"The adapter {key} {why}.", retrain(key.partition("/")[0]))
    return digest


def files_problem(folder: Path) -> str:
    """Why an adapter could be loaded into no base, as what follows its name in a sentence; empty if it could
    be.
    """
    if not (folder / WEIGHTS).is_file():
        pickled = (folder / "adapter_model.bin").is_file()
        return "has pickle weights; only safetensors are loaded" if pickled else f"has no {WEIGHTS}"
    for name in (CONFIG, CARD):
        if said_by(folder / name) is None:
            return f"has no readable {name}"
    reason = config_problem(said_by(folder / CONFIG) or {}) or weights_problem(folder / WEIGHTS)
    return f"is refused: {reason}" if reason else ""


def config_problem(config: dict[str, object]) -> str:
    """Why a PEFT configuration could change the shared base or can't be routed by row; empty if neither."""
    if config.get("peft_type") != "LORA":
        return f"its kind is {config.get('peft_type')}, not LoRA"
    if config.get("bias", "none") != "none":
        return "it trains biases of the base"
    if used := [key for key in _FORBIDDEN if config.get(key)]:
        return f"it uses {', '.join(used)}"
    if pattern := _pattern_in(config):
        return f"it names layers by the pattern {pattern!r}; only plain names are taken"
    start = config.get("init_lora_weights", True)
    if start not in _PLAIN_STARTS:
        return f"its initialisation {start} changes the base weights"
    patterns = config.get("rank_pattern")
    ranks = [config.get("r", 8), *(patterns.values() if isinstance(patterns, dict) else ())]
    if not all(isinstance(rank, int) and 0 < rank <= MAX_RANK for rank in ranks):
        return f"its rank is not between 1 and {MAX_RANK}"
    return ""


def _pattern_in(config: dict[str, object]) -> str:
    """The first layer's name that is a pattern, which may take for ever to match; empty if none is."""
    for key in ("target_modules", "exclude_modules", "layers_pattern", "rank_pattern", "alpha_pattern"):
        names = config.get(key) or ()
        names = [names] if isinstance(names, str) else names
        for name in names if isinstance(names, list | dict) else ():
            if not _PLAIN_NAME.fullmatch(str(name)):
                return str(name)
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
