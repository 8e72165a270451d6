"""Does the verdict keep its promises? ``python -m tests.benchmarks.verdict --keep FILE.jsonl``

Simulated runs through the shipped ``decide``: levers with known rates answer the same cases, whose difficulty
they share (beta-distributed: a case that is hard for one is hard for all). Each question is looked at three
times, at half, three quarters and all of its cases, and whatever any of the looks says counts. Prints
Markdown; asserts nothing. Finished rows are kept in the file and not simulated again.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.stats import beta

from compare.statistics import CaseScores, rate
from compare.terms import LOOKS, Terms
from compare.verdict import Verdict, decide

SPREAD = 2.0
"""Of the difficulty: the two parameters of its beta distribution add up to this; 0 and 1 are likely."""
SHARES = (0.5, 0.75, 1.0)
"""Of the cases that are there at each look."""
EQUAL = (0.5, 0.7, 0.78, 0.85, 0.95)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is simulated: the levers' true rates, cheapest first, over ``cases`` in groups of ``group`` that
    are all answered alike, each asked ``repeats`` times.
    """

    rates: tuple[float, ...]
    cases: int
    repeats: int
    group: int = 1

    @property
    def key(self) -> str:
        """What its row is kept under."""
        return json.dumps(asdict(self))


def answers(setting: Setting, rng: np.random.Generator) -> dict[str, list[CaseScores]]:
    """The levers' scores of one simulated run; its rate over all possible cases is true."""
    groups = setting.cases // setting.group
    hard = rng.random(groups)
    found = {}
    for number, true in enumerate(setting.rates):
        chance = beta.ppf(hard, SPREAD * true, SPREAD * (1 - true))
        right = (rng.random((setting.repeats, groups)) < chance).astype(float).T.tolist()
        found[f"lever {number}"] = [
            CaseScores(case=f"g{at}c{one}", group=f"g{at}", scores=tuple(scores))
            for at, scores in enumerate(right)
            for one in range(setting.group)
        ]
    return found


def looks_at(setting: Setting, rng: np.random.Generator) -> list[Verdict]:
    """The verdicts of one question, look by look."""
    scores = answers(setting, rng)
    terms = Terms(order=tuple(scores))
    sizes = [round(share * setting.cases / setting.group) * setting.group for share in SHARES]
    return [
        decide({lane: found[:size] for lane, found in scores.items()}, terms, look=look, advise=False)
        for look, size in zip(range(1, LOOKS + 1), sizes, strict=True)
    ]


def wrongs(setting: Setting, verdicts: Sequence[Verdict]) -> Iterator[str]:
    """What is wrong with the verdicts of one question, and what its last one says."""
    rates = dict(zip(verdicts[-1].order, setting.rates, strict=True))
    if any(_dearer_named(verdict, rates) for verdict in verdicts):
        yield "dearer"
    if any(_as_good_is_out(verdict, rates) for verdict in verdicts):
        yield "out"
    if any(verdict.meets_bar and rates[verdict.levers[0]] < verdict.terms.bar for verdict in verdicts):
        yield "bar"
    if any(verdict.kind == "none_works" and max(rates.values()) >= verdict.terms.bar for verdict in verdicts):
        yield "none"
    last = verdicts[-1]
    yield last.kind
    named = last.kind in ("choose", "narrowed", "tie")
    if named and all(rates[lane] == max(rates.values()) for lane in last.levers):
        yield "right"


def _dearer_named(verdict: Verdict, rates: Mapping[str, float]) -> bool:
    """Whether it starts with a lever though a cheaper one is as good."""
    if verdict.kind not in ("choose", "narrowed"):
        return False
    first = verdict.levers[0]
    return any(rates[lane] >= rates[first] for lane in verdict.order[: verdict.order.index(first)])


def _as_good_is_out(verdict: Verdict, rates: Mapping[str, float]) -> bool:
    """Whether one of the best levers is out for nothing: the cheaper one is neither in nor shown to do."""
    if verdict.kind not in ("choose", "narrowed"):
        return False
    best = [lane for lane in verdict.order if rates[lane] == max(rates.values())]
    if verdict.why in ("meets the bar", "best so far"):
        best = best[:1]
    return any(lane not in verdict.levers and not _needless(verdict, lane) for lane in best)


def _needless(verdict: Verdict, lane: str) -> bool:
    """Whether a cheaper lever is shown to meet the bar, so that this one is not needed."""
    cheaper = verdict.order[: verdict.order.index(lane)]
    return any(verdict.rates[one].low >= verdict.terms.bar for one in cheaper)


def settings() -> Iterator[Setting]:
    """All that is simulated, what is asked for first."""
    for cases, repeats in ((60, 1), (60, 5), (30, 1), (200, 1)):
        yield Setting(rates=(0.3, 0.9, 0.3, 0.9), cases=cases, repeats=repeats)
        yield Setting(rates=(0.55, 0.85), cases=cases, repeats=repeats)
    for levers, cases, repeats, group in (
        (4, 60, 1, 1), (4, 30, 1, 1), (4, 60, 5, 1), (9, 60, 1, 1), (4, 60, 1, 3), (4, 200, 1, 1),
        (9, 30, 1, 1), (4, 30, 5, 1), (4, 180, 1, 3), (4, 200, 5, 1), (9, 200, 1, 1), (9, 60, 5, 1),
        (9, 30, 5, 1), (9, 200, 5, 1),
    ):  # fmt: skip
        for true in EQUAL:
            yield Setting(rates=(true,) * levers, cases=cases, repeats=repeats, group=group)


def simulate(setting: Setting, many: int) -> dict[str, int]:
    """How many of so many questions were answered how."""
    rng = np.random.default_rng(20261122)
    found: Counter[str] = Counter()
    for _ in range(many):
        found.update(wrongs(setting, looks_at(setting, rng)))
    return dict(found)


BOUNDS = tuple(
    Setting(rates=rates, cases=cases, repeats=repeats, group=group)
    for rates in ((0.85,) * 4, (0.5, 0.6, 0.7, 0.8), (0.95,) * 4)
    for cases, repeats, group in ((30, 1, 1), (60, 1, 1), (60, 5, 1), (200, 1, 1), (60, 1, 3), (180, 1, 3))
)


def missed(setting: Setting, many: int) -> str:
    """How often one of the bounds of a single look misses the truth, as a row of a table."""
    rng = np.random.default_rng(20261123)
    rates = differences = by_case = 0
    for _ in range(many):
        scores = answers(setting, rng)
        found = decide(scores, Terms(order=tuple(scores)), advise=False)
        truth = dict(zip(scores, setting.rates, strict=True))
        rates += any(not one.low <= truth[lane] <= one.high for lane, one in found.rates.items())
        differences += any(
            not one.low <= truth[dear] - truth[cheap] <= one.high
            for (dear, cheap), one in found.differences.items()
        )
        alone = {lane: rate(of, found.rates[lane].confidence) for lane, of in scores.items()}
        by_case += any(one and not one.low <= truth[lane] <= one.high for lane, one in alone.items())
    shares = " | ".join(f"{100 * share / many:.1f}" for share in (rates, differences, by_case))
    return f"| {_asked(setting)} | {shares} |"


def _asked(setting: Setting) -> str:
    equal = len(set(setting.rates)) == 1
    each = [f"{true:g}" for true in setting.rates]
    rates = f"{len(each)} x {each[0]}" if equal else ", ".join(each)
    groups = f" in groups of {setting.group}" if setting.group > 1 else ""
    return f"{rates} | {setting.cases}{groups} | {setting.repeats}"


COLUMNS = {
    "dearer": "dearer named over one as good",
    "out": "best lever wrongly out",
    "bar": "“meets the bar” wrongly",
    "none": "“none works” wrongly",
    "right": "only best levers left",
    "choose": "choose",
    "narrowed": "narrowed",
    "tie": "tie",
    "none_works": "none works",
    "cannot_tell": "cannot tell",
}


def table(kept: Mapping[str, Mapping[str, int]], many: int) -> str:
    """The rows that are there, in percent of the questions."""
    lines = [f"| true rates | cases | repeats | {' | '.join(COLUMNS.values())} |"]
    lines.append("|---" * (3 + len(COLUMNS)) + "|")
    for setting in settings():
        if setting.key in kept:
            shares = (f"{100 * kept[setting.key].get(name, 0) / many:.1f}" for name in COLUMNS)
            lines.append(f"| {_asked(setting)} | {' | '.join(shares)} |")
    return "\n".join(lines)


def main() -> None:
    """Simulate what is not kept yet, and print all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--keep", type=Path, default=Path("verdict.jsonl"), help="finished rows, as JSON lines"
    )
    parser.add_argument("--many", type=int, default=2000)
    parser.add_argument("--print", action="store_true", help="only print what is kept")
    parser.add_argument("--bounds", action="store_true", help="how often bounds miss the truth, and no more")
    asked = parser.parse_args()
    if asked.bounds:
        print(
            "| true rates | cases | repeats | a rate is missed | a difference is missed | Wilson over cases |"
        )
        print("|---" * 6 + "|")
        for setting in BOUNDS:
            print(missed(setting, asked.many), flush=True)
        return
    lines = asked.keep.read_text().splitlines() if asked.keep.is_file() else []
    rows = [json.loads(line) for line in lines]
    kept = {row["setting"]: row["found"] for row in rows if row["many"] == asked.many}
    for setting in [] if asked.print else settings():
        if setting.key not in kept:
            kept[setting.key] = simulate(setting, asked.many)
            row = {"setting": setting.key, "many": asked.many, "found": kept[setting.key]}
            with asked.keep.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(setting.key, kept[setting.key], file=sys.stderr, flush=True)
    print(table(kept, asked.many))


if __name__ == "__main__":
    main()
