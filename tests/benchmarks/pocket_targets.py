"""What Pocket can do on the shipped scenarios: the table of its model card.

    python -m tests.benchmarks.pocket_targets [--repeats 3] [--answers docs/FILE]

Real engine, index and adapters, all cases of both scenarios. ``--answers`` writes 50 answers (drawn with
a fixed seed) to a Markdown file for people to mark. Prints a Markdown table; asserts nothing.
"""

import argparse
import random
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from backends.engine.base import Done, EngineStatus, Event, Failed, Request
from backends.engine.factory import engine
from backends.engine.local import LocalEngine
from backends.knowledge import knowledge
from backends.knowledge.documents import Chunk, cut, read_documents
from backends.prompts import build_prompt
from backends.registry import registry
from backends.scenario import Scenario, load_scenario
from backends.types import Passage, Prompt, Query, Sampling
from compare.case_files import load_cases
from compare.cases import Case
from compare.checks import CheckResult, run_checks
from compare.seeds import call_seed

GREEDY = Sampling(temperature=0.0, max_tokens=64)
WARM = Sampling(temperature=0.8, max_tokens=64)
BATCH = 24


Target = tuple[int, int] | None
"""Least and greatest share in percent that was set as a goal."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the table."""

    what: str
    kind: Literal["content", "format"]
    target: "Target" = None


@dataclass(frozen=True, kw_only=True)
class Measure:
    """Which cases are asked of which backend, how often each, and the table's lines that come of it."""

    scenario: Scenario
    cases: list[Case]
    backend: str
    sampling: Sampling
    repeats: int = 1
    lines: tuple[Line, ...]


def started() -> tuple[LocalEngine, EngineStatus]:
    """The settings' engine once it is ready, and what it says of itself; ends the script when it can't be."""
    one = engine()
    one.start()
    status = one.wait_ready()
    if status.state != "ready":
        raise SystemExit(status.detail)
    return one, status


def generate(
    one: LocalEngine, prompts: list[Prompt], sampling: Sampling, seeds: list[int], batch: int = BATCH
) -> list[str]:
    """The answers' texts, in order, in batches; a failure ends the script."""
    texts: list[str] = []
    for start in range(0, len(prompts), batch):
        now = time.perf_counter()
        requests = [
            Request(id=str(i), prompt=prompts[i], sampling=sampling, seed=seeds[i], submitted_at=now)
            for i in range(start, min(start + batch, len(prompts)))
        ]
        texts += generate_batch(one, requests)
        print(f"  {len(texts)}/{len(prompts)}", end="\r", file=sys.stderr, flush=True)
    return texts


def generate_batch(one: LocalEngine, requests: list[Request]) -> list[str]:
    """The texts of one batch, in order; waits for the last one."""
    ends: dict[str, Done | Failed] = {}
    ended = threading.Event()

    def note(event: Event) -> None:
        if isinstance(event, Done | Failed):
            ends[event.request_id] = event
        if len(ends) == len(requests):
            ended.set()

    one.submit(requests, note, mode="demo")
    ended.wait()
    texts = []
    for request in requests:
        end = ends[request.id]
        if isinstance(end, Failed):
            raise SystemExit(f"FAILED: {end.failure.message}")
        texts.append(end.answer.text)
    return texts


def right(results: Iterable[CheckResult], kind: str) -> bool:
    """Whether every check of one kind passed."""
    return all(result.result == "pass" for result in results if result.kind == kind)


def gold_passage(
    one: LocalEngine, scenario: Scenario, case: Case, chunks: tuple[Chunk, ...]
) -> Passage | None:
    """Of the gold document's chunks that hold the expected value, the one nearest to the query."""
    holding = [
        c
        for c in chunks
        if c.source == case.source and right(run_checks(case, c.text, (), scenario), "content")
    ]
    if not holding:
        return None
    vectors, _ = one.embed([case.query, *(c.text for c in holding)])
    best = max(range(len(holding)), key=lambda i: float(vectors[0] @ vectors[i + 1]))
    return Passage(
        number=1, source=holding[best].source, chunk_id=holding[best].id, text=holding[best].text, cosine=None
    )


class Rows:
    """Collects the table and the answers for people to read."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.answers: list[tuple[str, str, str, str]] = []

    def add(self, what: str, passed: list[bool], target: Target) -> None:
        """One line: share and counts, the goal if there is one, and whether it was met."""
        percent = 100 * sum(passed) / len(passed)
        measured = f"{sum(passed)} of {len(passed)} ({percent:.1f} %)"
        goal = met = ""
        if target is not None:
            low, high = target
            goal = f">= {low} %" if high == 100 else f"<= {high} %" if low == 0 else f"{low} % to {high} %"
            met = "met" if low <= percent <= high else "**missed**"
        self.lines.append(f"| {what} | {measured} | {goal} | {met} |")
        print(self.lines[-1], file=sys.stderr, flush=True)


def with_gold_passage(one: LocalEngine, rows: Rows, scenario: Scenario, cases: list[Case]) -> None:
    """The right value when the gold passage alone is given."""
    settings = scenario.retrieval
    chunks = cut(
        read_documents(scenario.path / "knowledge"),
        chunk_tokens=settings.chunk_tokens,
        chunk_overlap=settings.chunk_overlap,
        count_tokens=one.count_tokens,
    )
    gold = [(case, passage) for case in cases if (passage := gold_passage(one, scenario, case, chunks))]
    prompts = [build_prompt(scenario, case.query, passages=(passage,)) for case, passage in gold]
    texts = generate(one, prompts, GREEDY, [0] * len(prompts))
    rows.add(
        "support-facts: right value, gold passage alone, greedy",
        [right(run_checks(c, t, (p,), scenario), "content") for (c, p), t in zip(gold, texts, strict=True)],
        (85, 100),
    )


def facts(one: LocalEngine, rows: Rows) -> None:
    """support-facts: the right value with the gold passage, without it, and on all four backends."""
    scenario = load_scenario("support-facts")
    cases = [case for case in load_cases(scenario) if case.source]
    with_gold_passage(one, rows, scenario, cases)
    targets: dict[str, Target] = {"prompt": (0, 10), "rag": None, "lora": None, "hybrid": None}
    for name, target in targets.items():
        what = f"support-facts: right value, `{name}`, greedy"
        lines = (Line(what=what, kind="content", target=target),)
        run(one, rows, Measure(scenario=scenario, cases=cases, backend=name, sampling=GREEDY, lines=lines))


def routing(one: LocalEngine, rows: Rows, repeats: int) -> None:
    """ticket-routing: valid JSON and right labels, told only and after LoRA."""
    scenario = load_scenario("ticket-routing")
    cases = list(load_cases(scenario))
    targets: dict[str, tuple[Target, Target]] = {
        "prompt": ((30, 90), None),
        "lora": ((97, 100), (95, 100)),
        "hybrid": (None, None),
    }
    for name, (valid, label) in targets.items():
        how = f"`{name}`, temperature 0.8"
        lines = (
            Line(what=f"ticket-routing: JSON of the schema, {how}", kind="format", target=valid),
            Line(what=f"ticket-routing: queue and priority right, {how}", kind="content", target=label),
        )
        measure = Measure(
            scenario=scenario, cases=cases, backend=name, sampling=WARM, repeats=repeats, lines=lines
        )
        run(one, rows, measure)


def answers(one: LocalEngine, measure: Measure) -> tuple[list[str], list[Prompt]]:
    """The backend's answers to all cases, the repeats of a case together, and the prompts behind them."""
    backend, scenario = registry()[measure.backend], measure.scenario
    queries = [
        Query(text=case.query, scenario=scenario.name, sampling=measure.sampling) for case in measure.cases
    ]
    prompts = [backend.prepare(query, scenario, one) for query in queries]
    repeats = range(measure.repeats)
    prompts = [replace(prompt, embed_ms=0.0, retrieve_ms=0.0) for prompt in prompts for _ in repeats]
    seeds = [call_seed(0, case.id, repeat) for case in measure.cases for repeat in repeats]
    return generate(one, prompts, measure.sampling, seeds), prompts


def run(one: LocalEngine, rows: Rows, measure: Measure) -> None:
    """The lines of one measure; its answers are kept for reading, marked by the content checks."""
    texts, prompts = answers(one, measure)
    asked = [case for case in measure.cases for _ in range(measure.repeats)]
    results = [
        run_checks(case, text, prompt.passages, measure.scenario)
        for case, text, prompt in zip(asked, texts, prompts, strict=True)
    ]
    for line in measure.lines:
        rows.add(line.what, [right(result, line.kind) for result in results], line.target)
    rows.answers += [
        (
            f"{measure.scenario.name} `{measure.backend}`",
            case.query,
            text,
            "right" if right(result, "content") else "wrong",
        )
        for case, text, result in zip(asked, texts, results, strict=True)
    ]


def write_answers(path: Path, rows: Rows, count: int = 50) -> None:
    """``count`` answers drawn with a fixed seed, with a column for a person's mark."""
    drawn = random.Random(50).sample(rows.answers, count)
    lines = ["| # | lane | question | answer | value | mark |", "|---|---|---|---|---|---|"]
    for number, row in enumerate(drawn, 1):
        cells = (cell.replace("|", "\\|").replace("\n", " / ") for cell in row)
        lines.append(f"| {number} | {' | '.join(cells)} | |")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="of each ticket-routing case")
    parser.add_argument("--answers", type=Path)
    args = parser.parse_args()
    (one, _), rows = started(), Rows()
    knowledge()
    facts(one, rows)
    routing(one, rows, args.repeats)
    print("| what | measured | target | |\n|---|---|---|---|\n" + "\n".join(rows.lines))
    if args.answers:
        write_answers(args.answers, rows)
    one.stop()


if __name__ == "__main__":
    main()
