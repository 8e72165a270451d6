"""Looks at a question: a run's verdict may be asked for on at most three states of its answers.

Each verdict has a chance to be wrong, and whoever asks again after every few answers until it says what he
hopes for makes it large. So every bound is made for three looks, and after the third the last verdict stands.

- A question is a run: its scenario, cases, base model and lanes. More answers (cases, repeats, another lane)
  make a new look; the same answers are the same look, however often and in whichever process they are read.
- A verdict that had to refuse (the run has not ended, too few cases, calls lost, nothing judged) read no
  bounds and is no look.
- Another bar, gain, confidence or order of cost on the same answers is no new look either: the bounds hold
  together whatever they are compared with, and depend on the confidence alone. But it is kept too, and every
  verdict by other terms than the question was first asked by says so, and by which.
- A new run is a new question, of new answers.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from backends.errors import StoreUnavailable
from compare import numbers
from compare.lane_names import lever_name
from compare.look_store import Look, LookStore
from compare.measured import StoredRun
from compare.records import text_hash
from compare.run_verdict import judged_calls, lever_scores, levers_of, verdict_of
from compare.terms import LOOKS, Terms
from compare.verdict import Verdict, in_order
from compare.verdict_document import verdict_document
from compare.verdict_words import of_verdict


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What whoever asks for a verdict gets: ``look`` says it; ``verdict`` has its bounds, None where the
    answers are newer than the third look, whose verdict stands. ``terms`` are those that it was given by,
    with an order that names every lever of the run; ``first`` those by which the question was first asked, if
    others. ``note`` says all of this in words.
    """

    look: Look
    verdict: Verdict | None
    terms: Terms
    first: Terms | None
    note: str

    @property
    def counted(self) -> bool:
        """Whether this was a look."""
        return self.verdict is None or not self.verdict.refused


def look_at(run: StoredRun, terms: Terms, store: LookStore, *, keep: bool = True) -> Looked:
    """The verdict on a stored run, kept as a look at it if it is one, unless nobody decides by it.

    Raises:
        BadInput: see :func:`compare.verdict.decide`.
        StoreUnavailable: the store can't be used.
    """
    data = data_of(run)
    for _ in range(LOOKS + 1):
        known = store.looks(run.id)
        number = next((one.number for one in known if one.data == data), _last(known) + 1)
        if number > LOOKS:
            return _stands(known, replace(terms, order=in_order(run.plan.lanes, terms)))
        verdict = verdict_of(run, terms, number)
        look = _look(run, verdict, data)
        if verdict.refused:
            return Looked(look=look, verdict=verdict, terms=terms, first=None, note=_before(known, look))
        if not keep or store.keep_look(run.id, look):
            first = _other_terms(known, look.terms)
            note = " ".join([_of_look(number), *([] if first is None else [_of_other_terms(first)])])
            return Looked(look=look, verdict=verdict, terms=terms, first=first, note=note)
    raise StoreUnavailable("Others look at this run all the time.", "Try again.")


def data_of(run: StoredRun) -> str:
    """The hash of the levers' scores, on which a verdict rests."""
    said = sorted(
        [lane, case.case, case.scores] for lane, found in lever_scores(run).items() for case in found
    )
    return text_hash(json.dumps(said))


def _look(run: StoredRun, verdict: Verdict, data: str) -> Look:
    sentence, judged = of_verdict(verdict, run), judged_calls(run)
    return Look(
        number=verdict.look,
        data=data,
        calls=sum(len(judged[lane]) for lane in levers_of(run)),
        terms=replace(verdict.terms, order=verdict.order),
        kind=verdict.kind,
        sentence=sentence,
        document=verdict_document(verdict, sentence),
    )


def _last(known: Sequence[Look]) -> int:
    return max((one.number for one in known), default=0)


def _stands(known: Sequence[Look], terms: Terms) -> Looked:
    """The last look's verdict, by these terms if it was given by them; their order names all levers."""
    last = [one for one in known if one.number == _last(known)]
    look = next((one for one in last if _same(one.terms, terms)), last[0])
    first = _other_terms(known, look.terms)
    note = (
        f"There are newer answers, but this question was looked at {LOOKS} times: its last verdict stands. "
        f"It was given with {_in_words(look.terms)}. Figures beside it have the newer answers too. "
        "For another verdict start a new run."
    )
    if first is not None:
        note = f"{note} {_of_other_terms(first)}"
    newer = tuple(lane for lane in terms.order if lane not in look.terms.order)
    by = replace(look.terms, order=(*look.terms.order, *newer))
    return Looked(look=look, verdict=None, terms=by, first=first, note=note)


def _before(known: Sequence[Look], look: Look) -> str:
    """What was said by these terms before the run was to ask more."""
    said = [one for one in known if _same(one.terms, look.terms)]
    return f"Look {said[-1].number} of {LOOKS}, before that: {said[-1].sentence}" if said else ""


def _other_terms(known: Sequence[Look], terms: Terms) -> Terms | None:
    """The terms of the first look, where they are others."""
    return known[0].terms if known and not _same(known[0].terms, terms) else None


def _same(one: Terms, other: Terms) -> bool:
    """Whether they ask the same of the lanes that both name."""
    asked = [(terms.bar, terms.gain, terms.confidence) for terms in (one, other)]
    orders = [
        [lane for lane in terms.order if lane in one.order and lane in other.order] for terms in (one, other)
    ]
    return asked[0] == asked[1] and orders[0] == orders[1]


def _of_look(number: int) -> str:
    last = " It was the last: this verdict stands." if number >= LOOKS else ""
    return f"Look {number} of {LOOKS}.{last}"


def _of_other_terms(first: Terms) -> str:
    order = f", from cheap to dear: {', '.join(map(lever_name, first.order))}" if first.order else ""
    return f"The question was first asked with {_in_words(first)}{order}."


def _in_words(terms: Terms) -> str:
    return (
        f"a bar of {numbers.percent(terms.bar)}, a useful gain of {numbers.points(terms.gain)} and "
        f"{numbers.percent(terms.confidence)} confidence"
    )
