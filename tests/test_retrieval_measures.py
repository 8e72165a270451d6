"""Retrieval by hand and by property: bounds, more passages find no less, nothing is chosen on ``test``."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compare import retrieval_takeaways as takeaways
from compare.cases import Case, Split
from compare.charts.retrieval import retrieval_figure, sweep_figure
from compare.charts.svg import svg
from compare.judging import gold_sources
from compare.retrieval_choice import recommend
from compare.retrieval_measures import (
    Ranked,
    hit_rate,
    measure_retrieval,
    misses,
    mrr,
    recall,
    reported_ks,
)
from compare.retrieval_sweep import Setting, SweepPoint, chunk_sizes, dev_only, sweep_grid, sweep_point
from compare.statistics import CaseScores, difference, rate


def ranked(
    name: str, source: str, *sources: str, group: str = "", split: Split = "dev", tokens: Sequence[int] = ()
) -> Ranked:
    case = Case(id=name, query=f"{name}?", source=source, group=group, split=split)
    return Ranked(case=case, sources=sources, nearest=None, tokens=tuple(tokens))


WORKED = (
    ranked("first", "a.md", "a.md", "b.md", "c.md"),
    ranked("second", "A.MD", "b.md", "a.md", "a.md"),
    ranked("half", "a.md | d.md", "a.md", "a.md", "b.md"),
    ranked("both", "a.md | d.md", "c.md", "d.md", "a.md"),
    ranked("never", "z.md", "a.md", "b.md", "c.md"),
    ranked("no source", " ", "a.md", "b.md", "c.md"),
)
"""Hits at 3: 4 of 5. Recall: 1, 1, 1/2, 1, 0. Reciprocal ranks: 1, 1/2, 1, 1/2, 0."""


@pytest.mark.parametrize(
    ("k", "hits", "recalled", "ranks"),
    [(1, 2 / 5, 1.5 / 5, 2 / 5), (2, 4 / 5, 3 / 5, 3 / 5), (3, 4 / 5, 3.5 / 5, 3 / 5)],
)
def test_worked_example(k: int, hits: float, recalled: float, ranks: float) -> None:
    found = [measure(WORKED, k) for measure in (hit_rate, recall, mrr)]
    assert [one.value for one in found if one] == pytest.approx([hits, recalled, ranks])


def test_cases_without_a_gold_source_are_left_out_and_counted() -> None:
    found = measure_retrieval(WORKED, 300)
    assert (found.cases, found.groups, found.several, found.without_source) == (5, 5, 2, 1)
    assert list(found.at) == [1, 3, 5, 10]
    assert [miss.case.id for miss in misses(WORKED, 1)] == ["second", "both", "never"]
    assert [miss.case.id for miss in misses(WORKED, 3)] == ["never"]
    assert measure_retrieval(WORKED[-1:], 300).at == {}
    assert hit_rate(WORKED[-1:], 1) is None
    with pytest.raises(ValueError, match="k must be"):
        hit_rate(WORKED, 0)


def test_gold_sources_are_split_at_bars_and_folded() -> None:
    case = Case(id="c", query="q", source=r" Plan\|B.md |  PRO  plan.md | ")
    assert gold_sources(case) == {"plan|b.md", "pro plan.md"}


@pytest.mark.parametrize(
    ("chunks", "ks"), [(0, (1,)), (9, (1,)), (29, (1,)), (30, (1, 3)), (99, (1, 3, 5)), (100, (1, 3, 5, 10))]
)
def test_k_is_reported_up_to_a_tenth_of_the_chunks(chunks: int, ks: tuple[int, ...]) -> None:
    assert reported_ks(chunks) == ks


DOCUMENTS = ("a", "b", "c", "d", "e")
LISTS = st.lists(st.sampled_from(DOCUMENTS), max_size=10)
GOLD = st.sets(st.sampled_from(DOCUMENTS), min_size=1, max_size=3)
ROWS = st.lists(st.tuples(GOLD, LISTS, st.integers(0, 4)), min_size=1, max_size=20)
Rows = list[tuple[set[str], list[str], int]]


def of_rows(rows: Rows) -> list[Ranked]:
    return [
        ranked(f"c{n}", " | ".join(sorted(gold)), *sources, group=f"g{group}")
        for n, (gold, sources, group) in enumerate(rows)
    ]


@settings(max_examples=40)
@given(rows=ROWS, seed=st.integers())
def test_measures_are_bounded_rise_with_k_and_do_not_know_the_order(rows: Rows, seed: int) -> None:
    found = of_rows(rows)
    mixed = Random(seed).sample(found, len(found))
    before = [0.0, 0.0, 0.0]
    for k in (1, 3, 10):
        now = []
        for measure in (hit_rate, recall, mrr):
            one, other = measure(found, k), measure(mixed, k)
            assert one is not None
            assert other is not None
            assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))
            assert 0 <= one.low < one.high <= 1
            now.append(one.value)
        hits, recalled, ranks = now
        assert recalled <= hits + 1e-9
        assert hits / k - 1e-9 <= ranks <= hits + 1e-9
        assert all(later >= earlier - 1e-9 for later, earlier in zip(now, before, strict=True))
        before = now


@settings(max_examples=30)
@given(rows=ROWS, k=st.integers(1, 10))
def test_with_one_gold_document_recall_is_the_hit_rate(rows: Rows, k: int) -> None:
    found = of_rows([({min(gold)}, sources, group) for gold, sources, group in rows])
    assert recall(found, k) == hit_rate(found, k)
    assert hit_rate(found, 1) == mrr(found, 1)


@pytest.mark.parametrize("score", [0.0, 1 / 3, 0.5, 1.0])
@pytest.mark.parametrize(("groups", "size"), [(1, 1), (1, 3), (15, 1), (30, 3)])
def test_equal_scores_of_any_size_keep_an_interval_with_width(score: float, groups: int, size: int) -> None:
    cases = [
        CaseScores(case=f"{g}.{n}", group=f"{g}", scores=(score,)) for g in range(groups) for n in range(size)
    ]
    found = rate(cases, whole_groups=True)
    assert found is not None
    assert found.high - found.low > 0.01
    assert 0 <= found.low <= found.value <= found.high <= 1
    same = difference(cases, cases, whole_groups=True)
    assert same is not None
    assert same.low < 0 < same.high


@pytest.mark.parametrize("steps", [(0.8, 0.8, 0.8), (0.6, 0.8, 0.9)], ids=["hits", "reciprocal ranks"])
def test_the_interval_covers_the_truth_when_the_phrasings_of_a_fact_agree(steps: tuple[float, ...]) -> None:
    """30 facts, 3 phrasings each that are found alike; as cases of their own, Wilson covers about 75 %."""
    drawn = np.random.default_rng(3)
    truth = steps[0] + (steps[1] - steps[0]) / 2 + (steps[2] - steps[1]) / 3
    inside, alone = 0, 0
    for _ in range(300):
        chances = drawn.random(30)
        means = [next((1 / n for n, step in enumerate(steps, 1) if u < step), 0.0) for u in chances]
        cases = [
            CaseScores(case=f"{g}.{n}", group=f"{g}", scores=(mean,))
            for g, mean in enumerate(means)
            for n in range(3)
        ]
        whole, single = rate(cases, whole_groups=True), rate(cases)
        assert whole is not None
        assert single is not None
        inside += whole.low <= truth <= whole.high
        alone += single.low <= truth <= single.high
    assert inside / 300 >= 0.93
    assert alone <= inside


def facts(hits: int, of: int, size: int, k: int, tokens: int = 100) -> SweepPoint:
    """``hits`` of ``of`` facts are found at rank 1, the others never; one question a fact."""
    rows = [
        ranked(f"c{n}", "a", *(["a"] if n < hits else ["b"]), *["c"] * (k - 1), tokens=[tokens] * k)
        for n in range(of)
    ]
    found = sweep_point(Setting(chunk_tokens=size, k=k), rows, 400)
    assert found is not None
    return found


NOW = Setting(chunk_tokens=120, k=1)


def test_only_dev_cases_enter_a_sweep() -> None:
    rows = [ranked("c", "a", "a"), ranked("t", "a", "a", split="test")]
    with pytest.raises(ValueError, match="dev split only"):
        sweep_point(NOW, rows, 400)
    assert [case.id for case in dev_only(row.case for row in rows)] == ["c"]
    assert sweep_point(NOW, [ranked("c", "", "a")], 400) is None
    with pytest.raises(ValueError, match="a tenth of 20"):
        sweep_point(replace(NOW, k=3), rows[:1], 20)


def test_the_grid_holds_the_present_size_and_k_and_stays_within_a_tenth() -> None:
    present = Setting(chunk_tokens=90, k=4)
    assert chunk_sizes(present) == (40, 70, 90, 120, 200)
    grid = sweep_grid({90: 50, 200: 9}, present)
    assert [(one.chunk_tokens, one.k) for one in grid] == [
        (90, 1),
        (90, 2),
        (90, 3),
        (90, 4),
        (90, 5),
        (200, 1),
    ]


def test_tokens_to_read_are_counted_or_the_most_there_can_be() -> None:
    rows = [ranked("c", "a", "a", "b", "c", tokens=(30, 20, 9)), ranked("d", "a", "b", "a", tokens=(10, 20))]
    setting = Setting(chunk_tokens=40, k=2)
    found = sweep_point(setting, rows, 400)
    assert found is not None
    assert found.prompt_tokens == found.tokens_to_read == 40
    bare = sweep_point(setting, [replace(row, tokens=()) for row in rows], 400)
    assert bare is not None
    assert (bare.prompt_tokens, bare.tokens_to_read) == (None, 80)


def test_a_dearer_setting_is_recommended_only_when_it_is_shown_to_find_more() -> None:
    found = recommend([facts(30, 60, 120, 1), facts(55, 60, 120, 3)], NOW)
    assert (found.kind, found.setting.k) == ("change", 3)
    assert "for 55 of 60 tuning questions instead of 30 of 60" in found.sentence
    assert "reads more: 300 tokens a question instead of 100." in found.sentence
    unsure = recommend([facts(30, 60, 120, 1), facts(32, 60, 120, 3)], NOW)
    assert (unsure.kind, unsure.setting) == ("cannot_tell", NOW)
    assert unsure.sentence.startswith("Cannot tell yet, so keep 1 passage of up to 120 tokens")


def test_a_cheaper_setting_is_recommended_when_it_is_shown_to_do_as_well() -> None:
    dear = Setting(chunk_tokens=120, k=3)
    found = recommend([facts(180, 200, 120, 3), facts(180, 200, 120, 1)], dear)
    assert (found.kind, found.setting) == ("change", NOW)
    few = recommend([facts(27, 30, 120, 3), facts(27, 30, 120, 1)], dear)
    assert (few.kind, few.setting) == ("cannot_tell", dear)
    assert "reading less" in few.sentence
    worse = recommend([facts(180, 200, 120, 3), facts(100, 200, 120, 1)], dear)
    assert (worse.kind, worse.setting) == ("keep", dear)


def test_nothing_is_recommended_from_few_facts_or_without_the_present_setting() -> None:
    few = recommend([facts(2, 14, 120, 1), facts(14, 14, 120, 3)], NOW)
    assert (few.kind, few.setting) == ("cannot_tell", NOW)
    assert "14 different facts are too few" in few.sentence
    absent = recommend([facts(2, 60, 40, 1), facts(60, 60, 120, 3)], NOW)
    assert (absent.kind, absent.setting) == ("cannot_tell", NOW)
    assert recommend([], NOW).kind == "cannot_tell"


def test_settings_measured_on_other_cases_are_refused() -> None:
    with pytest.raises(ValueError, match="same cases"):
        recommend([facts(30, 60, 120, 1), facts(40, 50, 120, 3)], NOW)


def test_the_sentence_counts_questions() -> None:
    rows = [ranked(f"c{n}", "a", "b", "b", "a" if n < 90 else "c") for n in range(96)]
    said = takeaways.of_retrieval(measure_retrieval(rows, 300), 3)
    assert said.startswith(
        "The right document is among the first 3 passages for 90 of 96 questions (95 % int"
    )
    assert "recall is the same as the hit rate" in said
    small = takeaways.of_retrieval(measure_retrieval(rows, 12), 3)
    assert small.startswith("The right document is in the first passage for 0 of 96 questions")
    assert "a tenth of the 12 passages" in small
    assert "too few" in takeaways.of_retrieval(measure_retrieval(rows[:5], 300), 3)
    assert "No question names" in takeaways.of_retrieval(measure_retrieval([], 300), 3)


def test_charts_are_drawn_and_are_the_same_each_time() -> None:
    measured = retrieval_figure(measure_retrieval(WORKED, 300), 3)
    points = [facts(40, 60, 40, 1, 35), facts(30, 60, 120, 1), facts(55, 60, 120, 3), facts(58, 60, 200, 3)]
    tried = sweep_figure(points, NOW, recommend(points, NOW))
    for figure, words in (
        (measured, ("● Hit rate", "0.60")),
        (tried, ("now: 1 × 120 tokens", "● 40 tokens")),
    ):
        assert figure.chart is not None
        drawn = svg(figure.chart)
        assert drawn == svg(figure.chart)
        assert all(word in drawn for word in words)
        assert figure.alt
        assert figure.takeaway
    assert retrieval_figure(measure_retrieval([], 300), 3).chart is None
    assert sweep_figure([], NOW, recommend([], NOW)).chart is None
