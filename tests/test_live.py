"""What screens may rely on: frozen snapshots, one version a change, ended calls that stay ended."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, replace
from threading import Thread

import pytest

from backends.types import Query
from compare.live import CallKey, LiveAnswer, LiveRun, LiveRuns, RunView, call_keys


def new_run(name: str = "r", repeats: int = 2) -> LiveRun:
    query = Query(text="How long?", scenario="s", repeats=repeats)
    calls = {
        (backend, repeat): LiveAnswer(backend=backend, repeat=repeat, seed=repeat)
        for backend, repeat in call_keys(("prompt", "rag"), repeats)
    }
    return LiveRun(
        RunView(
            id=name,
            query=query,
            scenario="s",
            backends=("prompt", "rag"),
            status="running",
            version=0,
            calls=calls,
        )
    )


def say(run: LiveRun, key: CallKey, more: str) -> None:
    run.change(key, lambda call: replace(call, status="running", text=call.text + more))


def end(run: LiveRun, key: CallKey) -> None:
    run.change(key, lambda call: replace(call, status="done"))


def test_a_snapshot_never_changes() -> None:
    run = new_run()
    before = run.snapshot()
    say(run, ("rag", 1), "Two")
    assert before.calls["rag", 1].text == ""
    assert run.snapshot().calls["rag", 1].text == "Two"
    with pytest.raises(TypeError):
        before.calls["rag", 1] = before.calls["rag", 0]  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        before.calls["rag", 1].text = "x"  # type: ignore[misc]


def test_readers_of_one_version_share_one_snapshot() -> None:
    run = new_run()
    assert run.snapshot() is run.snapshot()
    version = run.version
    say(run, ("rag", 1), "Two")
    assert run.version > version
    assert run.snapshot().version == run.version


def test_an_ended_call_stays_as_it_is() -> None:
    run = new_run()
    say(run, ("rag", 0), "Two")
    end(run, ("rag", 0))
    say(run, ("rag", 0), " years")
    assert run.calls["rag", 0].text == "Two"
    assert run.calls["rag", 0].status == "done"


def test_lanes_come_in_order_of_their_repeats() -> None:
    assert [call.repeat for call in new_run(repeats=3).snapshot().lane("rag")] == [0, 1, 2]


def test_cancel_names_the_open_calls_of_one_backend_or_of_all() -> None:
    run = new_run()
    stopped: list[CallKey] = []
    run.on_cancel(stopped.extend)
    end(run, ("rag", 0))
    run.cancel("rag")
    assert stopped == [("rag", 1)]
    stopped.clear()
    run.cancel()
    assert stopped == [("prompt", 0), ("prompt", 1), ("rag", 1)]


def test_cancel_of_an_ended_run_does_nothing() -> None:
    run = new_run()
    stopped: list[CallKey] = []
    run.on_cancel(stopped.extend)
    for key in run.calls:
        end(run, key)
    run.cancel()
    assert stopped == []


def test_wait_returns_when_the_run_is_finished() -> None:
    run = new_run()
    assert not run.wait(0.001).done
    finisher = Thread(target=run.finish, args=("2026-01-01T00:00:00+00:00",))
    finisher.start()
    view = run.wait(30)
    finisher.join()
    assert view.done
    assert view.finished_at == "2026-01-01T00:00:00+00:00"


def test_text_from_many_threads_is_all_there() -> None:
    run = new_run(repeats=8)
    with ThreadPoolExecutor(8) as pool:
        for key in run.calls:
            pool.submit(lambda key=key: [say(run, key, "x") for _ in range(200)])
        while any(len(call.text) < 200 for call in run.snapshot().calls.values()):
            run.wait_change(run.version, 0.01)
    assert run.version == 16 * 200


def test_the_registry_keeps_running_runs_and_the_last_ended_ones() -> None:
    runs = LiveRuns(keep=2)
    going = new_run("going")
    runs.add(going)
    for name in ("a", "b", "c"):
        ended = new_run(name)
        ended.finish("now")
        runs.add(ended)
    assert runs.get("a") is None
    assert runs.get("b") is not None
    assert runs.get("c") is not None
    assert runs.running() == (going,)
