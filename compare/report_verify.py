"""Whether a report still says what its stored run says: made again, and compared line by line."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from math import isclose

from backends.errors import BadInput
from compare import numbers
from compare.measured import StoredRun
from compare.report import form_of, written
from compare.report_basis import Basis, basis_of
from compare.report_reading import Line, Reading, read_report
from compare.report_settings import Stamp, read_stamp
from compare.store import Store

DRAWN_ALIKE = 1e-4
"""How far, relative, a number inside a picture may lie from another machine's: nobody sees it."""
AROUND = 3
"""Words told before and behind a changed one."""
BEFORE = 40
"""Characters told before the first that differs in how a page is made."""
LONGEST = 200
"""Characters of what differs that are told."""
_GEOMETRY = re.compile(
    r' (?:[xy][12]?|d[xy]?|c[xy]|r[xy]?|width|height|points|transform|viewbox)="([^"]*)"', re.IGNORECASE
)
"""Where a picture's parts are, and how large: all else is equal or differs."""
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


@dataclass(frozen=True, kw_only=True)
class Differs:
    """One place where file and store differ: ``says`` is None for what the file leaves out, ``stored`` for
    what the store does not give. ``section``, ``part``, ``row`` and ``column`` say where, as far as there are
    any.
    """

    section: str
    part: str
    row: str
    column: str
    says: str | None
    stored: str | None

    @property
    def sentence(self) -> str:
        """What a person reads."""
        place = ", ".join(filter(None, (self.section or "The beginning", self.part, self.row, self.column)))
        if self.says is None:
            return f"{place}: leaves out “{self.stored}”, which the stored calls give."
        if self.stored is None:
            return f"{place}: says “{self.says}”, which the stored calls do not give."
        return f"{place}: says “{self.says}”, the stored calls give “{self.stored}”."


@dataclass(frozen=True, kw_only=True)
class Verified:
    """``grown`` says what the run has more than when the report was made; empty when it is the same."""

    grown: str
    differences: tuple[Differs, ...]


def verify(data: bytes, name: str, run: StoredRun, store: Store) -> Verified:
    """Compare a file with what the store gives now; ``name`` is the file's.

    Raises:
        BadInput: it is no report of this run, or its settings can't be read.
        StoreUnavailable: the store can't be read.
    """
    form = form_of(name)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise BadInput(f"{name} is no text.", "Give a file that “report --out” wrote.") from None
    found = read_report(text, name, html=form == "html")
    stamp = read_stamp(found.stamp, name)
    if stamp.run_id != run.id:
        raise BadInput(
            f"{name} is the report of the run {stamp.run_id}, not of {run.id}.",
            f"See: python -m compare report {stamp.run_id} --verify {name}",
        )
    basis = basis_of(run, stamp.settings, store, keep=False)
    made = read_report(written(basis, form), name, html=form == "html")
    return Verified(grown=_grown(stamp, basis), differences=tuple(differences(made, found)))


def _grown(stamp: Stamp, basis: Basis) -> str:
    run = basis.run
    counts = (
        (len(stamp.lanes), len(run.plan.lanes), "approach", "approaches"),
        (stamp.calls, len(run.calls), "answer", "answers"),
        (stamp.judgements, len(basis.judgements), "judgement", "judgements"),
    )
    more = [
        f"{numbers.plural(after, one, many)} instead of {numbers.count(before)}"
        for before, after, one, many in counts
        if before != after
    ]
    if not more:
        return ""
    return f"The run has changed since the report was made: {numbers.listed(more)}. Make the report again."


def differences(made: Reading, found: Reading) -> Iterator[Differs]:
    """Where a file says something else than the report made again; texts first, then how it is drawn."""
    for drawn in (False, True):
        stored, says = ([line for line in reading.lines if line.drawn is drawn] for reading in (made, found))
        matcher = SequenceMatcher(None, stored, says, autojunk=False)
        for kind, a, b, c, d in matcher.get_opcodes():
            if kind != "equal":
                for one, other in _paired(stored[a:b], says[c:d]):
                    yield from _differs(one, other)


def _paired(stored: Sequence[Line], says: Sequence[Line]) -> Iterator[tuple[Line | None, Line | None]]:
    """Lines that stand for each other; None for what only one of the two has."""
    left = list(says)
    for line in stored:
        near = next((other for other in left if _alike(line, other)), None)
        if near is None and len(stored) == len(says):
            near = next((other for other in left if len(other.cells) == len(line.cells)), None)
        if near is not None:
            left.remove(near)
        yield line, near
    for line in left:
        yield None, line


def _alike(line: Line, other: Line) -> bool:
    if len(line.cells) != len(other.cells):
        return False
    if len(line.cells) > 1:
        same = sum(one == another for one, another in zip(line.cells, other.cells, strict=True))
        return line.cells[0] == other.cells[0] or 2 * same >= len(line.cells)
    return SequenceMatcher(None, line.cells[0], other.cells[0]).ratio() > 0.6


def _differs(stored: Line | None, says: Line | None) -> Iterator[Differs]:
    line = stored or says
    assert line is not None
    if line.drawn:
        if stored is None or says is None or not _drawn_alike(stored.cells[0], says.cells[0]):
            yield _at(line, "how it is made", *_from_where(_joined(says), _joined(stored)))
        return
    if stored is None or says is None:
        yield _at(line, "", _joined(says), _joined(stored))
        return
    for place, (one, other) in enumerate(zip(stored.cells, says.cells, strict=True)):
        if one == other:
            continue
        column = stored.columns[place] if stored.columns else ""
        if len(stored.cells) > 1:
            yield _at(stored, column, other, one)
        else:
            yield from _in_sentence(stored, one, other)


def _at(line: Line, column: str, says: str | None, stored: str | None) -> Differs:
    row = line.cells[0] if len(line.cells) > 1 else ""
    return Differs(
        section=line.section, part=line.part, row=row, column=column, says=_short(says), stored=_short(stored)
    )


def _in_sentence(line: Line, stored: str, says: str) -> Iterator[Differs]:
    """Each changed word or number, with the words around it."""
    before, after = stored.split(), says.split()
    for kind, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind != "equal":
            around = (_around(before, a, b), _around(after, c, d))
            yield _at(line, "", around[1], around[0])


def _from_where(one: str | None, other: str | None) -> tuple[str | None, str | None]:
    """Two long texts from shortly before they part."""
    if one is None or other is None:
        return one, other
    parted = (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    same = max(0, next(parted, min(len(one), len(other))) - BEFORE)
    lead = "… " if same else ""
    return f"{lead}{one[same:]}", f"{lead}{other[same:]}"


def _around(words: Sequence[str], first: int, last: int) -> str:
    return " ".join(words[max(0, first - AROUND) : last + AROUND])


def _drawn_alike(one: str, other: str) -> bool:
    """Equal but for what another machine's arithmetic does to the last digits of a place or a size."""
    if _GEOMETRY.sub(_without_numbers, one) != _GEOMETRY.sub(_without_numbers, other):
        return False
    places = (" ".join(_GEOMETRY.findall(line)) for line in (one, other))
    pairs = zip(*map(_NUMBER.findall, places), strict=True)
    return all(isclose(float(a), float(b), rel_tol=DRAWN_ALIKE, abs_tol=0.02) for a, b in pairs)


def _without_numbers(attribute: re.Match[str]) -> str:
    return _NUMBER.sub("", attribute[0])


def _joined(line: Line | None) -> str | None:
    return None if line is None else " | ".join(line.cells)


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= LONGEST else f"{text[:LONGEST]} …"
