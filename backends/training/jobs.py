"""A training as a folder: what was asked for, and what is wanted of it now.

The training process holds a lock and writes how it goes (``progress.py``); whoever watches only reads, and
leaves a wish as a file. So a training outlives the app that began it, two apps see the same, and one that was
killed shows as what it is. No torch here.
"""

import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from backends.errors import BadInput
from backends.knowledge.documents import write_whole
from backends.settings import settings
from backends.training import Recipe, Wish

_LOCK_S = 10.0
"""How long the training process waits for those who only look whether it is there."""
_LOOK_S = 0.05
"""Longer than others hold the lock who only look, too."""
JOB, EXAMPLES = "job.json", "examples.jsonl"


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """What was asked for. ``kind`` is one of ``ADAPTERS``; ``use`` puts the adapter in use when it is done;
    ``threads`` 0 takes what the machine has; ``by`` and ``note`` are for people.
    """

    id: str
    scenario: str
    kind: str
    recipe: Recipe
    use: bool = True
    threads: int = 0
    by: str = ""
    note: str = ""
    preset: str = ""
    created_at: str = ""

    @property
    def folder(self) -> Path:
        """Where all of it stands."""
        return jobs_folder() / self.id

    @property
    def examples(self) -> Path:
        """What is learnt from: a copy of its own."""
        return self.folder / EXAMPLES


def jobs_folder() -> Path:
    """Where the trainings stand; maybe not there yet."""
    return settings().data_dir / "training" / "jobs"


def create_job(
    scenario: str,
    kind: str,
    recipe: Recipe,
    examples: bytes,
    *,
    use: bool = True,
    threads: int = 0,
    by: str = "",
    note: str = "",
    preset: str = "",
) -> TrainingJob:
    """Write down what is asked for; nothing is started yet.

    Raises:
        BadInput: it can't be written.
    """
    now = datetime.now(UTC)
    job = TrainingJob(
        id=f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
        scenario=scenario,
        kind=kind,
        recipe=recipe,
        use=use,
        threads=threads,
        by=by,
        note=note,
        preset=preset,
        created_at=now.isoformat(timespec="seconds"),
    )
    try:
        write_whole(job.examples, examples)
        write_whole(job.folder / JOB, json.dumps(asdict(job), indent=2).encode())
    except OSError as error:
        raise BadInput(f"The training can't be written down: {error.strerror or error}.") from error
    return job


def load_job(job_id: str) -> TrainingJob:
    """The job of this id.

    Raises:
        BadInput: there is none, or what is written of it can't be read.
    """
    if Path(job_id).name != job_id or not (jobs_folder() / job_id / JOB).is_file():
        raise BadInput(
            f"There is no training {job_id!r}.", "Look at them with: python -m compare train --list"
        )
    try:
        said = json.loads((jobs_folder() / job_id / JOB).read_text(encoding="utf-8"))
        return TrainingJob(**{**said, "recipe": Recipe(**said["recipe"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadInput(f"The training {job_id} can't be read: {error}.", "Begin a new one.") from error


def jobs(scenario: str | None = None) -> tuple[TrainingJob, ...]:
    """All jobs that can be read, the newest first; those of one scenario when it is named."""
    found = []
    for file in sorted(jobs_folder().glob(f"*/{JOB}"), reverse=True):
        try:
            job = load_job(file.parent.name)
        except BadInput:
            continue
        if scenario in (None, job.scenario):
            found.append(job)
    return tuple(found)


def forget_job(job: TrainingJob) -> None:
    """Delete a training that does not run; its adapter stays.

    Raises:
        BadInput: it runs, or can't be deleted.
    """
    if is_running(job):
        raise BadInput("This training runs.", "Stop it first.")
    gone = job.folder.with_name(f".gone-{job.id}")
    try:
        job.folder.rename(gone)  # At once, whoever looks.
        shutil.rmtree(gone)
    except OSError as error:
        raise BadInput(f"The training can't be deleted: {error.strerror or error}.") from error


@contextmanager
def held(job: TrainingJob) -> Iterator[None]:
    """Be the process that carries the job out.

    Raises:
        BadInput: another one is at it.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(job.folder / "lock", timeout=_LOCK_S)
    try:
        lock.acquire()
    except Timeout as error:
        raise BadInput(f"The training {job.id} runs already.", "Watch it, or stop it first.") from error
    try:
        yield
    finally:
        lock.release()


def is_running(job: TrainingJob) -> bool:
    """Whether a process carries it out, in whatever app it was begun."""
    from filelock import FileLock, Timeout

    if not (job.folder / "lock").exists():
        return False
    try:
        with FileLock(job.folder / "lock", timeout=_LOOK_S, poll_interval=_LOOK_S / 4):
            return False
    except Timeout:
        return True


def ask_for(job: TrainingJob, wish: Wish) -> None:
    """Leave a wish for the training process; "go on" takes an earlier one back.

    Raises:
        BadInput: it can't be written.
    """
    try:
        if wish == "go on":
            (job.folder / "wish").unlink(missing_ok=True)
        else:
            write_whole(job.folder / "wish", wish.encode())
    except OSError as error:
        raise BadInput(f"The wish can't be written: {error.strerror or error}.") from error


def wish_for(job: TrainingJob) -> Wish:
    """What people want of the training now."""
    try:
        said = (job.folder / "wish").read_text(encoding="utf-8")
    except OSError:
        return "go on"
    return "pause" if said == "pause" else "stop" if said == "stop" else "go on"
