"""Scenario runs: throughput, what they cost a live question, and how long 20,000 calls take to be measured.

    python -m tests.benchmarks.runs [--cases 40] [--calls 20000] [--memory]

Real engine, index, adapters and SQLite, in a folder of its own. Prints a table; asserts nothing.
"""

import argparse
import gc
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import psutil

from backends.engine.local import LocalEngine
from backends.registry import registry
from backends.scenario import load_scenario
from backends.types import Answer, Query, Sampling, Timing, Usage
from compare.checks import CheckResult
from compare.live import LiveAnswer
from compare.plan import Plan
from compare.runner import start
from compare.scenario_run import ROWS, make_plan, start_scenario_run
from compare.seeds import call_seed
from compare.store import Store
from compare.summary import summarise
from tests.benchmarks.pocket_targets import generate, started

LANES = ("prompt", "rag", "lora", "hybrid")
QUESTION = "How long does the delivery of the Studio plan take?"
LIVE_ASKED = 8


def bare_s(one: LocalEngine, plan: Plan) -> float:
    """Seconds that the engine alone takes for the plan's calls in groups of the same size, prompts given."""
    scenario = load_scenario(plan.scenario)
    made = {
        (case.id, lane): registry()[lane].prepare(plan.query(case), scenario, one)
        for case in plan.cases
        for lane in plan.lanes
    }
    calls = plan.calls()
    began = time.perf_counter()
    for first in range(0, len(calls), ROWS):
        group = calls[first : first + ROWS]
        prompts = [made[call.case.id, call.lane] for call in group]
        seeds = [call_seed(plan.seed, call.case.id, call.repeat) for call in group]
        generate(one, prompts, plan.sampling, seeds, batch=ROWS)
    return time.perf_counter() - began


def run_s(one: LocalEngine, store: Store, plan: Plan) -> tuple[float, float]:
    """Seconds until the last answer of the run is stored (preparing and checking with it), and until its
    repeats are embedded too.
    """
    began = time.perf_counter()
    going = start_scenario_run(plan, store=store, engine=one)
    progress = going.progress()
    while progress.done + progress.failed < progress.planned:
        time.sleep(0.01)
        progress = going.progress()
    answered = time.perf_counter() - began
    going.wait()
    return answered, time.perf_counter() - began


def first_text_ms(one: LocalEngine, store: Store) -> float:
    """From asking one live question to its first text."""
    query = Query(text=QUESTION, scenario="support-facts", sampling=Sampling(temperature=0))
    live = start(query, backends=("prompt",), store=store, engine=one).wait()
    answer = live.lane("prompt")[0].answer
    assert answer is not None
    assert answer.timing.ttft_ms is not None
    return answer.timing.ttft_ms


def grown_mb(one: LocalEngine, store: Store, plan: Plan, calls: int) -> tuple[float, float]:
    """How much more memory the process has after a run of so many calls, and at most while it ran, in MB;
    against the memory after a run of 8 repeats.
    """
    own, most = psutil.Process(), 0.0
    repeats = calls // (len(plan.cases) * len(plan.lanes))
    start_scenario_run(replace(plan, repeats=8, seed=99), store=store, engine=one).wait()  # its working set
    gc.collect()
    before = own.memory_info().rss
    going = start_scenario_run(replace(plan, repeats=repeats), store=store, engine=one)
    while not going.wait(1).ended:
        most = max(most, own.memory_info().rss - before)
    gc.collect()
    return (own.memory_info().rss - before) / 1e6, most / 1e6


def measured_s(store: Store, plan: Plan, calls: int) -> tuple[float, float]:
    """Seconds to load and to measure a stored run of so many made-up calls."""
    timing = Timing(
        queued_ms=1, adapter_switch_ms=0, embed_ms=0, retrieve_ms=0, prefill_ms=9, decode_ms=90, total_ms=100,
        ttft_ms=12, first_token_ms=10,
    )  # fmt: skip
    repeats = calls // (len(plan.cases) * len(plan.lanes))
    whole = Plan(scenario=plan.scenario, cases=plan.cases, lanes=plan.lanes, repeats=repeats)
    store.create_scenario_run("many", whole)

    def ended(lane: str, repeat: int) -> LiveAnswer:
        text = f"The delivery takes {repeat % 7} days."
        usage = Usage(prompt_tokens=60, completion_tokens=12)
        answer = Answer(text=text, timing=timing, usage=usage, finish="stop", rendered="", token_ids=())
        check = CheckResult(
            name="contains_any", kind="content", result="pass" if repeat % 3 else "fail", reason=""
        )
        return LiveAnswer(
            backend=lane, repeat=repeat, seed=repeat, status="done", text=text, answer=answer, checks=(check,)
        )

    for case in whole.cases:
        store.save_calls("many", [(case.id, ended(lane, n)) for lane in whole.lanes for n in range(repeats)])
    began = time.perf_counter()
    stored = store.stored_run("many")
    loaded = time.perf_counter()
    summarise(stored.calls, stored.plan)
    return loaded - began, time.perf_counter() - loaded


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=40)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", action="store_true", help="also run --calls calls (ten minutes and more)")
    asked = parser.parse_args()
    one, _ = started()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{Path(folder) / 'lever.db'}")
        plan = make_plan(load_scenario("support-facts"), LANES, first=asked.cases, repeats=2)
        run_s(
            one, store, make_plan(load_scenario("support-facts"), LANES, first=4)
        )  # all libraries are there
        seeded = [replace(plan, seed=seed) for seed in range(asked.rounds)]  # New texts to be embedded.
        rounds = [(bare_s(one, each), *run_s(one, store, each)) for each in seeded]
        bare, answered, whole = (median(times) for times in zip(*rounds, strict=True))
        idle = [first_text_ms(one, store) for _ in range(LIVE_ASKED)]
        going = start_scenario_run(plan, store=store, engine=one)
        while going.progress().done == 0:
            time.sleep(0.05)
        busy = []
        while len(busy) < LIVE_ASKED and not going.progress().ended:
            busy.append(first_text_ms(one, store))
            time.sleep(0.3)
        going.cancel()
        going.wait()
        load_s, measure_s = measured_s(store, plan, asked.calls)
        grown = grown_mb(one, store, plan, asked.calls) if asked.memory else None
        store.close()
    one.stop()
    calls = len(plan.calls())
    print(f"| measure, median of {asked.rounds} rounds where a ratio | value |\n|---|---|")
    print(f"| bare merged decode, {calls} calls in groups of {ROWS} | {bare:.1f} s |")
    print(f"| the same as a run, all answers stored | {answered:.1f} s ({bare / answered:.2f} of it) |")
    print(f"| and its repeats embedded | {whole:.1f} s ({bare / whole:.2f} of it) |")
    if grown is not None:
        print(
            f"| memory grown by a run of {asked.calls:,} calls, at most | {grown[0]:.0f}, {grown[1]:.0f} MB |"
        )
    print(f"| first text of a live question, idle engine, median of {len(idle)} | {median(idle):.0f} ms |")
    print(
        f"| the same while a run goes on, median of {len(busy)} (longest) "
        f"| {median(busy):.0f} ms ({max(busy):.0f} ms) |"
    )
    print(f"| load {asked.calls:,} stored calls | {load_s:.2f} s |")
    print(f"| measure them | {measure_s:.2f} s |")


if __name__ == "__main__":
    main()
