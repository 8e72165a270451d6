"""A learning curve as a folder: what is trained and asked, and how far it is, so that it outlives the app.

``data folder/curves/ID`` holds ``curve.json``, written whole after every step, and the examples that were
there when it began. Scores are kept in it: the figures stay when adapters and runs are deleted.
"""

import json
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from backends.adapter_places import numbers
from backends.errors import BadInput
from backends.knowledge.documents import write_whole
from backends.settings import settings
from compare.statistics import CaseScores

SIZES = (25, 50, 100, 200, 400)
SEEDS = 3
LOOK_S = 0.05
"""Longer than somebody holds a curve who only looks whether it goes on."""
_CURVE, _EXAMPLES = "curve.json", "examples.jsonl"


@dataclass(frozen=True, kw_only=True)
class CurveTraining:
    """One adapter of a curve: ``size`` is how many examples it is to learn from, ``examples`` how many these
    were, as equal questions stay together. ``job`` is its training's id, ``adapter`` its number,
    ``held_out`` the mean loss over the supervised tokens of what it held out, in nats.
    """

    size: int
    examples: int = 0
    job: str = ""
    adapter: int | None = None
    held_out: float | None = None
    scores: tuple[CaseScores, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CurveRound:
    """All sizes with one seed, asked in one stored ``run``, with the same prompt without an adapter
    (``bare``).
    """

    seed: int
    trainings: tuple[CurveTraining, ...]
    run: str = ""
    asked: bool = False
    bare: tuple[CaseScores, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Curve:
    """What was asked for and how far it is. ``keep`` leaves the adapters in the registry at the end;
    ``base_hash`` is the base model's that it began with, empty before and where only a server knows it.
    ``ended`` is empty while there is something left to do.
    """

    id: str
    scenario: str
    kind: str
    sizes: tuple[int, ...]
    rounds: tuple[CurveRound, ...]
    repeats: int
    preset: str
    keep: bool = False
    by: str = ""
    created_at: str = ""
    base_hash: str = ""
    ended: Literal["", "done", "stopped"] = ""

    @property
    def folder(self) -> Path:
        """Where all of it stands."""
        return curves_folder() / self.id

    @property
    def examples(self) -> Path:
        """What is drawn from: a copy of its own."""
        return self.folder / _EXAMPLES

    @property
    def asked(self) -> int:
        """How many of its rounds have answered."""
        return sum(round.asked for round in self.rounds)

    @property
    def adapters(self) -> tuple[int, ...]:
        """The numbers of its adapters that are still in the registry."""
        there = set(numbers(self.scenario))
        return tuple(
            one.adapter
            for round in self.rounds
            for one in round.trainings
            if one.adapter is not None and one.adapter in there
        )

    def with_round(self, changed: CurveRound) -> "Curve":
        """The same with one round replaced, that of its seed."""
        rounds = tuple(changed if one.seed == changed.seed else one for one in self.rounds)
        return replace(self, rounds=rounds)


def curves_folder() -> Path:
    """Where the curves stand; maybe not there yet."""
    return settings().data_dir / "curves"


def create_curve(
    scenario: str,
    kind: str,
    examples: bytes,
    sizes: Sequence[int],
    *,
    seeds: int = SEEDS,
    repeats: int = 1,
    preset: str,
    keep: bool = False,
    by: str = "",
) -> Curve:
    """Write down a curve; nothing is begun.

    Raises:
        BadInput: there are fewer than two sizes or no seed, or it can't be written.
    """
    if len(set(sizes)) < 2 or min(sizes) < 2:
        raise BadInput("A learning curve needs at least two sizes of two examples or more.")
    if seeds < 1 or repeats < 1:
        raise BadInput("A learning curve needs at least one seed and one answer to each question.")
    now = datetime.now(UTC)
    ordered = tuple(sorted(set(sizes)))
    curve = Curve(
        id=f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
        scenario=scenario,
        kind=kind,
        sizes=ordered,
        rounds=tuple(
            CurveRound(seed=seed, trainings=tuple(CurveTraining(size=size) for size in ordered))
            for seed in range(seeds)
        ),
        repeats=repeats,
        preset=preset,
        keep=keep,
        by=by,
        created_at=now.isoformat(timespec="seconds"),
    )
    try:
        write_whole(curve.examples, examples)
    except OSError as error:
        raise BadInput(f"The learning curve can't be written: {error.strerror or error}.") from error
    save_curve(curve)
    return curve


def save_curve(curve: Curve) -> None:
    """Write down how far it is.

    Raises:
        BadInput: it can't be written.
    """
    try:
        write_whole(curve.folder / _CURVE, json.dumps(asdict(curve), indent=1).encode())
    except OSError as error:
        raise BadInput(f"The learning curve can't be written: {error.strerror or error}.") from error


def load_curve(curve_id: str) -> Curve:
    """The curve of this id.

    Raises:
        BadInput: there is none, or what is written of it can't be read.
    """
    path = curves_folder() / curve_id / _CURVE
    if Path(curve_id).name != curve_id or not path.is_file():
        raise BadInput(f"There is no learning curve {curve_id!r}.")
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        rounds = tuple(_round(round) for round in said["rounds"])
        return Curve(**{**said, "sizes": tuple(said["sizes"]), "rounds": rounds})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadInput(
            f"The learning curve {curve_id} can't be read: {error}.", "Begin a new one."
        ) from error


def curves(scenario: str) -> tuple[Curve, ...]:
    """A scenario's curves that can be read, the newest first."""
    found = []
    for file in sorted(curves_folder().glob(f"*/{_CURVE}"), reverse=True):
        try:
            curve = load_curve(file.parent.name)
        except BadInput:
            continue
        if curve.scenario == scenario:
            found.append(curve)
    return tuple(found)


def forget_curve(curve: Curve) -> None:
    """Delete a curve that nobody carries out, with its figures; its adapters stay.

    Raises:
        BadInput: it goes on, or can't be deleted.
    """
    with carried_out(curve):
        (curve.folder / _CURVE).unlink(missing_ok=True)  # Who waits for the lock finds none.
    try:
        shutil.rmtree(curve.folder)
    except OSError as error:
        raise BadInput(f"The learning curve can't be deleted: {error.strerror or error}.") from error


def is_carried_out(curve: Curve) -> bool:
    """Whether a process is at it, this one or another."""
    try:
        with carried_out(curve):
            return False
    except BadInput:
        return True


@contextmanager
def carried_out(curve: Curve, patience_s: float = LOOK_S) -> Iterator[None]:
    """Be the one that carries it out, after ``patience_s`` at most; load it again then, as another may have
    gone on with it meanwhile.

    Raises:
        BadInput: somebody else is.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(curve.folder / "lock")
    try:
        lock.acquire(timeout=patience_s, poll_interval=LOOK_S / 5)
    except Timeout as error:
        raise BadInput("This learning curve goes on already.", "Wait for it, or stop it.") from error
    try:
        yield
    finally:
        lock.release()


def _round(said: Mapping[str, Any]) -> CurveRound:
    trainings = tuple(CurveTraining(**{**one, "scores": _scores(one["scores"])}) for one in said["trainings"])
    return CurveRound(**{**said, "trainings": trainings, "bare": _scores(said["bare"])})


def _scores(rows: Sequence[Mapping[str, Any]]) -> tuple[CaseScores, ...]:
    return tuple(CaseScores(**{**row, "scores": tuple(row["scores"])}) for row in rows)
