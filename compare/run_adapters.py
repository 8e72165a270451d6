"""The adapters that answered in a stored run, found again by the digest of their weights."""

import hashlib
from functools import lru_cache
from pathlib import Path

from backends.adapter_card import Card
from backends.adapter_places import WEIGHTS
from backends.adapters import registered
from backends.errors import BadInput
from backends.scenario import load_scenario
from compare.measured import StoredRun


def trained_card(run: StoredRun, lane: str) -> Card | None:
    """The card of the adapter that answered in a lane; None without one, or when that very one is not here
    any more.
    """
    used = next((entry.values.get(lane, "") for entry in run.ledger or () if entry.what == "adapter"), "")
    key, _, digest = used.partition(" ")
    if not digest or " " in digest:
        return None
    try:
        known = registered(load_scenario(key.partition("/")[0]))
    except BadInput:
        return None
    found = next((one for one in known if one.key == key and not one.problem), None)
    if found is None:
        return None
    weights = found.folder / WEIGHTS
    stat = weights.stat()
    return found.card if _digest(weights, stat.st_mtime_ns, stat.st_size).startswith(digest) else None


@lru_cache(maxsize=64)
def _digest(weights: Path, changed_ns: int, size: int) -> str:
    """A page asks at every rerun; a file of the same time and size is not read again."""
    with weights.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
