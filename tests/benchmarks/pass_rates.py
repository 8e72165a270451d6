"""Pass rates of every backend on every scenario's ``test`` cases: the table of ``docs/pass_rates.md``.

    python -m tests.benchmarks.pass_rates [--scenarios A B] [--temperature 0.7] > docs/pass_rates.md

Real engine, index and adapters, one answer a case. A case fails when one of its checks does, passes when all
do, and counts neither way when none fails and one is unscored. Prints Markdown; asserts nothing.
"""

import argparse
import sys
from collections.abc import Sequence

from backends.base import Backend, registry
from backends.engine.local import LocalEngine
from backends.errors import LeverError
from backends.scenario import Scenario, list_scenarios, load_scenario
from backends.types import Query, Sampling
from compare.cases import Case, load_cases
from compare.checks import checked_part, run_checks
from compare.seeds import call_seed
from tests.benchmarks.pocket_targets import generate, started


def passed(
    one: LocalEngine, scenario: Scenario, backend: Backend, cases: Sequence[Case], sampling: Sampling
) -> str:
    """As "52 of 80", or why the backend can't answer."""
    prompts = [
        backend.prepare(Query(text=case.query, scenario=scenario.name), scenario, one) for case in cases
    ]
    texts = generate(one, prompts, sampling, [call_seed(0, case.id, 0) for case in cases])
    scored = right = 0
    for case, prompt, text in zip(cases, prompts, texts, strict=True):
        said = checked_part(text, backend.layers)
        results = {check.result for check in run_checks(case, said, prompt.passages, scenario)}
        scored += "fail" in results or "unscored" not in results
        right += results == {"pass"}
    return f"{right} of {scored}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenarios", nargs="*", default=list_scenarios())
    parser.add_argument("--temperature", type=float, default=Sampling().temperature)
    asked = parser.parse_args()
    one, status = started()
    sampling = Sampling(temperature=asked.temperature)
    reasons: list[str] = []
    made_with = f"{status.model}, {status.device}, {status.dtype}, temperature {sampling.temperature:g}"
    print(f"# Pass rates\n\n{made_with}, one answer a case, cases of the split `test` only.")
    print("`python -m tests.benchmarks.pass_rates`\n")
    print(f"| backend | {' | '.join(asked.scenarios)} |\n|---|{'---|' * len(asked.scenarios)}")
    scenarios = [load_scenario(name) for name in asked.scenarios]
    cases = {s.name: [case for case in load_cases(s) if case.split == "test"] for s in scenarios}
    for backend in registry().values():
        cells = []
        for scenario in scenarios:
            print(f"{scenario.name}/{backend.name}", file=sys.stderr)
            try:
                cells.append(passed(one, scenario, backend, cases[scenario.name], sampling))
            except LeverError as error:
                cells.append("does not apply")
                reasons.append(f"- `{backend.name}` on `{scenario.name}`: {error.message}")
        print(f"| `{backend.name}` | {' | '.join(cells)} |", flush=True)
    print("\n" + "\n".join(reasons))
    one.stop()


if __name__ == "__main__":
    main()
