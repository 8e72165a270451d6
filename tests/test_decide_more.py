"""Which of the verdicts that a run was asked for stands beside what guides expect."""

from dataclasses import replace

from compare.looks import data_of, look_at
from compare.store import Store, store
from compare.terms import Terms
from tests.verdict_runs import answer, keep_run
from ui.decide_more import look_shown

RIGHT = {"prompt": [1] * 13 + [0] * 47, "rag": [1] * 58 + [0] * 2}
ORDER = ("prompt", "rag")


def shown(kept: Store, run_id: str, terms: Terms) -> tuple[int, float]:
    """Its number and its bar."""
    data = data_of(kept.stored_run(run_id))
    look = look_shown(kept.looks(run_id), data, replace(terms, order=terms.order or ORDER))
    return look.number, look.terms.bar


def test_the_verdict_shown_is_that_of_the_present_answers_and_terms() -> None:
    kept = store()
    run = keep_run(kept, RIGHT)
    for terms in (Terms(), Terms(bar=0.9), Terms()):
        look_at(run, terms, kept)
        assert shown(kept, run.id, terms) == (1, terms.bar)
    assert shown(kept, run.id, Terms(bar=0.7)) == (1, 0.9)
    more = [(f"t{n}", answer(lane, 1, of[n])) for lane, of in RIGHT.items() for n in range(60)]
    kept.save_calls(run.id, more)
    look_at(kept.stored_run(run.id), Terms(bar=0.85), kept)
    assert shown(kept, run.id, Terms(bar=0.85)) == (2, 0.85)
    look_at(run, Terms(bar=0.95), kept)  # A process that read the run before it grew.
    assert shown(kept, run.id, Terms()) == (2, 0.85)
    assert shown(kept, run.id, Terms(bar=0.85)) == (2, 0.85)
