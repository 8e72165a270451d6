"""A replay shows what was recorded, no sooner than it came, and ends as the run itself."""

from dataclasses import replace
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.types import Answer, Failure, Timing, Usage
from compare.lanes import bench_order
from compare.live import LiveAnswer, RunView
from compare.replay import length_ms, replayed
from tests.test_store import planned


def timing(queued: float, first: float, total: float) -> Timing:
    return Timing(
        queued_ms=queued,
        adapter_switch_ms=0.0,
        embed_ms=0.0,
        retrieve_ms=0.0,
        prefill_ms=first - queued,
        decode_ms=total - first,
        total_ms=total,
        ttft_ms=first,
        first_token_ms=first,
    )


def ended(call: LiveAnswer, said: str, times: Timing) -> LiveAnswer:
    usage = Usage(prompt_tokens=5, completion_tokens=5)
    answer = Answer(text=said, timing=times, usage=usage, finish="end", rendered="", token_ids=(1,))
    return replace(call, status="done", text=said, answer=answer)


def run(*times: Timing, mode: str = "demo") -> RunView:
    view = planned()
    keys = list(view.calls)[: len(times)]
    calls = {key: ended(view.calls[key], "0123456789", each) for key, each in zip(keys, times, strict=True)}
    query = replace(view.query, mode=mode)  # type: ignore[arg-type]
    return replace(view, query=query, status="done", calls=MappingProxyType(calls))


FIRST, SECOND = timing(100, 200, 1200), timing(100, 400, 600)


@pytest.mark.parametrize(
    ("elapsed", "status", "text"),
    [
        (0, "queued", ""),
        (150, "running", ""),
        (200, "running", ""),
        (700, "running", "01234"),
        (1200, "done", "0123456789"),
    ],
)
def test_a_text_comes_evenly_between_its_first_words_and_its_end(
    elapsed: float, status: str, text: str
) -> None:
    call = next(iter(replayed(run(FIRST), elapsed).calls.values()))
    assert (call.status, call.text) == (status, text)


def test_lanes_end_at_their_own_times_and_the_run_with_the_last() -> None:
    view = run(FIRST, SECOND)
    middle = replayed(view, 600)
    assert [call.status for call in middle.calls.values()] == ["running", "done"]
    assert (middle.status, middle.done) == ("running", False)
    assert length_ms(view) == 1200
    assert replayed(view, 1200) is view


def test_in_bench_mode_answers_come_one_after_another() -> None:
    view = run(FIRST, SECOND, FIRST, SECOND, mode="bench")
    assert length_ms(view) == 3600
    order = bench_order(view.backends, view.query)
    for elapsed in range(0, 3600, 50):
        shown = [replayed(view, elapsed).calls[key].status for key in order]
        ended = shown.count("done")
        assert shown[:ended] == ["done"] * ended
        assert all(status == "queued" for status in shown[ended + 1 :])


def test_what_failed_stays_failed() -> None:
    view = run(FIRST, SECOND)
    key, call = next(iter(view.calls.items()))
    failed = replace(call, status="failed", answer=None, failure=Failure(stage="decode", message="Broke."))
    broken = replace(view, calls=MappingProxyType({**view.calls, key: failed}))
    assert replayed(broken, 0).calls[key] == failed


@given(st.floats(0, 2000), st.floats(0, 2000))
def test_nothing_that_was_shown_is_taken_back(a: float, b: float) -> None:
    early, late = sorted((a, b))
    for mode in ("demo", "bench"):
        view = run(FIRST, SECOND, FIRST, SECOND, mode=mode)
        before, after = replayed(view, early), replayed(view, late)
        for key in view.calls:
            assert after.calls[key].text.startswith(before.calls[key].text)
            assert view.calls[key].text.startswith(after.calls[key].text)
