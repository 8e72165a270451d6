"""Judgements in the database: each is committed before the next item appears, and none is overwritten.

A judgement is stored when its item is first shown, with the order in which its answers stand. Only an open
one can be decided, so that two tabs never overwrite each other.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Row, and_, or_, select
from sqlalchemy.orm import Session

from backends.errors import BadInput
from compare.opened import OpenedDatabase
from compare.rating_items import Item, Judgement, RatingMode, State
from compare.records import found_run, now
from compare.tables import JudgementRow

DECIDED = "This was judged already, maybe in another tab."


class RatingStore(OpenedDatabase):
    """What raters said of runs."""

    def serve(self, run_id: str, rater: str, item: Item, lanes: Sequence[str]) -> Judgement:
        """The rater's judgement of an item: as it is stored, or a new open one that shows ``lanes`` so.

        Raises:
            BadInput: there is no such run.
        """
        known = select(JudgementRow).where(
            JudgementRow.run_id == run_id, JudgementRow.rater == rater, JudgementRow.item == item.key
        )
        with self._write() as session:
            found_run(session, run_id)
            row = session.scalars(known).first()
            if row is None:
                row = _row(run_id, rater, item, lanes)
                session.add(row)
            elif row.state == "skipped":
                row.state = "open"
            session.flush()
            return _judgement(row)

    def decide(
        self,
        judgement_id: str,
        *,
        scores: Mapping[str, int] | None = None,
        choice: str = "",
        comment: str = "",
        edited: str = "",
        gives_away: bool = False,
        same: bool = False,
        seconds: float | None = None,
    ) -> Judgement:
        """Keep what was said; committed when this returns.

        Raises:
            BadInput: the judgement is decided already, or there is none of this id.
        """
        with self._write() as session:
            row = self._open_row(session.get(JudgementRow, judgement_id))
            row.state, row.decided_at = "done", now()
            row.scores, row.choice = dict(scores or {}), choice
            row.comment, row.edited = comment, edited
            row.gives_away = gives_away or _was_told(session, row)
            row.same, row.seconds = same, seconds
            return _judgement(row)

    def skip(self, judgement_id: str) -> None:
        """Put an item off; it comes back when nothing else is left.

        Raises:
            BadInput: see :meth:`decide`.
        """
        with self._write() as session:
            row = self._open_row(session.get(JudgementRow, judgement_id))
            row.state, row.decided_at = "skipped", now()

    def take_back(self, run_id: str, rater: str, mode: RatingMode) -> Judgement | None:
        """Open the rater's last judgement again, unless its answers were revealed; None when there is none.

        What was said of it stays, until something else is said.
        """
        mine = (
            JudgementRow.run_id == run_id, JudgementRow.rater == rater, JudgementRow.mode == mode,
            JudgementRow.state == "done",
        )  # fmt: skip
        with self._write() as session:
            newest = select(JudgementRow).where(*mine).order_by(JudgementRow.decided_at.desc())
            row = session.scalars(newest.limit(1)).first()
            if row is None or row.revealed_at is not None:
                return None
            row.state = "open"
            return _judgement(row)

    def reveal(self, judgement_id: str) -> Judgement:
        """Say which answer was whose; from then on the judgement stands.

        Raises:
            BadInput: it is not decided yet, or there is none of this id.
        """
        with self._write() as session:
            row = session.get(JudgementRow, judgement_id)
            if row is None or row.state != "done":
                raise BadInput("What is not judged yet can't be revealed.", "Judge it, or skip it.")
            row.revealed_at = row.revealed_at or now()
            return _judgement(row)

    def rate_call(self, run_id: str, rater: str, item: Item, score: int) -> None:
        """Keep one score of an answer that is seen with its lane, as on the first page; a second one replaces
        the first.

        Raises:
            BadInput: there is no such run.
        """
        served = self.serve(run_id, rater, item, item.lanes)
        with self._write() as session:
            row = session.get(JudgementRow, served.id)
            if row is not None:
                row.state, row.decided_at, row.revealed_at = "done", now(), now()
                row.scores = {OVERALL: score}

    def judgements(self, run_id: str, mode: RatingMode | None = None) -> tuple[Judgement, ...]:
        """All judgements of a run, oldest first, open and skipped ones too."""
        of_run = select(*JudgementRow.__table__.columns).where(JudgementRow.run_id == run_id)
        if mode is not None:
            of_run = of_run.where(JudgementRow.mode == mode)
        with self._read() as session:
            found = session.execute(of_run.order_by(JudgementRow.decided_at, JudgementRow.id))
            return tuple(_judgement(row) for row in found)

    def keep_judgements(self, judgements: Sequence[Judgement]) -> tuple[int, int]:
        """Store judgements from elsewhere; gives how many are new, and how many were here already.

        Raises:
            BadInput: one is of a run that is not here.
        """
        new = 0
        with self._write() as session:
            for judgement in judgements:
                found_run(session, judgement.run_id)
                same = (
                    JudgementRow.run_id == judgement.run_id,
                    JudgementRow.rater == judgement.rater,
                    JudgementRow.item == judgement.item.key,
                )
                known = select(JudgementRow).where(or_(JudgementRow.id == judgement.id, and_(*same)))
                there = session.scalars(known).first()
                if there is not None and (there.state == "done" or judgement.state != "done"):
                    continue
                if there is not None:  # It was only looked at here.
                    session.delete(there)
                    session.flush()
                session.add(_row_of(judgement))
                session.flush()
                new += 1
        return new, len(judgements) - new

    @staticmethod
    def _open_row(row: JudgementRow | None) -> JudgementRow:
        if row is None:
            raise BadInput("There is no such judgement; its run may be deleted.")
        if row.state == "done":
            raise BadInput(DECIDED)
        return row


def _was_told(session: Session, row: JudgementRow) -> bool:
    """Whether the rater had one of these answers revealed before, in another comparison of the same case."""
    mine = (
        JudgementRow.run_id == row.run_id, JudgementRow.rater == row.rater, JudgementRow.id != row.id,
        JudgementRow.case_id == row.case_id, JudgementRow.revealed_at.is_not(None),
    )  # fmt: skip
    told = session.scalars(select(JudgementRow.lanes).where(*mine))
    return any(set(lanes) & set(row.lanes) for lanes in told)


OVERALL = "overall"
"""The one criterion of stars that are given beside a running answer."""


def _row(run_id: str, rater: str, item: Item, lanes: Sequence[str]) -> JudgementRow:
    return JudgementRow(
        id=secrets.token_hex(12), run_id=run_id, rater=rater, mode=item.mode, item=item.key,
        case_id=item.case, repeat=item.repeat, lanes=list(lanes), state="open", scores={}, choice="",
        comment="", edited="", gives_away=False, same=False, decided_at="",
    )  # fmt: skip


def _row_of(judgement: Judgement) -> JudgementRow:
    row = _row(judgement.run_id, judgement.rater, judgement.item, judgement.lanes)
    row.id, row.state = judgement.id, judgement.state
    row.scores, row.choice = dict(judgement.scores), judgement.choice
    row.comment, row.edited = judgement.comment, judgement.edited
    row.gives_away, row.same, row.seconds = judgement.gives_away, judgement.same, judgement.seconds
    row.decided_at = judgement.decided_at
    row.revealed_at = judgement.decided_at if judgement.revealed else None
    return row


def _judgement(row: "JudgementRow | Row[Any]") -> Judgement:
    """From a row as an object, or as columns, which are much quicker to read by the thousand."""
    lanes = tuple(str(lane) for lane in row.lanes)
    mode = cast("RatingMode", row.mode)
    return Judgement(
        id=row.id,
        run_id=row.run_id,
        rater=row.rater,
        item=Item(mode=mode, case=row.case_id, repeat=row.repeat, lanes=tuple(sorted(lanes))),
        lanes=lanes,
        state=cast("State", row.state),
        scores=cast("Mapping[str, int]", row.scores),
        choice=row.choice,
        comment=row.comment,
        edited=row.edited,
        gives_away=row.gives_away,
        same=row.same,
        seconds=row.seconds,
        decided_at=row.decided_at,
        revealed=row.revealed_at is not None,
    )
