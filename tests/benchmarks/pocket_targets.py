"""What Pocket can do on the shipped scenarios: the table of its model card.

    python -m tests.benchmarks.pocket_targets [--repeats 3] [--answers docs/FILE]

Real engine, real index, real adapters, all cases of both scenarios. ``--answers`` writes 50 answers (drawn with a fixed
seed) to a Markdown file for people to mark. Prints a Markdown table; asserts nothing.
"""

import argparse
import random
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from backends.base import registry
from backends.engine.base import Done, Event, Failed, Request
from backends.engine.local import LocalEngine, engine
from backends.knowledge import knowledge
from backends.knowledge.documents import Chunk, cut, read_documents
from backends.prompts import build_prompt
from backends.scenario import Scenario, load_scenario
from backends.types import Passage, Prompt, Query, Sampling
from compare.cases import Case, load_cases
from compare.checks import CheckResult, run_checks
from compare.seeds import call_seed

GREEDY = Sampling(temperature=0.0, max_tokens=64)
WARM = Sampling(temperature=0.8, max_tokens=64)
BATCH = 24


def generate(one: LocalEngine, prompts: list[Prompt], sampling: Sampling, seeds: list[int]) -> list[str]:
    """The answers' texts, in order, in batches; a failure ends the script."""
    texts: dict[str, str] = {}
    for start in range(0, len(prompts), BATCH):
        ended = threading.Event()
        requests = [
            Request(
                id=str(i),
                prompt=prompts[i],
                sampling=sampling,
                seed=seeds[i],
                submitted_at=time.perf_counter(),
            )
            for i in range(start, min(start + BATCH, len(prompts)))
        ]
        wanted = start + len(requests)

        def note(event: Event, wanted: int = wanted, ended: threading.Event = ended) -> None:
            if isinstance(event, Done):
                texts[event.request_id] = event.answer.text
            elif isinstance(event, Failed):
                texts[event.request_id] = f"FAILED: {event.failure.message}"
            if len(texts) == wanted:
                ended.set()

        one.submit(requests, note, mode="demo")
        ended.wait()
        print(f"  {wanted}/{len(prompts)}", end="\r", file=sys.stderr, flush=True)
    failed = [text for text in texts.values() if text.startswith("FAILED")]
    if failed:
        raise SystemExit(failed[0])
    return [texts[str(i)] for i in range(len(prompts))]


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

    def add(self, what: str, passed: list[bool], target: str) -> None:
        """One line: share and counts."""
        self.lines.append(
            f"| {what} | {sum(passed)} of {len(passed)} ({100 * sum(passed) / len(passed):.1f} %) | {target} |"
        )
        print(self.lines[-1], flush=True)


def facts(one: LocalEngine, rows: Rows) -> None:
    """support-facts: the right value with the gold passage, without it, and on all four backends."""
    scenario = load_scenario("support-facts")
    cases = [case for case in load_cases(scenario) if case.source]
    settings = scenario.retrieval
    chunks = cut(read_documents(scenario.path / "knowledge"), chunk_tokens=settings.chunk_tokens,
                 chunk_overlap=settings.chunk_overlap, count_tokens=one.count_tokens)  # fmt: skip
    gold = [(case, passage) for case in cases if (passage := gold_passage(one, scenario, case, chunks))]
    prompts = [build_prompt(scenario, case.query, passages=(passage,)) for case, passage in gold]
    texts = generate(one, prompts, GREEDY, [0] * len(prompts))
    rows.add(
        "support-facts: right value, gold passage alone, greedy",
        [right(run_checks(c, t, (p,), scenario), "content") for (c, p), t in zip(gold, texts, strict=True)],
        ">= 85 %",
    )
    for name, target in (("prompt", "<= 10 %"), ("rag", ""), ("lora", ""), ("hybrid", "")):
        measure(
            one,
            rows,
            scenario,
            cases,
            name,
            GREEDY,
            f"support-facts: right value, `{name}`, greedy",
            target,
            "content",
        )


def routing(one: LocalEngine, rows: Rows, repeats: int) -> None:
    """ticket-routing: valid JSON and right labels, told only and after LoRA."""
    scenario = load_scenario("ticket-routing")
    cases = list(load_cases(scenario))
    for name, valid, label in (
        ("prompt", "30 % to 90 %", ""),
        ("lora", ">= 97 %", ">= 95 %"),
        ("hybrid", "", ""),
    ):
        texts, prompts = answers(one, scenario, cases, name, WARM, repeats)
        several = [case for case in cases for _ in range(repeats)]
        results = [
            run_checks(c, t, p.passages, scenario) for c, t, p in zip(several, texts, prompts, strict=True)
        ]
        rows.add(
            f"ticket-routing: JSON of the schema, `{name}`, temperature 0.8",
            [right(r, "format") for r in results],
            valid,
        )
        rows.add(
            f"ticket-routing: queue and priority right, `{name}`, temperature 0.8",
            [right(r, "content") for r in results],
            label,
        )
        rows.answers += [
            (f"ticket-routing `{name}`", c.query, t, "right" if right(r, "content") else "wrong")
            for c, t, r in zip(several, texts, results, strict=True)
        ]


def answers(
    one: LocalEngine, scenario: Scenario, cases: list[Case], name: str, sampling: Sampling, repeats: int = 1
) -> tuple[list[str], list[Prompt]]:
    """One backend's answers to all cases, and the prompts behind them."""
    backend = registry()[name]
    prompts = [
        backend.prepare(Query(text=case.query, scenario=scenario.name, sampling=sampling), scenario, one)
        for case in cases
    ]
    prompts = [replace(prompt, embed_ms=0.0, retrieve_ms=0.0) for prompt in prompts for _ in range(repeats)]
    seeds = [call_seed(0, case.id, repeat) for case in cases for repeat in range(repeats)]
    return generate(one, prompts, sampling, seeds), prompts


def measure(
    one: LocalEngine,
    rows: Rows,
    scenario: Scenario,
    cases: list[Case],
    name: str,
    sampling: Sampling,
    what: str,
    target: str,
    kind: str,
) -> None:
    """One line of the table for one backend; its answers are kept for reading."""
    texts, prompts = answers(one, scenario, cases, name, sampling)
    passed = [
        right(run_checks(c, t, p.passages, scenario), kind)
        for c, t, p in zip(cases, texts, prompts, strict=True)
    ]
    rows.add(what, passed, target)
    rows.answers += [
        (f"{scenario.name} `{name}`", c.query, t, "right" if ok else "wrong")
        for c, t, ok in zip(cases, texts, passed, strict=True)
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
    one, rows = engine(), Rows()
    one.start()
    status = one.wait_ready()
    if status.state != "ready":
        raise SystemExit(status.detail)
    knowledge()
    facts(one, rows)
    routing(one, rows, args.repeats)
    print("\n| what | measured | target |\n|---|---|---|\n" + "\n".join(rows.lines))
    if args.answers:
        write_answers(args.answers, rows)
    one.stop()


if __name__ == "__main__":
    main()
