"""Single rows within a session: find, keep, mark. What ``compare/store.py`` does inside its transactions."""

import hashlib
import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backends.errors import BadInput
from backends.scenario import PromptTexts
from backends.types import Prompt
from compare.live import LiveAnswer
from compare.owner import is_gone
from compare.tables import PassageRow, PromptRow, PromptVersionRow, RunRow

FOREIGN_RUN_ENDS = timedelta(days=1)
"""A run of another machine, which can't be asked, counts as interrupted after this long."""


def now() -> str:
    """The time in UTC, ISO 8601, to the millisecond: how the store writes every time."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def text_hash(text: str) -> str:
    """SHA-256 of a text in UTF-8, in hex: the key of prompts, prompt texts and embeddings."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def version_row(session: Session, scenario: str, texts: PromptTexts) -> PromptVersionRow:
    """The row of a set of prompt texts; only a new set makes a new one, with the next number."""
    of_scenario = select(PromptVersionRow).where(PromptVersionRow.scenario == scenario)
    said = asdict(texts)
    key = text_hash(json.dumps(said, sort_keys=True))
    found = session.scalars(of_scenario.where(PromptVersionRow.text_hash == key)).first()
    if found is not None:
        return found
    largest = select(func.max(PromptVersionRow.number)).where(PromptVersionRow.scenario == scenario)
    number = (session.scalar(largest) or 0) + 1
    row = PromptVersionRow(
        scenario=scenario,
        number=number,
        text=texts.system,
        cot=texts.cot,
        few_shot=list(said["few_shot"]),
        schema=texts.schema,
        text_hash=key,
        created_at=now(),
    )
    session.add(row)
    return row


def keep_prompt(session: Session, prompt: Prompt, call: LiveAnswer) -> str:
    """Store a prompt once; gives its hash, of all that it says."""
    rendered = "" if call.answer is None else call.answer.rendered
    said = asdict(prompt)
    for measured in ("embed_ms", "retrieve_ms"):
        del said[measured]
    key = text_hash(json.dumps([said, rendered], sort_keys=True))
    if session.get(PromptRow, key) is None:
        session.add(
            PromptRow(
                hash=key,
                messages=said["messages"],
                layers=said["layers"],
                adapter=prompt.adapter,
                schema=prompt.schema,
                rendered=rendered,
                passages=[PassageRow(**passage) for passage in said["passages"]],
            )
        )
    return key


def found_run(session: Session, run_id: str) -> RunRow:
    """The run of this id, or BadInput."""
    run = session.get(RunRow, run_id)
    if run is None:
        raise BadInput(f"There is no run {run_id!r} in this store.")
    return run


def is_over(run: RunRow) -> bool:
    """Whether nobody is there any more who could go on with a run that still counts as running."""
    gone = is_gone(run.owner)
    horizon = (datetime.now(UTC) - FOREIGN_RUN_ENDS).isoformat(timespec="milliseconds")
    return run.started_at < horizon if gone is None else gone


def mark_interrupted(session: Session) -> None:
    """Mark the runs that nobody goes on with."""
    for run in session.scalars(select(RunRow).where(RunRow.status == "running")):
        if is_over(run):
            run.status = "interrupted"
            run.finished_at = now()
