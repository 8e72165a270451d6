"""What carries out one run, on its own thread: prepare, submit, follow, check, store.

The worker settles every call exactly once: whoever claims a call first (an answer that arrived, a failure,
or a person who stopped it) stores it and then lets the lane say so.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock

from backends.base import READS
from backends.engine.base import Done, Engine, Event, Failed, Job, Queued, Request, Started, Text
from backends.errors import EngineStopped, as_failure
from backends.ledger import Ledger
from backends.scenario import Scenario
from backends.types import Failure, Gold, Prompt, Query, Stage
from compare.cases import Case
from compare.checks import CheckResult, checked_part, run_checks
from compare.closing import close_run
from compare.lanes import Lane, bench_order
from compare.live import CallKey, LiveAnswer, LiveRun, Provenance
from compare.provenance import provenance_of
from compare.store import Store, now

PATROL_S = 1.0
"""How often a waiting worker looks whether the engine is still there, in seconds."""
GRACE_S = 1.5
"""How long lanes that are ready wait for those that are not, in seconds; a warm index needs a tenth."""
Ends = SimpleQueue[tuple[CallKey, Done | Failed]]
"""The calls of one job that have ended, in order."""


@dataclass(kw_only=True)
class Worker:
    """One run's work. ``cancel`` may be called from any thread, ``work`` runs once on its own."""

    run: LiveRun
    scenario: Scenario
    """Gives the yardstick of the checks; each lane has its own, with the texts that it is asked with."""
    lanes: Sequence[Lane]
    store: Store
    engine: Engine
    case: Case | None
    gold: Gold | None = None
    """What the controls may know of the case; no part of what the run stores."""
    unchecked: str = ""
    """Why nobody knows whether the query has checks; shown as one that is unscored."""
    store_failure: Failure | None = None
    _lock: Lock = field(default_factory=Lock)
    _claimed: set[CallKey] = field(default_factory=set)
    _jobs: dict[CallKey, Job] = field(default_factory=dict)
    _adapters: set[str] = field(default_factory=set)
    _ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        """The ledger knows which lanes there are to be."""
        self._ledger = Ledger([lane.name for lane in self.lanes])

    def work(self) -> None:
        """Do all of it; never raises."""
        try:
            self._wait_ready()
            if self.run.query.mode == "bench":
                self._one_by_one()
            else:
                self._together()
        except BaseException as error:
            self._fail(self._open(), error, "engine")
        self._finish()

    def cancel(self, keys: Sequence[CallKey]) -> None:
        """Stop calls: with the engine when it has them, else here and now."""
        with self._lock:
            jobs = {key: self._jobs[key] for key in keys if key in self._jobs}
            mine = [key for key in keys if key not in jobs and key not in self._claimed]
            self._claimed.update(mine)
        for key, job in jobs.items():
            job.cancel(self._request_id(key))
        for key in mine:
            self._settle(key, lambda call: replace(call, status="cancelled"))

    @property
    def _asked(self) -> Query:
        return replace(self.run.query, gold=self.gold)

    def _wait_ready(self) -> None:
        self.engine.start()
        status = self.engine.wait_ready(timeout_s=PATROL_S)
        while status.state == "loading" and self._open():
            status = self.engine.wait_ready(timeout_s=PATROL_S)
        if status.state in ("failed", "stopped"):
            raise EngineStopped(status.detail)
        self._note_provenance()

    def _together(self) -> None:
        """Demo: all lanes in one job, so that they stream together.

        Lanes that still prepare after ``GRACE_S`` (the first look into the documents after a start) come in a
        job of their own: the others need not wait for them.
        """
        quick_first = sorted(self.lanes, key=lambda lane: not READS.isdisjoint(lane.backend.layers))
        with ThreadPoolExecutor(max_workers=1) as aside:
            lanes = [aside.submit(self._prepare_lane, lane) for lane in quick_first]
            ready, late = wait(lanes, timeout=GRACE_S)
            rest = aside.submit(self._answer, late)  # runs behind the preparations, on the same thread
            self._answer(ready)
            rest.result()

    def _prepare_lane(self, lane: Lane) -> dict[CallKey, Prompt]:
        keys = [key for key in self._open() if key[0] == lane.name]
        prompt = self._prepare(lane, keys) if keys else None
        return {} if prompt is None else dict.fromkeys(keys, prompt)

    def _answer(self, lanes: Collection[Future[dict[CallKey, Prompt]]]) -> None:
        prompts = {key: prompt for lane in lanes for key, prompt in lane.result().items()}
        if prompts:
            self._note_provenance()
            self._submit_and_follow(prompts)

    def _one_by_one(self) -> None:
        """Bench: each call alone on the device, prepared afresh, lanes in random order within each repeat.

        The engine warms itself up; what preparing does only once (loading the embedder, building an index)
        is done before the first measured call.
        """
        for lane in self.lanes:
            with suppress(Exception):  # The call itself meets the same error and shows it.
                lane.backend.prepare(self._asked, lane.scenario, self.engine)
        by_name = {lane.name: lane for lane in self.lanes}
        for key in bench_order(list(by_name), self.run.query):
            prompt = self._prepare(by_name[key[0]], [key]) if key in self._open() else None
            if prompt is not None:
                self._submit_and_follow({key: prompt})
        self._note_provenance()

    def _prepare(self, lane: Lane, keys: Sequence[CallKey]) -> Prompt | None:
        try:
            prompt = lane.backend.prepare(self._asked, lane.scenario, self.engine)
        except BaseException as error:
            self._fail(keys, error, "prepare")
            return None
        self._ledger.note(lane.name, self.run.query.case_id or "", prompt)
        for key in keys:
            self.run.change(key, lambda call: replace(call, prompt=prompt))
        if prompt.adapter is not None:
            self._adapters.add(prompt.adapter)
        return prompt

    def _submit_and_follow(self, prompts: Mapping[CallKey, Prompt]) -> None:
        failed: BaseException | None = None
        ended: Ends = SimpleQueue()
        with self._lock:  # A cancel either comes before, and claims the call, or finds its job.
            keys = [key for key in prompts if key not in self._claimed]
            requests = [self._request(key, prompts[key]) for key in keys]
            try:
                if requests:
                    on_event = partial(self._on_event, ended)
                    job = self.engine.submit(requests, on_event, mode=self.run.query.mode)
                    self._jobs.update(dict.fromkeys(keys, job))
            except BaseException as error:
                failed = error
        if failed is not None:
            self._fail(keys, failed, "queue")
            return
        waiting = set(keys)
        while waiting:
            key, event = self._next(ended)
            waiting.discard(key)
            self._take(key, event)

    def _next(self, ended: Ends) -> tuple[CallKey, Done | Failed]:
        """The next end of a call; an engine that is gone can't send one."""
        while True:
            try:
                return ended.get(timeout=PATROL_S)
            except Empty:
                status = self.engine.status()
                if status.state in ("failed", "stopped") and ended.empty():
                    raise EngineStopped(status.detail) from None

    def _on_event(self, ended: Ends, event: Event) -> None:
        """On the engine's thread: note it and return."""
        backend, _, repeat = event.request_id.removeprefix(f"{self.run.id}/").rpartition("/")
        key = (backend, int(repeat))
        match event:
            case Queued(ahead=ahead):
                self.run.change(key, lambda call: replace(call, status="queued", queue_ahead=ahead))
            case Started():
                self.run.change(key, lambda call: replace(call, status="running", queue_ahead=0))
            case Text(delta=delta):
                self.run.change(key, lambda call: replace(call, text=call.text + delta))
            case Done() | Failed():
                ended.put((key, event))

    def _take(self, key: CallKey, event: Done | Failed) -> None:
        try:
            ended = self._ended_by(event, self.run.calls[key])
        except Exception as error:  # Nothing is claimed yet, so the call still gets its end.
            self._fail([key], error, "engine")
            return
        if self._claim([key]):
            self._settle(key, lambda call: ended)

    def _ended_by(self, event: Done | Failed, call: LiveAnswer) -> LiveAnswer:
        """The call as its last event leaves it; a done answer is checked here."""
        if isinstance(event, Failed):
            return replace(call, status="failed", failure=event.failure)
        answer = event.answer
        ended = replace(call, text=answer.text, answer=answer)
        if answer.finish == "cancelled":
            return replace(ended, status="cancelled")
        return replace(ended, status="done", checks=self._checks(answer.text, call))

    def _checks(self, text: str, call: LiveAnswer) -> tuple[CheckResult, ...]:
        """The case's checks of an answer; where it was to reason first, of what comes after that."""
        if self.unchecked:
            return (CheckResult(name="cases", kind="content", result="unscored", reason=self.unchecked),)
        if self.case is None:
            return ()
        prompt, lane = call.prompt, next(lane for lane in self.lanes if lane.name == call.backend)
        said = checked_part(text, lane.backend.layers)
        passages = () if prompt is None else prompt.passages
        return run_checks(self.case, said, passages, self.scenario, lambda texts: self.engine.embed(texts)[0])

    def _fail(self, keys: Sequence[CallKey], error: BaseException, stage: Stage) -> None:
        failure = as_failure(error, stage)
        for key in self._claim(keys):
            self._settle(key, lambda call: replace(call, status="failed", failure=failure))

    def _claim(self, keys: Sequence[CallKey]) -> list[CallKey]:
        """Those of the keys that nobody has settled or is settling; they are the caller's now."""
        with self._lock:
            mine = [key for key in keys if key not in self._claimed]
            self._claimed.update(mine)
            return mine

    def _settle(self, key: CallKey, end: Callable[[LiveAnswer], LiveAnswer]) -> None:
        """Store a claimed call as it ends, then show it; if it can't be stored, say so and keep its text."""
        ended = end(self.run.calls[key])
        failure = self.store_failure
        if failure is None:
            try:
                self.store.save_call(self.run.id, ended, case_id=self.run.query.case_id)
            except Exception as error:
                failure = as_failure(error, "store")
        if failure is not None and ended.status != "failed":
            ended = replace(ended, status="failed", failure=failure)
        self.run.change(key, lambda call: ended)

    def _open(self) -> list[CallKey]:
        """The calls that nobody has claimed yet."""
        with self._lock:
            return [key for key in self.run.calls if key not in self._claimed]

    def _finish(self) -> None:
        view = self.run.snapshot()
        while not all(call.ended for call in view.calls.values()):  # Somebody's cancel is being stored.
            view = self.run.wait_change(view.version, PATROL_S)
        finished_at = now()
        if self.store_failure is None:
            with suppress(Exception):  # The calls are stored; what only measures them may be missing.
                close_run(
                    self.run.id,
                    self._ledger,
                    cases=(Case(id=self.run.query.case_id or "", query=self.run.query.text),),
                    repeats=self.run.query.repeats,
                    sampling=self.run.query.sampling,
                    store=self.store,
                    engine=self.engine,
                    provenance=self._note_provenance,
                    by_meaning=False,  # Nobody waits at a question for a file to be embedded.
                )
            with suppress(Exception):  # The next opening will mark the run's end.
                finished_at = self.store.finish_run(self.run.id)
        self.run.finish(finished_at)

    def _note_provenance(self) -> Provenance:
        provenance = provenance_of(self.engine.status(), self._adapters, self.scenario)
        self.run.set_provenance(provenance)
        if self.store_failure is None:
            with suppress(Exception):  # A store that fails shows on the calls.
                self.store.set_provenance(self.run.id, provenance)
        return provenance

    def _request_id(self, key: CallKey) -> str:
        return f"{self.run.id}/{key[0]}/{key[1]}"

    def _request(self, key: CallKey, prompt: Prompt) -> Request:
        """A call's clock starts with its own preparation; what other lanes prepared meanwhile is not its."""
        prepared_s = (prompt.embed_ms + prompt.retrieve_ms) / 1000
        return Request(
            id=self._request_id(key),
            prompt=prompt,
            sampling=self.run.query.sampling,
            seed=self.run.calls[key].seed,
            submitted_at=time.perf_counter() - prepared_s,
        )
