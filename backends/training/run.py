"""Carry out a training job from wherever it stands: read, learn, register the adapter."""

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from backends.adapter_card import said_by
from backends.adapter_places import CARD
from backends.adapters import register, registered
from backends.errors import LeverError, as_failure
from backends.knowledge.documents import write_whole
from backends.scenario import load_scenario
from backends.settings import Settings
from backends.training.checkpoints import last_checkpoint
from backends.training.examples import Conversation
from backends.training.jobs import EXAMPLES, TrainingJob, ask_for, held, wish_for
from backends.training.make import Conversations, conversations_for, train, write_card
from backends.training.progress import JobWatch, view
from backends.types import Message

NICENESS = 5
"""Answers go first: a training takes what the engine leaves of the processor."""


def run_job(job: TrainingJob, settings: Settings) -> None:
    """Do what is left of it; how it ends stands in its events.

    Raises:
        BadInput: another process is at it.
    """
    with held(job):
        watch = JobWatch(job)
        with suppress(OSError, AttributeError):  # Not every system has it.
            os.nice(NICENESS)
        if view(job).state == "done":  # Somebody else took it up a moment ago.
            return
        if wish_for(job) == "pause":
            ask_for(job, "go on")
        watch.begin(_steps_done(job.folder / "work"))
        try:
            number = _carry_out(job, settings, watch)
        except LeverError as error:
            watch.tell("failed", sentence=str(error))
        except Exception as error:
            watch.tell("failed", sentence=as_failure(error, "engine").message)
            raise
        else:
            if number is None:
                watch.tell("paused")
            else:
                watch.tell("done", adapter=number)
                _sweep(job)


def _carry_out(job: TrainingJob, settings: Settings, watch: JobWatch) -> int | None:
    """The number of the new adapter; None when it was paused."""
    if job.threads:
        settings = settings.model_copy(update={"threads": job.threads})
    scenario = load_scenario(job.scenario)
    known = [one for one in registered(scenario) if (said_by(one.folder / CARD) or {}).get("job") == job.id]
    if known:  # It was killed between registering and saying so.
        return known[0].number
    conversations = _conversations(job, settings, watch)
    made = job.folder / "made"
    card = train(conversations, job.recipe, settings, made, job.folder / "work", watch)
    if card is None:
        return None
    write_card(card, scenario, job.kind, conversations, job.examples, made)
    (made / EXAMPLES).write_bytes(job.examples.read_bytes())
    facts = {"trained_by": job.by, "note": job.note, "preset": job.preset, "job": job.id}
    scenario = load_scenario(job.scenario)  # Was it deleted meanwhile?
    return register(scenario, made, use=job.use, facts=facts).number


def _sweep(job: TrainingJob) -> None:
    """Of a training that is done its events are kept; all else stands in the registry."""
    for name in ("work", "made"):
        shutil.rmtree(job.folder / name, ignore_errors=True)
    (job.folder / "conversations.json").unlink(missing_ok=True)


def _conversations(job: TrainingJob, settings: Settings, watch: JobWatch) -> Conversations:
    """What was read when the job first ran: a document that changed meanwhile changes nothing."""
    path = job.folder / "conversations.json"
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return _conversation_rows(said["training"]), _conversation_rows(said["held_out"])
    except FileNotFoundError:
        pass
    scenario = load_scenario(job.scenario)
    found = conversations_for(scenario, job.kind, job.recipe, settings, watch, job.examples)
    rows = [
        [[one.line, [[turn.role, turn.content] for turn in one.messages]] for one in part] for part in found
    ]
    write_whole(path, json.dumps({"training": rows[0], "held_out": rows[1]}, ensure_ascii=False).encode())
    return found


def _conversation_rows(rows: list[list[Any]]) -> tuple[Conversation, ...]:
    return tuple(
        Conversation(line=line, messages=tuple(Message(role=role, content=text) for role, text in turns))
        for line, turns in rows
    )


def _steps_done(workspace: Path) -> int:
    """The step that training goes on after."""
    checkpoint = last_checkpoint(workspace)
    return 0 if checkpoint is None else int(checkpoint.name.rpartition("-")[2])
