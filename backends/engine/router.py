"""Which rows of a batch use which adapter, decided per row and never by PEFT's switches.

PEFT's own switches change one shared state for all rows and cost 10 to 60 ms each; its ``adapter_names=`` registers
hooks anew on every call and leaks them when a forward raises. Here every LoRA layer is switched off for good, so that
PEFT itself computes the bare base for all rows, and one hook per layer, registered once, adds each adapter's update
to its own rows: ``B(A(x)) * alpha / r`` (Hu et al. 2021, "LoRA"). Tests pin it bit for bit to PEFT's routing.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

Span = tuple[int, int, str]
"""First row, row after the last, adapter."""


class Router:
    """The routes of the batch that is running. Outside of :meth:`route` every row is the bare base."""

    def __init__(self) -> None:
        self._spans: tuple[Span, ...] = ()
        self._hooked: list[nn.Module] = []

    @property
    def hooks(self) -> int:
        """LoRA layers that this router serves."""
        return len(self._hooked)

    def attach(self, model: nn.Module) -> None:
        """Switch PEFT's own routing off and hook every LoRA layer that has no hook yet."""
        from peft.tuners.lora import LoraLayer

        for module in model.modules():
            if isinstance(module, LoraLayer):
                module.enable_adapters(False)
                for weights in (module.lora_A, module.lora_B):
                    weights.to(dtype=module.get_base_layer().weight.dtype)
                if module not in self._hooked:
                    module.register_forward_hook(self._add_updates)
                    self._hooked.append(module)

    @contextmanager
    def route(self, adapters: Sequence[str | None]) -> Iterator[None]:
        """Route row i to ``adapters[i]`` (None: the bare base) during the block; neighbours alike cost one span."""
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

    def _add_updates(self, layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
        for start, stop, name in self._spans:
            if name in layer.lora_A:  # type: ignore[operator]
                part = inputs[0][start:stop]
                update = linear(linear(part, layer.lora_A[name].weight), layer.lora_B[name].weight)  # type: ignore
                output[start:stop].add_(update, alpha=layer.scaling[name])  # type: ignore[index]
        return None


def bare(model: nn.Module) -> bool:
    """Whether the model has no adapter layers at all."""
    return not any(hasattr(module, "lora_A") for module in model.modules())


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
