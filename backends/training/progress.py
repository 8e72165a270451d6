"""How a training goes: events that its process writes and others read, as long as either lives."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Literal

from backends.training import Epoch, Step, Wish
from backends.training.jobs import TrainingJob, is_running, wish_for

State = Literal["running", "paused", "interrupted", "failed", "done"]
"""``interrupted``: the process is gone without a word; like ``paused`` it can be taken up."""
RESUMABLE: tuple[State, ...] = ("paused", "interrupted", "failed")
STARTS_S = 30.0
"""How long a training process may take until it holds its job."""
_EVENTS = "events.jsonl"


@dataclass(frozen=True, kw_only=True)
class TrainingView:
    """A training now. ``left_s`` and ``tokens_per_second`` are None before they can be told; ``adapter`` is
    its number in the registry once it is done; ``failure`` a sentence, with its hint.
    """

    job: TrainingJob
    state: State
    detail: str = ""
    steps: tuple[Step, ...] = ()
    epochs: tuple[Epoch, ...] = ()
    left_s: float | None = None
    adapter: int | None = None
    failure: str = ""
    wish: Wish = "go on"

    @property
    def tokens_per_second(self) -> float | None:
        """Tokens read a second of training, padding left out."""
        last = self.steps[-1] if self.steps else None
        return last.tokens / last.seconds if last is not None and last.seconds else None

    @property
    def share(self) -> float:
        """How much of it is done, in [0, 1]."""
        last = self.steps[-1] if self.steps else None
        return 1.0 if self.state == "done" else 0.0 if last is None else last.step / max(1, last.steps)


class JobWatch:
    """What the training process tells; see :class:`backends.training.Watch`."""

    def __init__(self, job: TrainingJob) -> None:
        self._job = job

    def tell(self, event: str, **said: object) -> None:
        """Write one event."""
        line = json.dumps({"event": event, "at": datetime.now(UTC).isoformat(timespec="seconds"), **said})
        with (self._job.folder / _EVENTS).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def starting(self) -> None:
        """A process is being started for it."""
        self.tell("starting")

    def begin(self, step: int) -> None:
        """A process takes it up after this step. It may have been killed in the midst of a line."""
        with (self._job.folder / _EVENTS).open("a", encoding="utf-8") as file:
            file.write("\n")
        self.tell("began", step=step)

    def say(self, line: str) -> None:
        """Take a line for people."""
        self.tell("say", line=line)

    def step(self, step: Step) -> None:
        """Take a step of the optimiser."""
        self.tell("step", **asdict(step))

    def epoch(self, epoch: Epoch, left_s: float | None) -> None:
        """Take a measured epoch; the steps say what is left."""
        self.tell("epoch", **asdict(epoch))

    def wish(self) -> Wish:
        """What people want now."""
        return wish_for(self._job)


def view(job: TrainingJob) -> TrainingView:
    """How the training stands, from its folder alone."""
    runs = is_running(job)  # Before reading: what ends meanwhile has said so.
    steps: list[Step] = []
    epochs: list[Epoch] = []
    state: State = "interrupted"
    detail, failure, adapter = "", "", None
    started: datetime | None = None
    for said in _events(job):
        event = said.get("event")
        if event == "step":
            steps.append(Step(**{field.name: said[field.name] for field in fields(Step)}))
        elif event == "epoch":
            epochs.append(Epoch(**{field.name: said[field.name] for field in fields(Epoch)}))
        elif event == "began":  # What came after the last checkpoint is trained again.
            state, failure, started = "interrupted", "", None
            steps = [step for step in steps if step.step <= said["step"]]
            epochs = [epoch for epoch in epochs if steps and epoch.epoch <= steps[-1].epoch]
        elif event == "starting":
            state, failure, started = "interrupted", "", datetime.fromisoformat(said["at"])
        elif event == "say":
            detail = said["line"]
        elif event == "paused":
            state = "paused"
        elif event == "failed":
            state, failure = "failed", said["sentence"]
        elif event == "done":
            state, adapter = "done", said["adapter"]
    begins = started is not None and (datetime.now(UTC) - started).total_seconds() < STARTS_S
    if (runs or begins) and state != "done":
        state, failure = "running", ""
    last = steps[-1] if steps and state != "done" else None
    return TrainingView(
        job=job,
        state=state,
        detail=detail,
        steps=tuple(steps),
        epochs=tuple(epochs),
        left_s=None if last is None else last.seconds * (last.steps - last.step) / last.step,
        adapter=adapter,
        failure=failure,
        wish=wish_for(job),
    )


def epoch_line(epoch: Epoch, left_s: float | None) -> str:
    """A measured epoch, for people who read lines."""
    learning = "untrained" if epoch.training is None else f"training loss {epoch.training:.4f}"
    wait = "" if left_s is None else f", about {left_s:.0f} s left"
    return f"epoch {epoch.epoch:.1f}: {learning}, held-out loss {epoch.held_out:.4f}{wait}"


def _events(job: TrainingJob) -> Iterator[Mapping[str, Any]]:
    """Every event that is written whole; the last line may be just being written."""
    try:
        lines = (job.folder / _EVENTS).read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            continue
