"""Which rows of a batch use which adapter, decided per row and never by PEFT's switches.

PEFT's own switches change one shared state for all rows and cost 10 to 60 ms each; its ``adapter_names=``
registers hooks anew on every call and leaks them when a forward raises. Here every LoRA layer is switched off
for good, so that PEFT itself computes the bare base for all rows, and one hook per layer, registered once,
adds each adapter's update to its own rows: ``B(A(x)) * alpha / r`` (Hu et al. 2021, "LoRA"). Tests pin it bit
for bit to PEFT's routing.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

if TYPE_CHECKING:
    from peft.tuners.lora import LoraLayer

Span = tuple[int, int, str]
"""First row, row after the last, adapter."""
Update = tuple[Tensor, Tensor, float]
"""An adapter's A of shape (rank, in), its B of shape (out, rank), and alpha / rank."""


class Router:
    """The routes of the batch that is running. Outside of :meth:`route` every row is the bare base."""

    def __init__(self) -> None:
        self._spans: tuple[Span, ...] = ()
        self._layers: dict[LoraLayer, dict[str, Update]] = {}

    @property
    def hooks(self) -> int:
        """LoRA layers that this router serves."""
        return len(self._layers)

    def attach(self, model: nn.Module) -> None:
        """Switch PEFT's own routing off, hook every LoRA layer that has no hook yet, and note all adapters'
        matrices. A layer without adapters goes, and its base layer takes its place again.

        To be called after every change of adapters. Adapters take the number format of their base layer.
        """
        from peft.tuners.lora import LoraLayer

        for name, layer in list(model.named_modules()):
            if isinstance(layer, LoraLayer) and not layer.lora_A:
                model.set_submodule(name, layer.get_base_layer())
        there = [layer for layer in model.modules() if isinstance(layer, LoraLayer)]
        self._layers = {layer: self._layers[layer] for layer in there if layer in self._layers}
        for layer in there:
            layer.enable_adapters(False)
            weight = layer.get_base_layer().weight
            assert isinstance(weight, Tensor)
            for matrices in (layer.lora_A, layer.lora_B):
                matrices.to(dtype=weight.dtype)
            if layer not in self._layers:
                self._layers[layer] = {}
                layer.register_forward_hook(self._add_updates)  # type: ignore[type-var]
            self._layers[layer] = {
                name: (_weight(layer.lora_A[name]), _weight(layer.lora_B[name]), layer.scaling[name])
                for name in layer.lora_A
            }

    @contextmanager
    def route(self, adapters: Sequence[str | None]) -> Iterator[None]:
        """Route row i to ``adapters[i]`` (None: the bare base) during the block; neighbours alike cost one
        span.
        """
        spans, at = [], 0
        for name, rows in groupby(adapters):
            count = len(list(rows))
            if name is not None:
                spans.append((at, at + count, name))
            at += count
        self._spans = tuple(spans)
        try:
            yield
        finally:
            self._spans = ()

    def _add_updates(self, layer: "LoraLayer", inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if not self._spans:
            return
        updates = self._layers[layer]
        for start, stop, name in self._spans:
            if name in updates:
                down, up, scale = updates[name]
                output[start:stop].add_(linear(linear(inputs[0][start:stop], down), up), alpha=scale)


def _weight(module: nn.Module) -> Tensor:
    assert isinstance(module.weight, Tensor)
    return module.weight


@torch.inference_mode()
def fingerprint(model: nn.Module) -> dict[str, int]:
    """One integer per base weight tensor (the sum of its bits), by its name without PEFT's wrapping."""
    widths = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    return {
        name.replace(".base_layer", ""): int(
            weight.view(widths[weight.element_size()]).sum(dtype=torch.int64)
        )
        for name, weight in model.named_parameters()
        if "lora_" not in name
    }
