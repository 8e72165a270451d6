"""What a drill changes is noted before it is changed, and can be put back, also after a crash.

A scenario's drill holds a lock as long as it works, so that neither another one nor putting back comes
between, in this process or in another one.
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from backends.adapter_places import AS_SHIPPED
from backends.adapters import DRILL_NOTE, delete, registered, use
from backends.errors import BadInput, KnowledgeUnavailable
from backends.knowledge.documents import read_document, write_whole
from backends.knowledge.editing import (
    add_documents,
    changed_documents,
    reset_documents,
    restorable,
    write_document,
)
from backends.scenario import Scenario
from backends.settings import settings
from compare.cases import Case
from compare.knowledge_change import Change, Touched

NOTE = "changed.json"


@dataclass(frozen=True, kw_only=True)
class Noted:
    """What a drill changed: a document's text; by kind, the number of the adapter that was in use before; and
    the (query, expected, checks) that are right now, by the case's id.
    """

    document: str
    before: str
    after: str
    adapters: Mapping[str, int]
    cases: Mapping[str, Sequence[str]]


@contextmanager
def alone(scenario: str) -> Iterator[None]:
    """Hold the scenario's drill lock.

    Raises:
        BadInput: somebody else does.
    """
    from filelock import FileLock, Timeout

    path = drill_folder(scenario).with_suffix(".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise BadInput(
            f"A drill of {scenario} goes on, here or in another copy of Lever.", "Wait for it, or stop it."
        ) from error
    try:
        yield
    finally:
        lock.release()


def note_change(scenario: str, change: Change, touched: Sequence[Touched]) -> None:
    """Write down the document and the cases that are about to change."""
    cases = {
        one.before.id: (one.after.query, one.after.expected, one.after.checks)
        for one in touched
        if one.after is not None
    }
    noted = Noted(
        document=change.document, before=change.before, after=change.after, adapters={}, cases=cases
    )
    _write(scenario, noted)


def note_choice(scenario: Scenario, kind: str) -> None:
    """Write down which of a kind's adapters is in use before a drill's own is, the first time."""
    noted = noted_change(scenario.name)
    if noted is not None and kind not in noted.adapters:
        before = scenario.adapter_place(kind).number
        _write(scenario.name, replace(noted, adapters={**noted.adapters, kind: before}))


def to_put_back(scenario: Scenario) -> str:
    """The document that a drill changed and nobody put back yet; empty when there is none."""
    noted = noted_change(scenario.name)
    return "" if noted is None else noted.document


def put_back(scenario: Scenario) -> None:
    """Undo what a drill changed: the adapters and the document's text. Nothing to undo is no error.

    Raises:
        BadInput: a drill goes on; somebody edited the document since (the adapters are back all the same); or
            it can't be written, and can be tried again.
    """
    with alone(scenario.name):
        noted = noted_change(scenario.name)
        if noted is None:
            return
        _forget_adapters(scenario, noted)
        edited = not _restore_text(scenario, noted)
        only_this = set(restorable(scenario)) <= {noted.document}  # Else a reset would lose the others.
        if scenario.ships and only_this and not changed_documents(scenario):
            reset_documents(scenario)
        shutil.rmtree(drill_folder(scenario.name), ignore_errors=True)
    if edited:
        raise BadInput(
            f"{noted.document} was edited after the drill, so its text stays as it is.",
            "The earlier one can be restored under Documents.",
        )


def cases_now(scenario: Scenario, cases: Sequence[Case]) -> tuple[Case, ...]:
    """The cases, with what is right as long as a drill's change stands in the document."""
    noted = noted_change(scenario.name)
    if noted is None or _text(scenario, noted) != noted.after:
        return tuple(cases)
    return tuple(
        replace(case, expected=noted.cases[case.id][1], checks=noted.cases[case.id][2])
        if case.id in noted.cases and noted.cases[case.id][0] == case.query
        else case
        for case in cases
    )


def forget_drill(scenario: Scenario) -> None:
    """Of a scenario that is deleted.

    Raises:
        BadInput: its drill goes on.
    """
    with alone(scenario.name):
        shutil.rmtree(drill_folder(scenario.name), ignore_errors=True)


def noted_change(scenario: str) -> Noted | None:
    """What was noted and not put back."""
    try:
        return Noted(**json.loads((drill_folder(scenario) / NOTE).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def drill_folder(name: str) -> Path:
    """Where a scenario's drill keeps what it needs for putting back; gone afterwards."""
    return settings().data_dir / "drills" / name


def _write(scenario: str, noted: Noted) -> None:
    write_whole(drill_folder(scenario) / NOTE, json.dumps(asdict(noted)).encode())


def _forget_adapters(scenario: Scenario, noted: Noted) -> None:
    """Delete what the drill trained; where it is in use, what was before is in use again, if it is there."""
    for one in registered(scenario):
        if one.card.note == DRILL_NOTE:
            if one.in_use:
                with suppress(BadInput):
                    use(scenario, one.kind, noted.adapters.get(one.kind, AS_SHIPPED))
            delete(scenario, one.number)


def _restore_text(scenario: Scenario, noted: Noted) -> bool:
    """Give the document its text back; False when it says something of its own by now."""
    text = _text(scenario, noted)
    if text == noted.after:
        write_document(scenario, read_document(scenario.knowledge / noted.document), noted.before)
    elif text is None:
        _, refused = add_documents(scenario, [(noted.document, noted.before.encode())])
        if refused:
            raise BadInput(refused[0])
    return text in (None, noted.before, noted.after)


def _text(scenario: Scenario, noted: Noted) -> str | None:
    """What the document says now; None when it is gone."""
    try:
        return read_document(scenario.knowledge / noted.document).text
    except KnowledgeUnavailable:
        return None
