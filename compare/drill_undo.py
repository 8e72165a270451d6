"""What a drill changes is noted before it is changed, and can be put back, also after a crash."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from backends.errors import BadInput
from backends.knowledge.documents import read_document, write_whole
from backends.knowledge.editing import changed_documents, reset_documents, write_document
from backends.scenario import Scenario
from backends.settings import settings
from compare.cases import Case
from compare.knowledge_change import Change, Touched

NOTE = "changed.json"


@dataclass(frozen=True, kw_only=True)
class Noted:
    """What a drill changed: a document's text, adapters by name, and the (query, expected, checks) that are
    right now, by the case's id.
    """

    document: str
    before: str
    after: str
    adapters: Sequence[str]
    cases: Mapping[str, Sequence[str]]


def working_adapter(scenario: Scenario, name: str) -> Path:
    """Where an adapter stands that is trained here; what ships stays beside it."""
    return (scenario.changed if scenario.ships else scenario.path) / "adapters" / name


def to_put_back(scenario: Scenario) -> str:
    """The document that a drill changed and nobody put back yet; empty when there is none."""
    noted = _noted(scenario.name)
    return "" if noted is None else noted.document


def put_back(scenario: Scenario) -> None:
    """Undo what a drill changed: the document's text and the adapters. Nothing to undo is no error.

    Raises:
        BadInput: somebody edited the document since, or it can't be written; the adapters are back all the
            same.
    """
    noted = _noted(scenario.name)
    if noted is None:
        return
    folder = drill_folder(scenario.name)
    for name in noted.adapters:
        target = working_adapter(scenario, name)
        shutil.rmtree(target, ignore_errors=True)
        if (folder / "adapters" / name).is_dir():
            shutil.move(folder / "adapters" / name, target)
    path = scenario.knowledge / noted.document
    if path.is_file():
        seen = read_document(path)
        if seen.text not in (noted.before, noted.after):
            shutil.rmtree(folder, ignore_errors=True)
            raise BadInput(
                f"{path.name} was edited after the drill, so its text stays as it is.",
                "The earlier one can be restored under Documents.",
            )
        if seen.text == noted.after:
            write_document(scenario, seen, noted.before)
    if scenario.ships and not changed_documents(scenario):
        reset_documents(scenario)
    shutil.rmtree(folder, ignore_errors=True)


def note(scenario: str, change: Change, touched: Sequence[Touched], adapters: Sequence[str] = ()) -> None:
    """Write down what is about to change, before it is changed."""
    noted = Noted(
        document=change.document,
        before=change.before,
        after=change.after,
        adapters=tuple(adapters),
        cases={
            one.before.id: (one.after.query, one.after.expected, one.after.checks)
            for one in touched
            if one.after is not None
        },
    )
    write_whole(drill_folder(scenario) / NOTE, json.dumps(asdict(noted)).encode())


def cases_now(scenario: str, cases: Sequence[Case]) -> tuple[Case, ...]:
    """The cases, with what is right while a drill's change stands."""
    noted = _noted(scenario)
    if noted is None:
        return tuple(cases)
    return tuple(
        replace(case, expected=noted.cases[case.id][1], checks=noted.cases[case.id][2])
        if case.id in noted.cases and noted.cases[case.id][0] == case.query
        else case
        for case in cases
    )


def _noted(name: str) -> Noted | None:
    try:
        return Noted(**json.loads((drill_folder(name) / NOTE).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def drill_folder(name: str) -> Path:
    """Where a scenario's drill keeps what it needs for putting back; gone afterwards."""
    return settings().data_dir / "drills" / name
