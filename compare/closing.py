"""What is stored once a run's last call has ended: embeddings, how its lanes differ, what they had learnt.

Both kinds of run end here, so that every run can be measured later from the store alone, without a model.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress

import numpy as np

from backends.base import READS
from backends.engine.base import Engine
from backends.errors import BadInput, KnowledgeUnavailable
from backends.ledger import Ledger
from backends.registry import registry
from backends.types import Sampling
from compare.cases import Case
from compare.lane_names import lane_name
from compare.lanes import backend_of
from compare.live import Provenance
from compare.run_leakage import look_for_leaks
from compare.store import Store

UNKNOWN = "unknown"
"""What only a remote server knows of its model."""
AT_ONCE = 32
"""Texts that are embedded in one go; a live question waits for so many at most."""


def close_run(
    run_id: str,
    ledger: Ledger,
    *,
    cases: Sequence[Case],
    repeats: int,
    sampling: Sampling,
    store: Store,
    engine: Engine,
    provenance: Callable[[], Provenance],
    go_on: Callable[[], None] = lambda: None,
    by_meaning: bool = True,
) -> None:
    """Store what measuring needs; ``provenance`` notes and gives what produced the answers.

    The run's ``cases`` are looked for in what its adapters learnt from, ``by_meaning`` with embeddings too.
    ``go_on`` is called between batches and may raise to stop; what was stored stays.

    Raises:
        EngineStopped: the engine is gone.
        StoreUnavailable: nothing can be stored.
    """
    if repeats > 1 and sampling.temperature > 0:  # Agreement is measured on repeats that are no copies.
        with suppress(KnowledgeUnavailable):  # No embedder: agreement in meaning stays unknown.
            _embed(store.answer_texts(run_id), store, engine, go_on)
    cut_short = store.cut_short(run_id)
    produced = provenance()
    hashes = {adapter.key: adapter.hash for adapter in produced.adapters}
    settings = _settings(ledger.lanes, sampling, produced, cut_short)
    store.set_ledger(run_id, ledger.entries(settings, hashes))

    def vectors_of(texts: Collection[str]) -> Mapping[str, np.ndarray] | None:
        try:
            _embed(texts, store, engine, go_on)
        except KnowledgeUnavailable:
            return None
        return store.embeddings(texts, engine.status().embedder_hash)

    found = look_for_leaks(cases, store.adapter_keys(run_id), vectors_of if by_meaning else None)
    store.set_leakage(run_id, found)


def require_same_make(before: Provenance | None, now: Provenance, lanes: Collection[str]) -> None:
    """Answers of two models, or from two states of the documents, are no run: what it was begun with must be
    what there is.

    Raises:
        BadInput: it was begun with another base model or with other weights of an adapter; or a lane reads
            documents, and they or the retrieval settings changed.
    """
    if before is None:
        return
    if (before.base_hash or before.model) != (now.base_hash or now.model):  # A server tells no hash.
        raise BadInput(
            f"This run was begun with the model {before.model}; now {now.model} is loaded.",
            "Set LEVER_MODEL to the first one, or start a new run.",
        )
    hashes = {adapter.key: adapter.hash for adapter in now.adapters}
    for adapter in before.adapters:
        if hashes.get(adapter.key, adapter.hash) != adapter.hash:
            raise BadInput(
                f"The adapter {adapter.key} was trained again since this run was begun.", "Start a new run."
            )
    reads = any(READS & set(registry()[backend_of(lane)].layers) for lane in lanes)
    if reads and before.knowledge and before.knowledge != now.knowledge:
        raise BadInput(
            "The documents or how passages are found changed since this run was begun: "
            f"{before.knowledge}; now {now.knowledge or 'there are none'}.",
            "Put them back, or start a new run.",
        )


def require_same_adapters(before: Mapping[str, str | None], now: Mapping[str, str | None]) -> None:
    """A lane goes on with the adapter that it began with, whichever is in use by now. Both are the engine's
    keys of adapters by lane; ``before`` lacks those that were asked nothing.

    Raises:
        BadInput: the first lane that would not; the sentence names both adapters.
    """
    for lane, began in before.items():
        if now.get(lane) != began:
            raise BadInput(
                f"{lane_name(lane)} began this run with the adapter {began}; now {now.get(lane)} is in use.",
                "Use the first one again, or start a new run.",
            )


def _embed(texts: Collection[str], store: Store, engine: Engine, go_on: Callable[[], None]) -> None:
    """Embed those of the texts that have no embedding yet, behind all live questions."""
    if not texts:
        return
    engine.embed(["warm-up"], background=True)  # Loads the model: only then its hash is known.
    embedder = engine.status().embedder_hash
    # By length: a batch is as long as its longest text, and memory of one shape is used again.
    left = sorted(store.without_embedding(texts, embedder), key=len)
    for first in range(0, len(left), AT_ONCE):
        go_on()
        some = left[first : first + AT_ONCE]
        vectors, _ = engine.embed(some, background=True)
        store.save_embeddings(dict(zip(some, vectors, strict=True)), embedder)


def _settings(
    lanes: Collection[str], sampling: Sampling, produced: Provenance, cut_short: Mapping[str, int]
) -> dict[str, dict[str, str]]:
    """What no lever may change, by lane. A long prompt may leave less room for the answer than asked."""
    same = {
        "base model": f"{produced.model} {produced.base_hash[:8]}".strip(),
        "number format": f"{produced.dtype or UNKNOWN} on {produced.device}",
        "chat template": produced.template_hash[:8] or UNKNOWN,
        "sampling": f"temperature {sampling.temperature:g}, top-p {sampling.top_p:g}, top-k {sampling.top_k}",
    }
    longest = f"{sampling.max_tokens} tokens"
    return {
        **{what: dict.fromkeys(lanes, value) for what, value in same.items()},
        "longest answer": {
            lane: f"{longest}, {cut_short[lane]} cut short by the context" if lane in cut_short else longest
            for lane in lanes
        },
    }
