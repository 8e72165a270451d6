"""Find and load the base model: where it is, what it runs on, in which number format, and its hashes."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backends.errors import BadInput, ModelUnavailable
from backends.settings import Settings

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_NAMELESS = {"weights", "model", "checkpoint", "main"}
_DTYPES = ("float32", "bfloat16", "float16")


@dataclass(frozen=True, kw_only=True)
class Base:
    """The loaded base model. ``context_tokens`` is its longest sequence; ``end_ids`` end an answer."""

    model: "PreTrainedModel"
    base_hash: str
    template_hash: str
    context_tokens: int
    end_ids: frozenset[int]


def model_name(model: str) -> str:
    """What people call it: the folder's name (its parent's for a folder called "weights"), or the hub id."""
    path = Path(model)
    if not path.is_dir():
        return model
    path = path.resolve()
    return path.parent.name if path.name in _NAMELESS else path.name


def find_model(settings: Settings) -> Path:
    """The folder that holds the model's files; a hub id is looked up in the local cache or downloaded.

    Raises:
        ModelUnavailable: nothing there, or no safetensors weights.
    """
    wanted = settings.model
    path = Path(wanted).expanduser()
    if not path.is_dir():
        if wanted.startswith((".", "/", "~")) or wanted.count("/") != 1:
            raise ModelUnavailable(
                f"There is no model in {wanted}.", "Set LEVER_MODEL to a model folder or a Hugging Face id."
            )
        path = _hub_folder(wanted)
    if not (path / "config.json").is_file():
        raise ModelUnavailable(f"The model folder {path} has no config.json.", "Check LEVER_MODEL.")
    if not any(path.glob("*.safetensors")):
        raise ModelUnavailable(
            f"The model folder {path} has no .safetensors weights, and no other kind is loaded.",
            "Convert the weights to safetensors or set LEVER_MODEL to another model.",
        )
    return path


def _hub_folder(model_id: str) -> Path:
    from huggingface_hub import snapshot_download

    wanted = ["*.safetensors", "*.json", "*.jinja", "*.model", "*.txt"]
    try:
        try:
            return Path(snapshot_download(model_id, allow_patterns=wanted, local_files_only=True))
        except OSError:
            return Path(snapshot_download(model_id, allow_patterns=wanted))
    except Exception as error:
        raise ModelUnavailable(
            f"The model {model_id} could not be found or downloaded ({type(error).__name__}).",
            "Set LEVER_MODEL to a model folder, or check the id and the connection.",
        ) from error


def weight_bytes(folder: Path) -> int:
    """The size of the folder's safetensors files."""
    return sum(file.stat().st_size for file in folder.glob("*.safetensors"))


def weights_hash(folder: Path) -> str:
    """sha256 over the bytes of the folder's safetensors files, in the order of their names, as hex."""
    digest = hashlib.sha256()
    for file in sorted(folder.glob("*.safetensors")):
        with file.open("rb") as stream:
            while block := stream.read(1 << 22):
                digest.update(block)
    return digest.hexdigest()


def load_tokenizer(folder: Path) -> "PreTrainedTokenizerBase":
    """The model's own tokenizer, from local files only.

    Raises:
        ModelUnavailable: the folder has none that can be read.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:
        raise ModelUnavailable(
            f"The tokenizer in {folder} can't be read: {type(error).__name__}: {error}", "Check LEVER_MODEL."
        ) from error


def load_base(
    folder: Path, settings: Settings, tokenizer: "PreTrainedTokenizerBase", *, four_bit: bool = False
) -> Base:
    """Load the causal language model for inference on the chosen device; for training, its weights may be
    held in 4 bits (NF4, Dettmers et al. 2023).

    Raises:
        ModelUnavailable: the weights can't be read as a causal language model.
        BadInput: LEVER_DEVICE or LEVER_DTYPE names something that is not there, or 4 bits can't be had.
    """
    import torch
    from transformers import AutoModelForCausalLM

    device = choose_device(settings.device)
    dtype = choose_dtype(settings.dtype, device, weight_bytes(folder))
    held: dict[str, object] = {}
    if four_bit:
        held = {"quantization_config": _nf4(device, dtype), "device_map": {"": device}}
    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, trust_remote_code=False, use_safetensors=True, local_files_only=True, **held
        )
    except Exception as error:
        raise ModelUnavailable(
            f"The model in {folder} can't be loaded: {type(error).__name__}: {error}",
            "LEVER_MODEL must be a causal language model with safetensors weights.",
        ) from error
    if not four_bit:
        model.to(torch.device(device))  # type: ignore[arg-type]
    model.eval().requires_grad_(False)
    ends = model.generation_config.eos_token_id if model.generation_config else None
    listed = ends if isinstance(ends, list) else [ends]
    end_ids = frozenset(int(i) for i in (*listed, tokenizer.eos_token_id) if i is not None)
    text_config = model.config.get_text_config()
    context = int(getattr(text_config, "max_position_embeddings", None) or 2048)
    return Base(
        model=model,
        base_hash=weights_hash(folder),
        template_hash=template_hash(tokenizer),
        context_tokens=context,
        end_ids=end_ids,
    )


def why_not_four_bit(device: str) -> str:
    """Why a base can't be held in 4 bits on this device; empty when it can."""
    from importlib.util import find_spec

    if not device.startswith("cuda"):
        return "4 bits need a CUDA GPU"
    return (
        "" if find_spec("bitsandbytes") else "4 bits need the package bitsandbytes (pip install bitsandbytes)"
    )


def _nf4(device: str, dtype: "torch.dtype") -> object:
    from transformers import BitsAndBytesConfig

    if reason := why_not_four_bit(device):
        raise BadInput(f"The base can't be held in 4 bits: {reason}.", "Train without.")
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def choose_device(wanted: str) -> str:
    """The device to use for a LEVER_DEVICE setting.

    Raises:
        BadInput: it is not a device of this machine.
    """
    import torch

    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.zeros(1, device=wanted).item()  # A device without memory ("meta") holds no number.
    except (RuntimeError, AssertionError, ImportError) as error:
        raise BadInput(
            f"LEVER_DEVICE is {wanted}, but this machine can't use that.", "Set it to auto."
        ) from error
    return wanted


def choose_dtype(wanted: str, device: str, weight_bytes: int) -> "torch.dtype":
    """The number format for weights of a size: "auto" takes bfloat16 where the hardware computes in it and
    float32, the exact mode, elsewhere and for small weights on a CPU.

    Raises:
        BadInput: LEVER_DTYPE is none of auto, float32, bfloat16, float16.
    """
    import torch

    if wanted == "auto":
        if device.startswith("cuda"):
            return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
        worth_it = device == "cpu" and weight_bytes > SMALL_BYTES and _cpu_has_bfloat16()
        return torch.bfloat16 if worth_it else torch.float32
    if wanted not in _DTYPES:
        raise BadInput(f"LEVER_DTYPE is {wanted}; it can be auto, {', '.join(_DTYPES)}.")
    return getattr(torch, wanted)


def _cpu_has_bfloat16() -> bool:
    """Without AVX512-BF16 or AMX, bfloat16 on a CPU is many times slower than float32."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="ignore")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


SMALL_BYTES = 64_000_000
"""Weights up to here run faster on one thread (threads wait for one another longer than they compute) and in
float32 (bfloat16 saves them nothing, and its rounding depends on the shape of the batch).

Measured with Pocket (8 MB) on 2 cores, 20 answers of 64 tokens in one batch: 1.27 s with one thread, 3.07 s
with two. On a CPU with AVX512-BF16: 0.86 s in float32, 0.90 s in bfloat16, and of the 20 answers 20 and 8 are
the same when they are alone.
"""


def choose_threads(wanted: int, weight_bytes: int | None = None) -> int:
    """CPU threads: the setting, else OMP_NUM_THREADS, else one for small weights, else the physical cores.

    Training leaves ``weight_bytes`` out: its batches are large enough for all cores whatever the model.
    """
    if wanted:
        return wanted
    named = os.environ.get("OMP_NUM_THREADS", "")
    if named.isdigit() and int(named):
        return int(named)
    if weight_bytes is not None and weight_bytes <= SMALL_BYTES:
        return 1
    import psutil

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(psutil.cpu_count(logical=False) or usable, usable))


def template_hash(tokenizer: "PreTrainedTokenizerBase") -> str:
    """sha256 of the chat template, as hex; adapters trained on another one are told apart by it."""
    return hashlib.sha256(str(tokenizer.chat_template or "").encode()).hexdigest()
