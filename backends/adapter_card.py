"""What an adapter's ``card.json`` says of how it was made.

Read leniently: cards of other versions of Lever say less or more, and what is not said is empty or None.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from backends.adapter_places import CARD, WEIGHTS
from backends.training import Epoch

T = TypeVar("T")
Origin = Literal["shipped", "trained", "imported"]


@dataclass(frozen=True, kw_only=True)
class Card:
    """How an adapter was made. Losses are means over supervised tokens, in nats.

    ``data_hash`` is the SHA-256 of the examples' file, ``weights_sha256`` of the weights' as they were
    registered; ``examples`` counts those in the file, learnt from and held out. With ``vouched`` somebody
    said which base an adapter is for that did not say it itself.
    """

    base_model: str = ""
    base_hash: str = ""
    template_hash: str = ""
    data_hash: str = ""
    weights_sha256: str = ""
    recipe: Mapping[str, int | float | str] = field(default_factory=dict, hash=False)
    epochs: tuple[Epoch, ...] = ()
    kept_epoch: float | None = None
    held_out_loss: float | None = None
    examples: Mapping[str, int] = field(default_factory=dict, hash=False)
    seconds: float | None = None
    tokens_per_second: float | None = None
    size_bytes: int = 0
    versions: Mapping[str, str] = field(default_factory=dict, hash=False)
    trained_at: str = ""
    trained_by: str = ""
    note: str = ""
    origin: Origin = "trained"
    vouched: bool = False


def said_by(file: Path) -> dict[str, object] | None:
    """What a JSON file says; None when it can't be read or is no object."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def card_of(folder: Path) -> Card:
    """The card of the adapter in a folder; never raises."""
    said = said_by(folder / CARD) or {}
    weights = folder / WEIGHTS
    texts = (
        "base_model", "base_hash", "template_hash", "data_hash", "weights_sha256", "trained_at", "trained_by",
        "note",
    )  # fmt: skip
    figures = ("kept_epoch", "held_out_loss", "seconds", "tokens_per_second")
    return Card(
        recipe=_some(said.get("recipe"), (int, float, str, bool)),
        epochs=tuple(_epochs(said.get("epochs"))),
        examples=_some(said.get("examples"), (int,)),
        size_bytes=weights.stat().st_size if weights.is_file() else 0,
        versions=_some(said.get("versions"), (str,)),
        origin="imported" if said.get("origin") == "imported" else "trained",
        vouched=said.get("vouched") is True,
        **{key: value for key in texts if isinstance(value := said.get(key), str)},  # type: ignore[arg-type]
        **{key: _figure(said.get(key)) for key in figures},  # type: ignore[arg-type]
    )


def _figure(value: object) -> float | None:
    return float(value) if type(value) in (int, float) and math.isfinite(value) else None  # type: ignore


def _some(table: object, kinds: tuple[type[T], ...]) -> dict[str, T]:
    """The entries whose values are of these types."""
    entries = table.items() if isinstance(table, dict) else ()
    return {key: value for key, value in entries if type(value) in kinds}


def _epochs(rows: object) -> list[Epoch]:
    found = []
    for row in rows if isinstance(rows, list) else ():
        said = row if isinstance(row, dict) else {}
        epoch, training, held_out = (_figure(said.get(key)) for key in ("epoch", "training", "held_out"))
        if epoch is not None and held_out is not None:
            found.append(Epoch(epoch=epoch, training=training, held_out=held_out))
    return found
