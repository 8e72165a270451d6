"""Pass rates of every backend on every scenario's ``test`` cases: the table of ``docs/pass_rates.md``.

    python -m tests.benchmarks.pass_rates [--scenarios A B] [--temperature 0.7] > docs/pass_rates.md

Real engine, index and adapters, one answer a case. A case fails when one of its checks does, passes when all
do, and counts neither way when none fails and one is unscored. Prints Markdown; asserts nothing.
"""

import argparse
import sys
from collections.abc import Sequence

from backends.base import Backend
from backends.engine.local import LocalEngine
from backends.errors import LeverError
from backends.registry import registry
from backends.scenario import Scenario, list_scenarios, load_scenario
from backends.types import Query, Sampling
from compare.case_files import load_cases
from compare.cases import Case, gold_of
from compare.checks import checked_part, run_checks
from compare.judging import combined
from compare.seeds import call_seed
from compare.statistics import CaseScores, difference
from tests.benchmarks.pocket_targets import generate, started

Scores = dict[tuple[str, str], list[CaseScores]]
"""By scenario and backend."""


def judged(
    one: LocalEngine, scenario: Scenario, backend: Backend, cases: Sequence[Case], sampling: Sampling
) -> list[CaseScores]:
    """Every case's score: 1 passed, 0 failed, none when it could not be judged."""
    prompts = [
        backend.prepare(
            Query(text=case.query, scenario=scenario.name, gold=gold_of(case, cases)), scenario, one
        )
        for case in cases
    ]
    texts = generate(one, prompts, sampling, [call_seed(0, case.id, 0) for case in cases])
    found: list[CaseScores] = []
    for case, prompt, text in zip(cases, prompts, texts, strict=True):
        said = checked_part(text, backend.layers)
        outcome = combined(check.result for check in run_checks(case, said, prompt.passages, scenario))
        scores = () if outcome == "unscored" else (float(outcome == "pass"),)
        found.append(CaseScores(case=case.id, group=case.group, scores=scores))
    return found


def cell(cases: Sequence[CaseScores] | None) -> str:
    """As "52 of 80"."""
    if cases is None:
        return "does not apply"
    scored = [case.mean for case in cases if case.scores]
    return f"{round(sum(scored))} of {len(scored)}"


def gain(scores: Scores, scenario: str, better: str, worse: str) -> str:
    """How many points ``better`` passes more often than ``worse``, with its interval, as a row of a table."""
    found = difference(scores[scenario, better], scores[scenario, worse])
    assert found is not None
    low, high = (round(100 * bound) for bound in (found.low, found.high))
    said = f"{100 * found.value:+.0f} ({low:+d} to {high:+d})"
    return f"| {scenario} | `{better}` over `{worse}` | {said} | {found.cases} cases, {found.groups} groups |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenarios", nargs="*", default=list_scenarios())
    parser.add_argument("--temperature", type=float, default=Sampling().temperature)
    asked = parser.parse_args()
    one, status = started()
    sampling = Sampling(temperature=asked.temperature)
    scores: Scores = {}
    reasons: list[str] = []
    scenarios = [load_scenario(name) for name in asked.scenarios]
    for scenario in scenarios:
        cases = [case for case in load_cases(scenario) if case.split == "test"]
        for backend in registry().values():
            print(f"{scenario.name}/{backend.name}", file=sys.stderr)
            try:
                scores[scenario.name, backend.name] = judged(one, scenario, backend, cases, sampling)
            except LeverError as error:
                reasons.append(f"- `{backend.name}` on `{scenario.name}`: {error.message}")
    one.stop()
    made_with = f"{status.model}, {status.device}, {status.dtype}, temperature {sampling.temperature:g}"
    print(f"# Pass rates\n\n{made_with}, one answer a case, cases of the split `test` only.")
    print("`python -m tests.benchmarks.pass_rates`\n")
    print(f"| backend | {' | '.join(asked.scenarios)} |\n|---|{'---|' * len(asked.scenarios)}")
    for name in registry():
        cells = (cell(scores.get((scenario, name))) for scenario in asked.scenarios)
        print(f"| `{name}` | {' | '.join(cells)} |")
    print("\nDifferences between two backends on the same cases, in points of 100, with 95 % intervals.\n")
    print("| scenario | backends | points | of |\n|---|---|---|---|")
    for scenario in asked.scenarios:
        for better in ("rag", "lora", "hybrid"):
            print(gain(scores, scenario, better, "prompt"))
    print("\n" + "\n".join(reasons))


if __name__ == "__main__":
    main()
