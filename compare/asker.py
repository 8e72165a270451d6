"""One group of a scenario run's calls: prepare it, hand it to the engine, wait for its ends, store it.

Does not know about pausing, progress or threads; ``compare/scenario_run.py`` does.
"""

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from threading import Event
from typing import cast

import numpy as np

from backends.engine.base import Done, Engine, Failed, Job, Request
from backends.engine.base import Event as EngineEvent
from backends.errors import EngineStopped, KnowledgeUnavailable, as_failure
from backends.ledger import Ledger
from backends.scenario import load_scenario
from backends.types import Prompt
from compare.checks import checked_part, run_checks
from compare.lanes import open_lanes
from compare.live import LiveAnswer, Provenance
from compare.plan import Plan, PlannedCall, PlannedKey
from compare.provenance import provenance_of
from compare.seeds import call_seed
from compare.store import Store

PATROL_S = 0.5
"""How often a waiting group looks whether it is given up or the engine is gone."""


class Stopped(Exception):
    """The run was cancelled; its calls in flight were given up."""


@dataclass
class Group:
    """Calls on their way. ``settled`` are (case id, call) that have ended, those that failed to be prepared
    first.
    """

    calls: list[PlannedCall]
    prompts: dict[PlannedKey, Prompt]
    ends: "SimpleQueue[Done | Failed]" = field(default_factory=SimpleQueue)
    settled: list[tuple[str, LiveAnswer]] = field(default_factory=list)
    job: Job | None = None


class Asker:
    """Asks the calls of one stored run. Belongs to the run's thread; ``cancelled`` is set by others."""

    def __init__(self, run_id: str, plan: Plan, *, store: Store, engine: Engine, cancelled: Event) -> None:
        """Raises BadInput for an unknown scenario, lane or version."""
        self.plan = plan
        self._run_id, self._store, self._engine, self._cancelled = run_id, store, engine, cancelled
        self._scenario = load_scenario(plan.scenario)
        """The yardstick of the checks; lanes have it with the texts that the run asks with."""
        self.ledger = Ledger(plan.lanes)
        self._lanes = {
            lane.name: lane for lane in open_lanes(plan.lanes, self._scenario.with_texts(plan.texts), store)
        }

    def provenance(self) -> Provenance:
        """What produces the answers now."""
        keys = {key for key in self.adapters().values() if key is not None}
        return provenance_of(self._engine.status(), keys, self._scenario)

    def adapters(self) -> dict[str, str | None]:
        """The engine's key of each lane's adapter, which may not be there."""
        return {name: lane.adapter for name, lane in self._lanes.items()}

    def remember(self, prompts: Iterable[tuple[str, str, Prompt]]) -> None:
        """Take into the ledger what was asked before the run was resumed."""
        for lane, case, prompt in prompts:
            self.ledger.note(lane, case, prompt)

    def prepare(self, calls: Sequence[PlannedCall]) -> Group:
        """The prompts, one for each case and lane; what can't be prepared is settled as failed.

        Raises:
            EngineStopped: the engine is gone; no backend is to blame.
        """
        group = Group(calls=list(calls), prompts={})
        engine = self._embedded_ahead(calls) if self.plan.mode == "demo" else self._engine
        made: dict[tuple[str, str], Prompt | Exception] = {}
        for call in calls:
            place = (call.case.id, call.lane)
            if place not in made:
                lane = self._lanes[call.lane]
                try:
                    prompt = lane.backend.prepare(self.plan.query(call.case), lane.scenario, engine)
                    self.ledger.note(call.lane, call.case.id, prompt)
                    made[place] = prompt
                except EngineStopped:
                    raise
                except Exception as error:
                    made[place] = error
            found = made[place]
            if isinstance(found, Prompt):
                group.prompts[call.key] = found
            else:
                answer = replace(self._planned(call), status="failed", failure=as_failure(found, "prepare"))
                group.settled.append((call.case.id, answer))
        return group

    def _embedded_ahead(self, calls: Sequence[PlannedCall]) -> Engine:
        """The engine, with the embeddings of what retrieval will ask it for computed in one go."""
        looked_up = {
            call.case.query.strip() for call in calls if "passages" in self._lanes[call.lane].backend.layers
        }
        return cast("Engine", _EmbeddedAhead(self._engine, sorted(looked_up)))

    def _planned(self, call: PlannedCall) -> LiveAnswer:
        seed = call_seed(self.plan.seed, call.case.id, call.repeat)
        return LiveAnswer(backend=call.lane, repeat=call.repeat, seed=seed)

    def submit(self, group: Group) -> None:
        """Hand what could be prepared to the engine, behind all live questions."""
        asked = [call for call in group.calls if call.key in group.prompts]
        if not asked:
            return
        now = time.perf_counter()
        requests = []
        for place, call in enumerate(asked):
            prompt = group.prompts[call.key]
            prepared_s = (prompt.embed_ms + prompt.retrieve_ms) / 1000
            requests.append(
                Request(
                    id=str(place),
                    prompt=prompt,
                    sampling=self.plan.sampling,
                    seed=self._planned(call).seed,
                    submitted_at=now - prepared_s,
                )
            )
        group.calls = asked

        def note(event: EngineEvent) -> None:
            if isinstance(event, Done | Failed):
                group.ends.put(event)

        group.job = self._engine.submit(requests, note, mode=self.plan.mode, background=True)

    def settle(self, group: Group) -> tuple[int, int]:
        """Wait for the group's ends, check the answers, store them all; gives how many are done and failed.

        Raises:
            Stopped: some were given up; those that had ended are stored.
            EngineStopped: the same, as the engine is gone.
            StoreUnavailable: nothing could be stored.
        """
        gone: EngineStopped | None = None
        waiting = len(group.calls) if group.job is not None else 0
        while waiting and gone is None:
            try:
                event = self._next(group)
                call = group.calls[int(event.request_id)]
                group.settled.append((call.case.id, self._ended(call, group.prompts[call.key], event)))
                waiting -= 1
            except EngineStopped as error:
                gone = error
        kept = [(case, answer) for case, answer in group.settled if answer.status != "cancelled"]
        self._store.save_calls(self._run_id, kept)
        if gone is not None:
            raise gone
        if len(kept) < len(group.settled):
            raise Stopped
        failed = sum(answer.status == "failed" for _, answer in kept)
        return len(kept) - failed, failed

    def give_up(self, groups: Sequence[Group]) -> None:
        """Stop what is with the engine."""
        for group in groups:
            if group.job is not None:
                group.job.cancel()

    def _next(self, group: Group) -> Done | Failed:
        while True:
            try:
                return group.ends.get(timeout=PATROL_S)
            except Empty:
                if self._cancelled.is_set():
                    self.give_up([group])
                status = self._engine.status()
                if status.state in ("failed", "stopped") and group.ends.empty():
                    raise EngineStopped(status.detail) from None

    def _embed(self, texts: Sequence[str]) -> np.ndarray:
        """For checks that compare meanings; behind all live questions."""
        return self._engine.embed(texts, background=True)[0]

    def _ended(self, call: PlannedCall, prompt: Prompt, event: Done | Failed) -> LiveAnswer:
        """The call as its last event leaves it. An engine that is gone says nothing of the backend: the call
        is asked again by resuming.
        """
        answered = replace(self._planned(call), prompt=prompt)
        if isinstance(event, Failed):
            if self._engine.status().state != "ready":
                raise EngineStopped(event.failure.message)
            return replace(answered, status="failed", failure=event.failure)
        answer = event.answer
        answered = replace(answered, text=answer.text, answer=answer)
        if answer.finish == "cancelled":
            return replace(answered, status="cancelled")
        said = checked_part(answer.text, self._lanes[call.lane].backend.layers)
        checks = run_checks(call.case, said, prompt.passages, self._scenario, self._embed)
        return replace(answered, status="done", checks=checks)


class _EmbeddedAhead:
    """An engine that knows some embeddings already: one batch costs a third of single texts. Each text's time
    is its part of the batch's.
    """

    def __init__(self, engine: Engine, texts: Sequence[str]) -> None:
        self._engine = engine
        self._known: dict[str, tuple[np.ndarray, float]] = {}
        if texts:
            with suppress(KnowledgeUnavailable):  # Each lane that asks again hears it and shows it.
                vectors, took_ms = engine.embed(texts)
                for text, vector in zip(texts, vectors, strict=True):
                    self._known[text] = vector[np.newaxis], took_ms / len(texts)

    def embed(self, texts: Sequence[str], *, background: bool = False) -> tuple[np.ndarray, float]:
        """As :meth:`backends.engine.base.Engine.embed`; what is known costs nothing more."""
        if len(texts) == 1 and texts[0] in self._known:
            return self._known[texts[0]]
        return self._engine.embed(texts, background=background)

    def __getattr__(self, name: str) -> object:
        return getattr(self._engine, name)
