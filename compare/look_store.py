"""Looks at runs in the database: which verdicts were asked for, by which terms, on how many answers."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from sqlalchemy import select

from compare.opened import OpenedDatabase
from compare.records import found_run, now
from compare.tables import LookRow
from compare.terms import LOOKS, Terms


@dataclass(frozen=True, kw_only=True)
class Look:
    """A verdict as it was given: on which answers (``data`` is their hash, ``calls`` how many), by which
    terms (``order`` is that of the levers tried), and when, UTC, ISO 8601. ``document`` is all of it as JSON.
    """

    number: int
    data: str
    calls: int
    terms: Terms
    kind: str
    sentence: str
    document: Mapping[str, object]
    at: str = ""


class LookStore(OpenedDatabase):
    """The verdicts that runs were asked for."""

    def looks(self, run_id: str) -> tuple[Look, ...]:
        """All verdicts that a run was asked for, the first one first."""
        of_run = select(LookRow).where(LookRow.run_id == run_id).order_by(LookRow.id)
        with self._read() as session:
            return tuple(_look(row) for row in session.scalars(of_run))

    def keep_look(self, run_id: str, look: Look) -> bool:
        """Store a verdict as it is first asked for; False when another process was quicker to look at other
        answers, so that its number is taken: look again.

        Raises:
            BadInput: there is no such run.
        """
        of_run = select(LookRow.number, LookRow.data, LookRow.terms).where(LookRow.run_id == run_id)
        with self._write() as session:
            found_run(session, run_id)
            known = session.execute(of_run).all()
            taken = {number: data for number, data, _ in known}
            if taken.get(look.number, look.data) != look.data or look.number > LOOKS:
                return False
            terms = {**asdict(look.terms), "order": list(look.terms.order)}
            if not any(data == look.data and said == terms for _, data, said in known):
                session.add(
                    LookRow(
                        run_id=run_id, number=look.number, data=look.data, calls=look.calls, terms=terms,
                        kind=look.kind, sentence=look.sentence, document=dict(look.document), at=now(),
                    )
                )  # fmt: skip
            return True


def _look(row: LookRow) -> Look:
    assert isinstance(row.terms, dict)
    assert isinstance(row.document, dict)
    return Look(
        number=row.number,
        data=row.data,
        calls=row.calls,
        terms=Terms(**{**row.terms, "order": tuple(row.terms["order"])}),
        kind=row.kind,
        sentence=row.sentence,
        document=row.document,
        at=row.at,
    )
