"""The batch loop: each distinct prompt is prefilled once, expanded to its repeats, and all rows decode
together.

``generate`` is not used: it has one random generator and one sampling setting a batch, and prefills every
repeat again. It is the oracle of the tests instead (greedy, token for token).
"""

import time
from collections.abc import Callable, Sequence
from itertools import groupby

import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers.cache_utils import Cache, DynamicCache

from backends.engine.base import Done, Failed, Started
from backends.engine.base import Text as TextEvent
from backends.engine.cache import MergedSlots, mergeable
from backends.engine.constraint import follows, only_allowed, reason_of
from backends.engine.router import Router
from backends.engine.rows import Row, answer_of
from backends.engine.sampling import Sampler
from backends.types import Failure, FinishReason

Emit = Callable[[Started | TextEvent | Done | Failed], None]
Tick = Callable[[], None]


class Decoder:
    """Runs batches on one model. Not thread-safe: it belongs to the engine's thread."""

    def __init__(self, model: PreTrainedModel, router: Router, end_ids: frozenset[int]) -> None:
        self._model, self._router, self._end_ids = model, router, end_ids
        self._device = model.device
        self.merges = mergeable(model.config)
        self._adds_masks = model.config._attn_implementation in ("sdpa", "eager")

    def run(self, rows: Sequence[Row], emit: Emit, tick: Tick) -> None:
        """Decode all rows to their ends; ``tick`` is called between steps and may mark rows as cancelled."""
        ordered = sorted(rows, key=lambda row: row.prompt_key)
        groups = [list(group) for _, group in groupby(ordered, key=lambda row: row.prompt_key)]
        with torch.inference_mode():
            if self.merges:
                self._run_batch(groups, emit, tick)
            else:
                for group in groups:
                    self._run_batch([group], emit, tick)

    def _run_batch(self, groups: list[list[Row]], emit: Emit, tick: Tick) -> None:
        batch = _Batch(self, [row for group in groups for row in group], emit)
        at = 0
        for group in groups:
            tick()
            batch.prefill(group, at)
            at += len(group)
        batch.begin()
        while batch.rows:
            tick()
            batch.step()

    def prefill(self, ids: tuple[int, ...], adapter: str | None) -> tuple[Cache, Tensor]:
        """The cache of one prompt and the logits after it, of shape (1, vocabulary)."""
        cache = DynamicCache(config=self._model.config)
        tokens = torch.tensor([ids], device=self._device)
        with self._router.route([adapter]):
            out = self._model(input_ids=tokens, past_key_values=cache, use_cache=True, logits_to_keep=1)
        return cache, out.logits[:, -1]


class _Batch:
    """The tensors of the rows that still decode. Row i of every tensor is ``rows[i]``."""

    def __init__(self, decoder: Decoder, rows: list[Row], emit: Emit) -> None:
        self._d, self.rows, self._emit = decoder, rows, emit
        self._longest = max(len(row.ids) for row in rows)
        self._room = max(row.limit for row in rows)
        self._sampler = Sampler(
            [row.request.sampling for row in rows],
            [row.request.seed for row in rows],
            decoder._device,
            steps=self._room,
        )
        self._slots: MergedSlots | None = None
        self._cache: Cache | None = None
        self._step = 0

    def prefill(self, group: list[Row], at: int) -> None:
        """Prefill one prompt, draw and show each repeat's first token. ``at`` is the group's first row."""
        if all(row.cancelled for row in group):
            for row in group:
                self._end(row, "cancelled")
            return
        start = time.perf_counter()
        for row in group:
            if row.first_token_at is None:
                self._emit(Started(request_id=row.request.id))
        cache, logits = self._d.prefill(group[0].ids, group[0].adapter)
        span = list(range(at, at + len(group)))
        if self._d.merges:
            if self._slots is None:
                self._slots = MergedSlots(cache, len(self.rows), self._longest, self._room)
            self._slots.place(cache, span)
        else:
            _take_rows(cache, torch.zeros(len(group), dtype=torch.int64, device=self._d._device))
            self._cache = cache
        allowed = only_allowed(logits.expand(len(group), -1), [row.matcher for row in group])
        drawn = self._sampler.select(span).draw(allowed, 0).tolist()
        now = time.perf_counter()
        for row, token in zip(group, drawn, strict=True):
            row.prefill_s = now - start
            row.device_s += (now - start) / len(group)
            row.first_token_at = row.first_token_at or now
            row.decode_from = now
            self._take(row, token)

    def begin(self) -> None:
        """Merge the rows that go on and set their masks, positions and routes."""
        if self._slots is not None:
            self._cache, self._slots = self._slots.cache(), None
        device, lengths = self._d._device, [len(row.ids) for row in self.rows]
        self._positions = torch.tensor([[n - 1] for n in lengths], device=device)
        columns = torch.arange(self._longest + self._room, device=device)
        padding = torch.tensor([[self._longest - n] for n in lengths], device=device)
        self._mask = self._as_mask(columns >= padding) if min(lengths) < self._longest else None
        now = time.perf_counter()
        for row in self.rows:
            if not row.finished:
                row.decode_from = now
        self._drop_finished()

    def step(self) -> None:
        """One forward for all rows, one token for each."""
        for row in self.rows:
            if row.cancelled:
                self._end(row, "cancelled")
        self._drop_finished()
        if not self.rows:
            return
        start = time.perf_counter()
        self._step += 1
        tokens = torch.tensor([[row.tokens[-1]] for row in self.rows], device=self._d._device)
        self._positions = self._positions + 1
        with self._d._router.route([row.adapter for row in self.rows]):
            out = self._d._model(
                input_ids=tokens,
                attention_mask=self._mask_now(),
                position_ids=self._positions,
                past_key_values=self._cache,
                use_cache=True,
            )
        allowed = only_allowed(out.logits[:, -1], [row.matcher for row in self.rows])
        drawn = self._sampler.draw(allowed, self._step).tolist()
        share = (time.perf_counter() - start) / len(self.rows)
        for row, token in zip(self.rows, drawn, strict=True):
            row.device_s += share
            self._take(row, token)
        self._drop_finished()

    def _mask_now(self) -> Tensor | None:
        return None if self._mask is None else self._mask[..., : self._longest + self._step]

    def _as_mask(self, visible: Tensor) -> Tensor:
        """What the model takes as a mask: added to the scores where it does that (nothing is rebuilt per
        step), else 0/1.
        """
        if not self._d._adds_masks:
            return visible.long()
        added = torch.zeros(visible.shape, dtype=self._d._model.dtype, device=visible.device)
        return added.masked_fill_(~visible, torch.finfo(added.dtype).min)[:, None, None]

    def _take(self, row: Row, token: int) -> None:
        """Add a token to its row and show what it lets out."""
        if row.matcher is not None and not follows(row.matcher, token):
            self._lose(row)
            return
        row.tokens.append(token)
        row.stream.push(token)
        self._show(row)
        if row.stream.stopped:
            self._end(row, "stop")
        elif token in self._d._end_ids:
            self._end(row, "end")
        elif len(row.tokens) >= row.limit:
            self._end(row, "length")

    def _show(self, row: Row) -> None:
        """Send what the row's text has beyond what was shown (after a retry its beginning was)."""
        delta = row.stream.text[len(row.shown) :]
        if not delta:
            return
        if row.first_text_at is None:
            row.first_text_at = time.perf_counter()
        row.shown += delta
        self._emit(TextEvent(request_id=row.request.id, delta=delta))

    def _end(self, row: Row, finish: FinishReason) -> None:
        row.stream.finish()
        self._show(row)
        if row.shown != row.stream.text:
            row.marks.append("text joined across a retry")
        row.finished = True
        self._emit(Done(request_id=row.request.id, answer=answer_of(row, finish)))

    def _lose(self, row: Row) -> None:
        """End a row whose schema turned out to be too much work; the others go on."""
        assert row.matcher is not None
        sentence = f"The JSON schema is too much work: {reason_of(row.matcher)}."
        failure = Failure(stage="decode", message=sentence, hint="Write a simpler one.")
        row.finished = True
        self._emit(Failed(request_id=row.request.id, failure=failure))

    def _drop_finished(self) -> None:
        if not any(row.finished for row in self.rows):
            return
        keep = [i for i, row in enumerate(self.rows) if not row.finished]
        self.rows = [self.rows[i] for i in keep]
        if not keep or self._cache is None:
            return
        index = torch.tensor(keep, device=self._d._device)
        if self._d.merges:
            self._cache.batch_select_indices(index)
        else:
            _take_rows(self._cache, index)
        self._sampler = self._sampler.select(keep)
        self._positions = self._positions[index]
        if self._mask is not None:
            self._mask = self._mask[index]


def _take_rows(cache: Cache, rows: Tensor) -> None:
    """Rows of any kind of cache, repeated or dropped; linear attention layers know only this way."""
    cache.reorder_cache(rows)  # type: ignore[arg-type]
