"""Looks at a question are counted, kept and shown: real rows in a real SQLite file."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from compare.looks import look_at
from compare.report import written
from compare.report_basis import basis_of
from compare.report_verify import verify
from compare.store import Store, store
from compare.terms import Terms
from tests.report_runs import told
from tests.verdict_runs import answer, cases, keep_run


def first(right: int, of: int) -> list[int]:
    return [1] * right + [0] * (of - right)


RIGHT = {"prompt": first(13, 60), "rag": first(58, 60)}


def more(kept: Store, run_id: str, repeat: int) -> None:
    """Another repeat of every case."""
    kept.save_calls(
        run_id,
        [(f"t{n}", answer(lane, repeat, of[n])) for lane, of in RIGHT.items() for n in range(60)],
    )


def test_the_same_answers_are_the_same_look_and_more_are_another_until_the_third() -> None:
    kept = store()
    run = keep_run(kept, RIGHT)
    for _ in range(3):
        found = look_at(run, Terms(), kept)
        assert (found.look.number, found.counted, found.note) == (1, True, "Look 1 of 3.")
    assert look_at(run, Terms(), Store(kept.url)).look.number == 1
    for number in (2, 3):
        more(kept, run.id, number)
        found = look_at(kept.stored_run(run.id), Terms(), kept)
        assert found.look.number == number
    assert found.note == "Look 3 of 3. It was the last: this verdict stands."
    more(kept, run.id, 4)
    stands = look_at(kept.stored_run(run.id), Terms(), kept)
    assert stands.verdict is None
    assert (stands.look.sentence, stands.look.document) == (found.look.sentence, found.look.document)
    assert stands.note.startswith("There are newer answers, but this question was looked at 3 times")
    assert [look.number for look in kept.looks(run.id)] == [1, 2, 3]
    assert [look.calls for look in kept.looks(run.id)] == [120, 240, 360]


def test_a_verdict_that_stands_says_by_which_terms_it_was_given_and_is_drawn_by_them() -> None:
    kept = store()
    run = keep_run(kept, RIGHT)
    for number in (1, 2, 3):
        look_at(kept.stored_run(run.id), Terms(), kept)
        more(kept, run.id, number)
    kept.grow_run(run.id, replace(run.plan, lanes=("prompt", "few_shot", "rag"), repeats=4))
    kept.finish_run(run.id)
    run = kept.stored_run(run.id)
    stands = look_at(run, Terms(bar=0.95), kept)
    assert stands.verdict is None
    assert stands.terms == Terms(order=("prompt", "rag", "few_shot"))
    assert "It was given with a bar of 80 %, a useful gain of 5 points and 95 % confidence." in stands.note
    report = basis_of(run, told(run, terms=Terms(bar=0.95)), kept)
    assert (report.settings.terms, report.verdict.terms.bar) == (stands.terms, 0.8)
    text = written(report, "markdown")
    assert "By these terms: at least 80 % right is good enough" in text
    assert verify(text.encode(), "r.md", run, kept).differences == ()


def test_a_run_that_goes_on_and_a_report_that_is_verified_spend_no_look() -> None:
    kept = store()
    run = keep_run(kept, RIGHT)
    old = written(basis_of(run, told(run), kept), "markdown")
    more(kept, run.id, 1)
    for status in ("running", "interrupted"):
        going = look_at(replace(kept.stored_run(run.id), status=status), Terms(), kept)
        assert not going.counted
        assert going.note.startswith("Look 1 of 3, before that: Use retrieval. It answers 58 of 60 right")
    grown = kept.stored_run(run.id)
    assert verify(old.encode(), "r.md", grown, kept).grown
    assert look_at(grown, Terms(), kept, keep=False).look.number == 2
    assert [look.number for look in kept.looks(run.id)] == [1]


def test_a_control_that_is_asked_later_is_no_new_look() -> None:
    kept = store()
    run = keep_run(kept, {**RIGHT, "oracle": []}, cases(60))
    assert look_at(run, Terms(), kept).look.number == 1
    kept.save_calls(run.id, [(f"t{n}", answer("oracle", 0, 1)) for n in range(60)])
    found = look_at(kept.stored_run(run.id), Terms(), kept)
    assert (found.look.number, found.look.calls) == (1, 120)


def test_other_terms_on_the_same_answers_are_kept_and_said_but_no_look() -> None:
    kept = store()
    run = keep_run(kept, RIGHT)
    look_at(run, Terms(), kept)
    other = look_at(run, Terms(bar=0.9), kept)
    assert (other.look.number, other.first) == (1, Terms(order=("prompt", "rag")))
    assert other.note.startswith(
        "Look 1 of 3. The question was first asked with a bar of 80 %, a useful gain of 5 points and 95 % "
    )
    assert [look.terms.bar for look in kept.looks(run.id)] == [0.8, 0.9]
    assert look_at(run, Terms(order=("rag", "prompt")), kept).first is not None
    again = look_at(run, Terms(order=("prompt", "few_shot", "rag")), kept)
    assert (again.first, again.note) == (None, "Look 1 of 3.")
    assert len(kept.looks(run.id)) == 3


def test_a_refusal_is_no_look_and_a_deleted_run_takes_its_looks_along() -> None:
    kept = store()
    run = keep_run(kept, {"prompt": first(3, 12), "rag": first(9, 12)})
    found = look_at(run, Terms(), kept)
    assert (found.counted, found.note, kept.looks(run.id)) == (False, "", ())
    run = keep_run(kept, RIGHT)
    look_at(run, Terms(), kept)
    kept.delete_run(run.id)
    assert kept.looks(run.id) == ()


def test_two_who_look_at_once_share_a_look() -> None:
    kept = store()
    run = keep_run(kept, RIGHT)
    with ThreadPoolExecutor(4) as many:
        found = list(many.map(lambda _: look_at(run, Terms(), kept).look.number, range(8)))
    assert found == [1] * 8
    assert len(kept.looks(run.id)) == 1


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_number_that_another_look_has_is_not_taken(number: int) -> None:
    kept = store()
    run = keep_run(kept, RIGHT)
    for repeat in range(1, number + 1):
        look = look_at(kept.stored_run(run.id), Terms(), kept).look
        more(kept, run.id, repeat)
    assert look.number == number
    assert kept.keep_look(run.id, look)
    assert not kept.keep_look(run.id, replace(look, data="other answers"))
