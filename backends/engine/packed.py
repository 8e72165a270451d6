"""Linear layers whose weights lie in memory as oneDNN's kernels read them.

A question has some ten tokens: its forward pass is bound by reading the weights, and PyTorch's ordinary
linear layer rearranges them for the kernel in every call. Rearranged once, all-MiniLM-L6-v2 took 10 ms
instead of 15 for a question of 11 tokens, with the same vectors up to 3e-7. PyTorch's own compiler does the
same when it freezes a model, by the same operators.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def pack_linears(model: "torch.nn.Module") -> None:
    """Replace the float32 linear layers of ``model``, which must stay on the CPU and is never trained
    again. Does nothing where PyTorch comes without oneDNN.
    """
    import torch

    if not torch.backends.mkldnn.is_available() or not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return

    class PackedLinear(torch.nn.Module):
        """A linear layer for inference; its weight can't be read back."""

        def __init__(self, linear: torch.nn.Linear) -> None:
            super().__init__()
            self.weight = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), None)
            self.bias = None if linear.bias is None else linear.bias.detach()

        def forward(self, states: torch.Tensor) -> torch.Tensor:
            return torch.ops.mkldnn._linear_pointwise(states, self.weight, self.bias, "none", [], "")

    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if type(child) is torch.nn.Linear and child.weight.dtype == torch.float32:
                setattr(module, name, PackedLinear(child))
