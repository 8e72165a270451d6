"""Does an adapter fit the base? Answered from its header alone, before PEFT sees the base.

PEFT wraps the base's layers first and finds wrong or missing matrices afterwards, which would leave an
unusable adapter in the shared base. So PEFT lays the adapter out on a copy of the base that has shapes but no
weights (PyTorch's meta device), and the header of the adapter's file is compared with that.
"""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Shapes = dict[str, tuple[int, ...]]
"""The shape of every LoRA matrix by its name in ``adapter_model.safetensors``."""
_PREFIX = "base_model.model."


def misfit(folder: Path, model: "PreTrainedModel") -> str:
    """Why an adapter's matrices are not those that its configuration asks for on this base; empty when they
    are.
    """
    try:
        wanted = wanted_shapes(folder, model)
    except Exception as error:
        return f"its configuration does not suit the base model ({type(error).__name__}: {error})"
    found = found_shapes(folder / "adapter_model.safetensors")
    for name, shape in wanted.items():
        if name not in found:
            return f"{name} is missing"
        if found[name] != shape:
            return f"{name} is {_by(found[name])}, but the base model needs {_by(shape)}"
    surplus = sorted(found.keys() - wanted.keys())
    return f"{surplus[0]} has no place in the base model" if surplus else ""


def wanted_shapes(folder: Path, model: "PreTrainedModel") -> Shapes:
    """The matrices that an adapter's configuration puts on a base like ``model``, which is only asked for its
    architecture.
    """
    import torch
    from peft import PeftConfig, inject_adapter_in_model
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        bare = AutoModelForCausalLM.from_config(model.config)
    with warnings.catch_warnings():  # peft 0.21 asks transformers 5 by a name that is going away
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)
        laid_out = inject_adapter_in_model(
            PeftConfig.from_pretrained(str(folder)), bare, "default", low_cpu_mem_usage=True
        )
    return {
        _PREFIX + name.replace(".default.", "."): tuple(matrix.shape)
        for name, matrix in laid_out.named_parameters()
        if ".lora_" in name
    }


def found_shapes(weights: Path) -> Shapes:
    """The matrices that a safetensors file says it holds; their values are not read."""
    from safetensors import safe_open

    with safe_open(weights, framework="np") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
