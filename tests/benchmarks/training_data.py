"""How long the check of training data takes, and what it finds of what is planted.

    python -m tests.benchmarks.training_data [--examples 10000]

First each scenario's examples, then with plants among them (see ``tests/test_training_data.py``);
then so many examples made of their words, once as they are and once in small letters without numbers, where
nothing but letters tells two apart. Prints tables; asserts nothing.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from time import perf_counter

from backends.training.examples import Example
from compare.training_data import check_examples
from tests.test_training_data import SHIPPED, planted, shipped


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--examples", type=int, default=10_000)
    wanted = parser.parse_args().examples
    print(
        "| scenario | examples | seconds | clean rows flagged | planted rows found |\n|---|---|---|---|---|"
    )
    words: list[Example] = []
    for name in SHIPPED:
        scenario, clean, cases = shipped(name)
        words += clean
        began = perf_counter()
        flagged = check_examples(clean, cases=cases, scenario=scenario).flagged
        took = perf_counter() - began
        spoilt = planted(clean, cases)
        lines = set().union(*spoilt.lines.values())
        found = check_examples(spoilt.examples, cases=cases, scenario=scenario).flagged & lines
        print(f"| {name} | {len(clean)} | {took:.2f} | {len(flagged)} | {len(found)} of {len(lines)} |")
    print("\n| examples | characters | seconds |\n|---|---|---|")
    for what, small in (("as they are", False), ("small letters, no numbers", True)):
        examples = _shuffled(words, wanted, small=small)
        mean = sum(len(example.query) for example in examples) / wanted
        began = perf_counter()
        check_examples(examples)
        print(f"| {wanted:,}, {what} | {mean:.0f} | {perf_counter() - began:.1f} |")


def _shuffled(of: Sequence[Example], many: int, *, small: bool) -> list[Example]:
    rng = Random(0)
    examples = []
    for line in range(1, many + 1):
        example = rng.choice(of)
        words = example.query.split()
        rng.shuffle(words)
        query = " ".join(words)
        if small:
            query = "".join(c for c in query.lower() if not c.isdigit())
        examples.append(replace(example, line=line, query=query))
    return examples


if __name__ == "__main__":
    main()
