"""What verdicts say, from stored runs: every kind of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

from backends.types import Passage
from compare.cases import Case
from compare.lane_names import lever_name
from compare.leakage import Leak
from compare.numbers import at_least, at_most, change_range, listed
from compare.run_leakage import RunLeakage, TrainedOn
from compare.run_verdict import verdict_of
from compare.store import store
from compare.terms import Terms
from compare.verdict_needs import Needs
from compare.verdict_words import of_needs, of_verdict
from tests.verdict_runs import FOUND, Right, cases, failure, keep_run


def first(right: int, of: int) -> list[int]:
    return [1] * right + [0] * (of - right)


def said(
    right: Mapping[str, Right],
    asked: Sequence[Case] | None = None,
    terms: Terms | None = None,
    passages: tuple[Passage, ...] = (),
) -> str:
    run = keep_run(store(), right, asked, passages=passages)
    return of_verdict(verdict_of(run, terms or Terms()), run)


def test_a_lever_that_works_is_named_as_a_stakeholder_repeats_it() -> None:
    right = {"prompt": first(13, 60), "rag": first(58, 60), "lora": [*first(57, 58), 1, 1]}
    right["lora"][:2] = [0, 0]
    run = keep_run(store(), right)
    found = verdict_of(run, Terms())
    more, worse = found.differences["rag", "prompt"], found.differences["lora", "rag"]
    low, high = (round(60 * bound) for bound in (more.low, more.high))
    assert of_verdict(found, run) == (
        "Use retrieval. It answers 58 of 60 right (at least 83 %; your bar is 80 %), 45 more than prompting "
        f"alone (interval {low} to {high}). Fine-tuning was between {-round(60 * worse.low)} worse and "
        f"{round(60 * worse.high)} better; no dearer lever is needed."
    )
    assert 0 < low < 45 < high


def test_where_repeats_make_counts_fractional_it_is_in_percent() -> None:
    wide = {"prompt": [(0, 1, 0)] * 60, "rag": [(1, 1, 1)] * 56 + [(1, 0, 1)] * 4, "lora": [(1, 1, 1)] * 60}
    found = said(wide)
    assert found.startswith("Use retrieval. It answers 98 % right (at least ")
    assert ", 64 points more than prompting alone (interval " in found
    assert "points worse and " in found
    assert found.endswith("points better; no dearer lever is needed.")


def test_the_cheapest_lever_that_works_needs_no_comparison_below_it() -> None:
    assert said({"prompt": first(60, 60)}) == (
        "Use prompting alone. It answers 60 of 60 right (at least 91 %; your bar is 80 %)."
    )


def test_a_cheaper_one_that_misses_the_bar_without_being_beaten_is_said_so() -> None:
    # They were judged on different cases, so that nothing is known of their difference.
    right = {"prompt": [*first(20, 60), *[None] * 60], "rag": [*[None] * 60, *first(59, 60)]}
    assert said(right) == (
        "Use retrieval. It answers 59 of 60 right (at least 86 %; your bar is 80 %); "
        "prompting alone stays below the bar (at most 51 %)."
    )


def test_a_tie_names_the_cheapest() -> None:
    assert said({"prompt": first(196, 200), "rag": first(196, 200), "lora": first(196, 200)}) == (
        "A tie: prompting alone, retrieval and fine-tuning differ by less than 5 points (at most 2 points). "
        "Use prompting alone, the cheapest. It answers 196 of 200 right (at least 92 %; your bar is 80 %)."
    )


def test_none_works_says_what_the_failures_of_the_best_point_to() -> None:
    asked = cases(60, source="gold.md")
    right = {"prompt": first(10, 60), "rag": first(30, 60), "lora": first(5, 60)}
    assert said(right, asked, passages=(FOUND,)) == (
        "None of the 3 levers works: each stays below your bar of 80 %. The best so far is retrieval with "
        "30 of 60 right (at most 67 %). What its failures point to: other passages: their size, "
        "how many, the embedding model (30: the right document was not found)."
    )
    assert said({"prompt": first(10, 60)}).startswith(
        "Prompting alone does not work: it stays below your bar of 80 %, with 10 of 60 right (at most "
    )
    assert said({"prompt": first(10, 60), "lora": first(5, 60)}).startswith("Neither lever works: each stays")


def test_narrowed_says_what_the_dearer_may_add_and_what_would_settle_it() -> None:
    mixed = [*first(45, 50), *first(5, 10)]
    right = {"prompt": first(10, 60), "rag": first(50, 60), "hybrid": mixed}
    run = keep_run(store(), right)
    found = verdict_of(run, Terms())
    gain = found.differences["hybrid", "rag"]
    assert of_verdict(found, run) == (
        "Narrowed to retrieval and retrieval + fine-tuning. Start with retrieval, the cheapest of them. It "
        "answers 50 of 60 right (66 to 93 %; your bar is 80 %). What the dearer ones may still add: "
        f"retrieval + fine-tuning {change_range(gain.low, gain.high)}. Prompting alone is out. "
        f"{found.next.cases} more test questions would settle it."
    )
    assert found.next.cases > 60


def test_cannot_tell_says_why_and_what_to_do() -> None:
    assert said({"prompt": first(3, 12), "rag": first(9, 12)}) == (
        "Cannot tell yet: 12 different test questions, and below 15 nothing is inferred. Right so far: "
        "prompting alone 3 of 12 and retrieval 9 of 12. Add 3 test questions."
    )
    assert said({"prompt": first(3, 60), "rag": first(50, 50)}, cases(60)) == (
        "Cannot tell yet: 8 % of the calls are missing or were lost to the machine, more than 2 %. "
        "Ask them again."
    )
    nearly = said({"prompt": first(3, 90), "rag": first(86, 86)}, cases(90))
    assert nearly == (
        "Cannot tell yet: a little more than 2 % of the calls are missing or were lost to the machine. "
        "Ask them again."
    )
    assert said({"prompt": [1] * 20}, cases(20, split="dev")) == (
        "Cannot tell: no test question was judged. Give the test questions checks."
    )
    one = said({"prompt": first(50, 60)})
    assert one.startswith("Cannot tell yet whether prompting alone is good enough: it answers 50 of 60 right")
    assert one.endswith("would settle it. Or try the next lever.")
    both = said({"prompt": first(50, 60), "rag": first(52, 60)})
    assert both.startswith(
        "Cannot tell yet: of prompting alone and retrieval none is out. Start with prompting"
    )


def test_a_run_that_has_not_ended_names_what_is_missing_and_what_to_do() -> None:
    kept = store()
    run = keep_run(kept, {"prompt": first(13, 60), "rag": first(58, 60)})
    kept.grow_run(run.id, replace(run.plan, lanes=("prompt", "rag", "lora")))
    run = kept.stored_run(run.id)
    assert of_verdict(verdict_of(run, Terms()), run) == (
        "Cannot tell yet: fine-tuning was not asked to the end. Climb on, or take the run up again: "
        f"python -m compare run --resume {run.id}."
    )
    going = replace(run, status="running")
    assert of_verdict(verdict_of(going, Terms()), going) == (
        "Cannot tell yet: fine-tuning is still being asked. Wait for its end, or climb on if it was broken "
        "off."
    )
    going = replace(going, plan=replace(run.plan, lanes=("prompt", "rag")))
    assert of_verdict(verdict_of(going, Terms()), going).startswith("Cannot tell yet: the run has not ended.")


def test_best_so_far_is_not_called_good_enough() -> None:
    found = said({"prompt": first(40, 200), "rag": first(150, 200), "lora": first(150, 200)})
    assert found.startswith(
        "Retrieval is the best so far, not shown good enough. It answers 150 of 200 right ("
    )
    assert "no dearer lever adds a useful 5 points. " in found
    assert found.endswith(" more test questions would settle it.")


def test_what_was_left_out_is_said() -> None:
    kept = store()
    run = keep_run(kept, {"prompt": [0] * 40, "long_context": [], "lora": [1] * 40}, cases(40))
    kept.save_calls(run.id, [(f"t{n}", failure("long_context", 0, "prepare")) for n in range(40)])
    leak = Leak(case="t3", text="?", line=1, kind="exact", where="training", likeness=1.0)
    file = TrainedOn(adapters=("lamps/lora",), examples=9, leaks=(leak,))
    run = replace(kept.stored_run(run.id), leakage=RunLeakage(trained_on=(file,)))
    found = of_verdict(verdict_of(run, Terms()), run)
    assert "It answers 39 of 39 right" in found
    assert found.endswith(
        "1 of 40 test questions stands among the training examples and is left out. "
        "Prompting with all documents answered nothing and is left out."
    )


def test_levers_have_names_that_fit_a_sentence() -> None:
    assert lever_name("lora+3") == "fine-tuning, adapter 3"
    assert lever_name("prompt@2") == "prompting alone, version 2"
    assert lever_name("gone") == "gone"
    assert (at_least(0.8399), at_most(0.8301), at_least(0.84), at_most(0.84)) == (
        "83 %",
        "84 %",
        "84 %",
        "84 %",
    )
    assert change_range(-0.03, 0.12) == "−3 to +12 points"
    assert (listed(["a"]), listed(["a", "b", "c"]), listed([])) == ("a", "a, b and c", "")


def test_what_would_settle_it_is_said_as_far_as_it_is_known() -> None:
    assert of_needs(Needs(cases=1, repeats=None)) == "1 more test question would settle it."
    assert of_needs(Needs(cases=90, repeats=4)) == (
        "90 more test questions, or 4 more answers to each, would settle it."
    )
    assert of_needs(Needs(cases=90, repeats=0)) == (
        "90 more test questions would settle it; more answers to each would not."
    )
    assert of_needs(Needs(cases=0, repeats=0)) == ""


def test_more_answers_help_where_chance_is_most_of_what_varies() -> None:
    drawn = Random(2)
    right: dict[str, Right] = {
        lane: [(int(drawn.random() < 0.6), int(drawn.random() < 0.6)) for _ in range(100)]
        for lane in ("prompt", "rag")
    }
    found = verdict_of(keep_run(store(), right), Terms(bar=0.7))
    assert found.next.cases > 100
    assert found.next.repeats
    assert 5 < found.next.repeats < 50
