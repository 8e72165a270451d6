"""Start, take up and stop trainings; each is a process that outlives this one.

How a training goes stands in its folder (``backends/training``): nothing is kept here but the processes that
this one started, so that they are not left behind as zombies.
"""

import os
import subprocess
import sys
import time
from threading import Thread

from backends.errors import BadInput, LeverError
from backends.settings import ROOT, settings
from backends.training.jobs import TrainingJob, ask_for, is_running, load_job
from backends.training.progress import RESUMABLE, STARTS_S, JobWatch, TrainingView, view

_LOG = "process.log"


def start_training(job: TrainingJob) -> None:
    """Carry out a job, or take up one that was paused or cut short; returns as soon as its process is at it.

    Raises:
        BadInput: it runs already, or is done.
        LeverError: the process did not start; the sentence holds its last line.
    """
    state = view(job).state
    if state == "running":
        raise BadInput("This training runs already.", "Watch it, or stop it first.")
    if state == "done":
        raise BadInput("This training is done.", "Begin a new one.")
    given = settings()
    environment = {
        **os.environ,
        "LEVER_MODEL": given.model,
        "LEVER_DEVICE": given.device,
        "LEVER_DTYPE": given.dtype,
        "LEVER_THREADS": str(given.threads),
        "LEVER_DATA_DIR": str(given.data_dir.resolve()),
        "LEVER_SCENARIOS_DIR": str(given.scenarios_dir.resolve()),
        "LEVER_EMBEDDING_MODEL": given.embedding_model,
    }
    JobWatch(job).starting()
    with (job.folder / _LOG).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "backends.training", "--job", job.id],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for the app; the training goes on.
        )
    Thread(target=process.wait, name=f"training {job.id}", daemon=True).start()
    _until_held(job, process)


def stop_training(job: TrainingJob, *, keep: bool) -> None:
    """Ask a running training to stop: ``keep`` the best adapter so far, else pause it for later.

    Raises:
        BadInput: it does not run.
    """
    if not is_running(job):
        raise BadInput("This training does not run.", "Take it up, or begin a new one.")
    ask_for(job, "stop" if keep else "pause")


def resume_training(job_id: str) -> TrainingJob:
    """Take up a training where it stopped.

    Raises:
        BadInput: there is no such training, or it is not one that can be taken up.
        LeverError: see :func:`start_training`.
    """
    job = load_job(job_id)
    state = view(job).state
    if state not in RESUMABLE:
        raise BadInput(f"The training {job_id} can't be taken up: it is {state}.")
    start_training(job)
    return job


def follow(job: TrainingJob, every_s: float = 0.5) -> TrainingView:
    """Block until the training has ended or paused; gives how."""
    while is_running(job):
        time.sleep(every_s)
    return view(job)


def last_line(job: TrainingJob) -> str:
    """The last line that the process wrote besides its events; empty when it wrote none."""
    try:
        lines = (job.folder / _LOG).read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _until_held(job: TrainingJob, process: "subprocess.Popen[bytes]") -> None:
    ends = time.perf_counter() + STARTS_S
    while time.perf_counter() < ends and not is_running(job):
        if process.poll() is not None:
            if process.returncode and view(job).state == "running":  # It said nothing of its own.
                JobWatch(job).tell("failed", sentence=last_line(job))
                raise LeverError(f"The training process did not start: {last_line(job)}")
            return
        time.sleep(0.05)
