"""Any lane of one run against any lane of another, on numbers worked by hand."""

import json
from dataclasses import replace

import pytest

from backends.engine.base import WENT_FIRST
from backends.errors import BadInput
from backends.settings import settings
from compare.judged import JudgedCall
from compare.lane_difference import (
    compare_lanes,
    lane_difference_document,
    lane_difference_rows,
)
from compare.live import Provenance
from compare.measured import StoredRun
from compare.owner import machine_of, this_process
from compare.run_difference import base_names, compare_runs
from tests.test_summary import TIMING, call, failed, plan, stored

HERE = machine_of(this_process())


def made_with(model: str, base_hash: str, device: str = "cpu") -> Provenance:
    return Provenance(
        model=model, model_path="", base_hash=base_hash, device=device, dtype="float32", threads=1,
        adapters=(), proof="passed", proof_reason="", versions={},
    )  # fmt: skip


def asked(lane: str, right: range, *, cases: int = 20, ms: float = 100, **changes: object) -> StoredRun:
    """A run of one lane that is right on these of so many cases, each after so many ms, 40 of them queued."""
    calls: list[JudgedCall] = [
        replace(
            call(n, outcome="pass" if n in right else "fail"),
            lane=lane,
            timing=replace(TIMING, total_ms=ms, queued_ms=40),
        )
        for n in range(cases)
    ]
    first = {"plan": replace(plan(40, lanes=(lane,)), mode="bench"), "calls": tuple(calls), "machine": HERE}
    first["provenance"] = made_with("small", "aa" * 32)
    return stored({}, **(first | changes))


@pytest.fixture
def priced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVER_PRICE_GPU_HOUR", "3.6")
    settings.cache_clear()


def larger(**changes: object) -> StoredRun:
    run = asked("prompt", range(5), ms=440, provenance=made_with("large", "bb" * 32))
    return replace(run, id="b", **changes)  # type: ignore[arg-type]


@pytest.mark.usefixtures("priced")
def test_lora_on_a_small_base_against_a_prompt_on_a_larger_one() -> None:
    found = compare_lanes(asked("lora", range(15)), "lora", larger(), "prompt")
    assert found.gain is not None
    assert (found.gain.value, found.gain.cases) == (0.5, 20)  # 15 of 20 less 5 of 20.
    assert found.gain.low > 0
    assert found.gain.p_value == pytest.approx(2 / 2**10)  # 10 cases differ, all the same way.
    assert (found.this.total_ms, found.against.total_ms) == (100, 440)
    assert found.this.cost == pytest.approx(0.06 * 3.6 / 3600)  # 60 ms of work, waiting left out.
    assert found.against.cost == pytest.approx(0.4 * 3.6 / 3600)
    assert found.this.training_s is None
    assert (found.no_times, found.no_cost) == ("", "")
    assert found.takeaway.startswith(
        "LoRA on small is right 50 points more often than Prompt on large on the same 20 cases (95 % interval"
    )
    turned = compare_lanes(larger(), "prompt", asked("lora", range(15)), "lora").gain
    assert turned is not None
    assert turned.value == -0.5
    first, second = lane_difference_rows(found)
    assert (first["Right"], second["Right"]) == ("15 of 20 cases", "5 of 20 cases")
    assert first["Half done within"] == "0.10 s"
    assert "Training before" not in first
    assert json.loads(json.dumps(lane_difference_document(found)))["difference"]["mean"] == 0.5


def test_only_cases_that_both_were_judged_on_count_and_a_failure_of_a_lane_is_not_right() -> None:
    own = [replace(failed(n), lane="lora", failure_stage="prepare") for n in range(2)]
    lost = [replace(failed(2), lane="lora", failure_stage="engine")]
    some = asked("lora", range(20))
    some = replace(some, calls=(*own, *lost, *some.calls[3:18]))
    found = compare_lanes(some, "lora", larger(), "prompt")
    assert found.gain is not None
    assert found.gain.cases == 17  # 18 and 19 were not asked, 2 the machine lost.
    assert found.gain.value == pytest.approx((15 - 4) / 17)  # 3 to 17 are right here; 0, 1, 3, 4 there.
    assert found.this.right is not None
    assert found.against.right is not None
    assert found.this.right.value - found.against.right.value == pytest.approx(found.gain.value)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"plan": plan(40, lanes=("prompt",))}, "in the other answers shared the machine"),
        ({"provenance": made_with("large", "bb" * 32, "cuda:0")}, "asked on cpu, the other on cuda:0"),
        ({"machine": "elsewhere"}, f"machines of different names, {HERE} and elsewhere"),
        ({"provenance": None}, "not known of both"),
    ],
)
def test_times_that_say_nothing_of_each_other_are_left_out_with_the_reason(
    changes: dict[str, object], why: str
) -> None:
    found = compare_lanes(asked("lora", range(15)), "lora", larger(**changes), "prompt")
    assert found.this.total_ms is found.against.total_ms is None
    assert why in found.no_times
    assert found.gain is not None


def test_a_cost_that_is_not_known_is_not_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    small = asked("lora", range(15))
    assert compare_lanes(small, "lora", larger(), "prompt").no_cost.startswith("Set LEVER_PRICE_GPU_HOUR")
    monkeypatch.setenv("LEVER_PRICE_GPU_HOUR", "2")
    settings.cache_clear()
    found = compare_lanes(small, "lora", larger(plan=plan(40, lanes=("prompt",))), "prompt")
    assert found.this.cost is not None
    assert found.against.cost is None
    assert found.no_cost.startswith("Answers shared the machine")
    found = compare_lanes(small, "lora", larger(machine="elsewhere"), "prompt")
    assert found.against.cost is None
    assert found.no_cost == "The price is of this machine; a run was asked on elsewhere."
    disturbed = [replace(one, marks=(WENT_FIRST,)) for one in small.calls]
    assert compare_lanes(replace(small, calls=tuple(disturbed)), "lora", larger(), "prompt").this.cost is None


def test_few_cases_are_counts_and_equal_ones_cannot_be_told() -> None:
    few = compare_lanes(asked("lora", range(6), cases=8), "lora", larger(), "prompt")
    counts = "LoRA on small is right on 6 of 8 cases, Prompt on large on 5 of 8 cases: "
    assert few.takeaway.startswith(counts)
    alike = compare_lanes(asked("lora", range(5)), "lora", larger(), "prompt")
    assert alike.takeaway.startswith("These 20 cases cannot tell LoRA on small from Prompt on large: between")
    none = compare_lanes(asked("lora", range(0), cases=0), "lora", larger(), "prompt")
    assert none.gain is None
    assert none.takeaway == "No case was judged both for LoRA on small and for Prompt on large."


def test_a_lane_that_a_run_does_not_have_is_refused() -> None:
    with pytest.raises(BadInput, match="The run b has no lane 'rag'"):
        compare_lanes(asked("lora", range(5)), "lora", larger(), "rag")


def test_bases_of_one_name_are_told_apart() -> None:
    small = asked("lora", range(5))
    assert base_names(small, larger()) == ("small", "large")
    other = replace(small, provenance=made_with("small", "cc" * 32))
    assert base_names(small, small) == ("small", "small")
    assert base_names(small, other) == ("small aaaaaaaa", "small cccccccc")
    assert compare_runs(small, other).bases == ("small aaaaaaaa", "small cccccccc")
    assert base_names(small, replace(small, provenance=None))[1] == "an unknown model"
