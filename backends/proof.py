"""The contamination proof: adapters beside the base do not change a single bit of what the base computes.

(a) The logits of 8 fixed prompts and a sum over the bits of every base weight are stored before PEFT touches
the base, and must be equal afterwards, at the same shapes. (b) One merged batch runs twice, its other rows
routed to adapters and then to none; the rows without an adapter must come out bit-equal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from backends.engine.chat import Chat
    from backends.engine.router import Router

PROMPTS = (
    "What warranty does the plan include?",
    "Reply with JSON only: who should handle a broken invoice?",
    "Translate into plain words: the party of the first part shall indemnify.",
    "1 + 1 = 2, 2 + 2 = 4, 3 + 3 =",
    "Write one friendly sentence to a customer whose parcel is late.",
    "def greet(name):\n    return",
    "Zażółć gęślą jaźń; 東京 — 10 €, 20 %.",
    "Yes.",
)
STEPS = 3
"""Decode steps of the merged batch after its prefill."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What the bare base computed: logits of each prompt, shape (1, tokens, vocabulary), and its weights'
    fingerprint.
    """

    logits: tuple["Tensor", ...]
    weights: dict[str, int]


def take_reference(model: "PreTrainedModel", chat: "Chat") -> Reference:
    """Store what the bare base computes; to be called before any adapter is loaded."""
    from backends.engine.router import fingerprint

    return Reference(logits=tuple(_logits(model, ids) for ids in _tokens(chat)), weights=fingerprint(model))


def check(
    model: "PreTrainedModel",
    router: "Router",
    chat: "Chat",
    reference: Reference,
    adapters: Sequence[str],
    merges: bool = True,
) -> str:
    """Run both halves of the proof. Returns the reason why it failed, or an empty text when it passed."""
    return base_changed(model, chat, reference) or (
        row_contaminated(model, router, chat, adapters) if adapters and merges else ""
    )


def base_changed(model: "PreTrainedModel", chat: "Chat", reference: Reference) -> str:
    """Half (a): which weight or prompt is not what it was; empty when all are."""
    import torch

    from backends.engine.router import fingerprint

    now = fingerprint(model)
    if changed := [
        name for name in now.keys() | reference.weights.keys() if now.get(name) != reference.weights.get(name)
    ]:
        return f"the base weight {min(changed)} is not what it was before adapters were loaded"
    for prompt, ids, before in zip(PROMPTS, _tokens(chat), reference.logits, strict=True):
        if not torch.equal(_logits(model, ids), before):
            return f"the base computes something else than before adapters were loaded (prompt: {prompt!r})"
    return ""


def row_contaminated(
    model: "PreTrainedModel", router: "Router", chat: "Chat", adapters: Sequence[str]
) -> str:
    """Half (b): which row without an adapter changes when other rows use adapters; empty when none does."""
    import torch

    prompts = _tokens(chat)
    routes: list[str | None] = [None, *adapters, None]
    rows = [prompts[i % len(prompts)] for i in range(len(routes))]
    routed = _merged_logits(model, router, rows, routes)
    alone = _merged_logits(model, router, rows, [None] * len(rows))
    for row, route in enumerate(routes):
        if route is None and not all(torch.equal(a[row], b[row]) for a, b in zip(routed, alone, strict=True)):
            return (
                f"row {row} has no adapter, but its logits change when other rows of the batch use adapters"
            )
    return ""


def _tokens(chat: "Chat") -> list[list[int]]:
    return [chat.tokenizer(prompt, add_special_tokens=True)["input_ids"] for prompt in PROMPTS]  # type: ignore[misc]


def _logits(model: "PreTrainedModel", ids: list[int]) -> "Tensor":
    import torch

    with torch.inference_mode():
        return model(input_ids=torch.tensor([ids], device=model.device), use_cache=False).logits.cpu()


def _merged_logits(
    model: "PreTrainedModel", router: "Router", rows: list[list[int]], routes: Sequence[str | None]
) -> list["Tensor"]:
    """Logits of a left-padded batch after its prefill and after each of a few forced tokens, (rows,
    vocabulary) each.
    """
    import torch
    from transformers.cache_utils import DynamicCache

    longest = max(len(row) for row in rows)
    ids = torch.tensor([[row[0]] * (longest - len(row)) + row for row in rows], device=model.device)
    mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows], device=model.device)
    cache, found = DynamicCache(config=model.config), []
    with torch.inference_mode():
        for _ in range(1 + STEPS):
            positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
            with router.route(routes):
                out = model(
                    input_ids=ids,
                    attention_mask=mask,
                    position_ids=positions,
                    past_key_values=cache,
                    use_cache=True,
                )
            found.append(out.logits[:, -1].cpu())
            ids = torch.tensor([[row[-1]] for row in rows], device=model.device)
            mask = torch.cat([mask, torch.ones_like(mask[:, :1])], -1)
    return found
