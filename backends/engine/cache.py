"""A key/value cache with its room set aside beforehand: a step writes one column instead of copying all of
them.

Rows of different prompt lengths stand right-aligned in it; the columns left of a row's prompt hold zeros,
which its attention mask hides.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer


class SlotLayer(DynamicLayer):
    """One layer's keys and values, each of shape (rows, heads, room, head size), filled up to ``length``."""

    def __init__(self, keys: Tensor, values: Tensor, length: int) -> None:
        super().__init__()
        self._slots, self._length = (keys, values), length
        self.dtype, self.device = keys.dtype, keys.device
        self.keys, self.values = keys[:, :, :length], values[:, :, :length]
        self.is_initialized = True

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """Write the new columns and return all that are filled."""
        end = self._length + key_states.shape[-2]
        keys, values = self._slots
        keys[:, :, self._length : end] = key_states
        values[:, :, self._length : end] = value_states
        self._length = end
        self.keys, self.values = keys[:, :, :end], values[:, :, :end]
        return self.keys, self.values

    def get_seq_length(self) -> int:
        """Columns filled."""
        return self._length

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep these rows."""
        self._slots = (self._slots[0][indices], self._slots[1][indices])
        self.keys, self.values = (slot[:, :, : self._length] for slot in self._slots)


def mergeable(config: object) -> bool:
    """Whether every layer keeps plain full attention, so that rows of different prompts can share a batch."""
    layers = DynamicCache(config=config).layers  # type: ignore[arg-type]
    return bool(layers) and all(type(layer) is DynamicLayer for layer in layers)


def _parts(layer: object) -> tuple[Tensor, Tensor]:
    assert isinstance(layer, DynamicLayer)
    assert isinstance(layer.keys, Tensor)
    assert isinstance(layer.values, Tensor)
    return layer.keys, layer.values


class MergedSlots:
    """Room for a whole batch, into which each prompt's prefilled cache is copied."""

    def __init__(self, like: Cache, rows: int, longest_prompt: int, room: int) -> None:
        self._longest = longest_prompt
        self._layers = [
            tuple(
                torch.zeros(
                    (rows, t.shape[1], longest_prompt + room, t.shape[3]), dtype=t.dtype, device=t.device
                )
                for t in _parts(layer)
            )
            for layer in like.layers
        ]

    def place(self, prefilled: Cache, rows: Sequence[int]) -> None:
        """Copy one prompt's cache (one row) into all rows that continue it."""
        start, stop = rows[0], rows[-1] + 1
        for slots, layer in zip(self._layers, prefilled.layers, strict=True):
            for slot, part in zip(slots, _parts(layer), strict=True):
                slot[start:stop, :, self._longest - part.shape[2] : self._longest] = part

    def cache(self) -> Cache:
        """The batch's cache, ready for the first decode step."""
        return Cache(layers=[SlotLayer(keys, values, self._longest) for keys, values in self._layers])
