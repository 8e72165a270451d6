"""Will a batch fit? Rows are split into waves beforehand; an out-of-memory error is recognised afterwards."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from backends.engine.rows import Row

SHARE = 0.6
"""Of the free memory that the keys and values may take; dropping rows copies them once."""


def column_bytes(model: "PreTrainedModel") -> int:
    """Bytes of one token's keys and values: 2 x layers x kv heads x head size x element size."""
    config = model.config.get_text_config()
    heads = config.num_attention_heads
    kv_heads = getattr(config, "num_key_value_heads", None) or heads
    head_size = getattr(config, "head_dim", None) or config.hidden_size // heads
    return 2 * config.num_hidden_layers * kv_heads * head_size * model.dtype.itemsize


def free_bytes(device: "torch.device") -> int:
    """Memory that is free on the device now."""
    if device.type == "cuda":
        import torch

        return torch.cuda.mem_get_info(device)[0]
    import psutil

    return psutil.virtual_memory().available


def waves(rows: Sequence["Row"], per_column: int, budget: float) -> list[list["Row"]]:
    """Rows in order, cut so that rows x (longest prompt + most new tokens) x ``per_column`` stays within
    ``budget`` bytes.

    A single row always gets its own wave: whether it fits is for the device to say.
    """
    found: list[list[Row]] = []
    current: list[Row] = []
    for row in rows:
        grown = [*current, row]
        columns = max(len(r.ids) for r in grown) + max(r.limit for r in grown)
        if current and len(grown) * columns * per_column > budget:
            found.append(current)
            grown = [row]
        current = grown
    return [*found, current] if current else found


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the device or the machine had no room left."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)
    )
