"""Run one query: plan its calls, prepare each backend's prompt, hand them to the engine, store what comes
back.

One worker thread a run. The engine's thread only notes events; checks and the store are the worker's, so that
decoding never waits for a disk. A call is stored before its lane says that it has ended. Whatever goes wrong
becomes a ``Failure`` on the calls that it touches; the others go on.
"""

from collections.abc import Sequence
from dataclasses import replace
from threading import Thread
from types import MappingProxyType

from backends.base import DEFAULT_BACKENDS
from backends.engine.base import Engine
from backends.errors import BadInput, StoreUnavailable, as_failure
from backends.scenario import PromptTexts, Scenario, load_scenario
from backends.types import Failure, Query
from compare.case_files import load_cases
from compare.cases import Case, gold_of, matching_case
from compare.lanes import Lane, open_lanes
from compare.live import LiveAnswer, LiveRun, RunView, call_keys, live_runs
from compare.seeds import SEEDS, call_seed
from compare.store import Store, new_run_id, now
from compare.worker import Worker

__all__ = ["MAX_REPEATS", "call_seed", "start"]

MAX_REPEATS = 1000
"""The most repeats of one query in a run; the home screen offers fewer."""


def start(
    query: Query,
    *,
    backends: Sequence[str] = DEFAULT_BACKENDS,
    texts: PromptTexts | None = None,
    store: Store,
    engine: Engine,
) -> LiveRun:
    """Begin a run and return at once; follow it by ``snapshot()``, or ``wait()`` for it.

    Args:
        query: what to ask; a text that equals a case's query gets that case's checks.
        backends: the names of the lanes, in their order; ``compare/lanes.py`` says what they may name.
        texts: edited prompt texts for all lanes; None takes the scenario's own.
        store: where the run is kept, first as "running". When it can't be used, the lanes still answer and
            then say so.
        engine: the one model behind all lanes; it may still be loading.

    Raises:
        BadInput: empty or over-long query, unknown scenario, lane or version, or an impossible setting.
        StoreUnavailable: a lane names a version and the store can't be read.
    """
    scenario = load_scenario(query.scenario)
    asked = scenario if texts is None else scenario.with_texts(texts)
    lanes = open_lanes(backends, asked, store)
    check_query(query)
    check_length(query, engine)
    case, unchecked = _case_of(query, scenario)
    view = _plan(query, lanes, asked)
    store_failure: Failure | None = None
    try:
        view = replace(view, texts_version=store.create_run(view))
    except StoreUnavailable as error:
        store_failure = as_failure(error, "store")
    run = LiveRun(view)
    live_runs().add(run)
    worker = Worker(
        run=run,
        scenario=scenario,
        lanes=lanes,
        store=store,
        engine=engine,
        case=case,
        gold=gold_of(case, load_cases(scenario)) if case is not None else None,
        unchecked=unchecked,
    )
    worker.store_failure = store_failure
    run.on_cancel(worker.cancel)
    Thread(target=worker.work, name=f"run {run.id}", daemon=True).start()
    return run


def check_query(query: Query) -> None:
    """Refuse what no lane could answer.

    Raises:
        BadInput: with one sentence on what is wrong.
    """
    if not query.text.strip():
        raise BadInput("The question is empty.", "Type a question first.")
    try:
        query.text.encode()
    except UnicodeEncodeError as error:
        raise BadInput("The question contains bytes that are not UTF-8 text.") from error
    sampling = query.sampling
    limits = (
        (1 <= query.repeats <= MAX_REPEATS, f"Repeats must lie between 1 and {MAX_REPEATS}."),
        (0 <= query.seed < SEEDS, "The seed must be a whole number from 0 to 2^64 - 1."),
        (0 <= sampling.temperature <= 10, "The temperature must lie between 0 and 10."),
        (0 < sampling.top_p <= 1, "Top-p must be above 0 and at most 1."),
        (sampling.top_k >= 0, "Top-k must be 0 (off) or more."),
        (sampling.max_tokens >= 1, "Max tokens must be at least 1."),
        (query.mode in ("demo", "bench"), "The mode must be demo or bench."),
    )
    for holds, sentence in limits:
        if not holds:
            raise BadInput(sentence)


def check_length(query: Query, engine: Engine) -> None:
    """Refuse a question that alone fills the context; while the model loads, the lanes find out, and where it
    is served, the server does.

    Raises:
        BadInput: with both numbers.
    """
    status = engine.status()
    if status.state == "ready" and not status.counted_by:
        tokens = engine.count_tokens(query.text)
        if tokens >= status.context_tokens:
            raise BadInput(
                f"The question has {tokens:,} tokens, but the model reads {status.context_tokens:,} at most.",
                "Ask a shorter one.",
            )


def _plan(query: Query, lanes: Sequence[Lane], scenario: Scenario) -> RunView:
    names = tuple(lane.name for lane in lanes)
    calls = {
        (name, repeat): LiveAnswer(
            backend=name, repeat=repeat, seed=call_seed(query.seed, query.case_id, repeat)
        )
        for name, repeat in call_keys(names, query.repeats)
    }
    return RunView(
        id=new_run_id(),
        query=query,
        scenario=query.scenario,
        backends=names,
        status="running",
        version=0,
        calls=MappingProxyType(calls),
        texts=scenario.texts,
        started_at=now(),
    )


def _case_of(query: Query, scenario: Scenario) -> tuple[Case | None, str]:
    """The query's case, and why nobody knows whether it has one; unreadable cases do not stop a free
    question, but it might have had checks.
    """
    try:
        cases = load_cases(scenario)
    except BadInput as error:
        if query.case_id is not None:
            raise
        return None, f"cases.csv can't be read: {error.message}"
    if query.case_id is None:
        return matching_case(cases, query.text), ""
    found = next((case for case in cases if case.id == query.case_id), None)
    if found is None:
        raise BadInput(f"The scenario {scenario.name!r} has no case {query.case_id!r}.")
    return found, ""
