"""What a drill changes is noted before it is changed, and can be put back, also after a crash."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from backends.errors import BadInput
from backends.knowledge.documents import read_document, write_whole
from backends.knowledge.editing import changed_documents, reset_documents, write_document
from backends.scenario import Scenario
from backends.settings import settings
from compare.knowledge_change import Change


def working_adapter(scenario: Scenario, name: str) -> Path:
    """Where an adapter stands that is trained here; what ships stays beside it."""
    return (scenario.changed if scenario.ships else scenario.path) / "adapters" / name


def to_put_back(scenario: Scenario) -> str:
    """The document that a drill changed and nobody put back yet; empty when there is none."""
    noted = _noted(scenario.name)
    return "" if noted is None else str(noted["document"])


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
    for name in noted["adapters"]:
        target = working_adapter(scenario, name)
        shutil.rmtree(target, ignore_errors=True)
        if (folder / "adapters" / name).is_dir():
            shutil.move(folder / "adapters" / name, target)
    path = scenario.knowledge / str(noted["document"])
    if path.is_file():
        seen = read_document(path)
        if seen.text not in (noted["before"], noted["after"]):
            shutil.rmtree(folder, ignore_errors=True)
            raise BadInput(
                f"{path.name} was edited after the drill, so its text stays as it is.",
                "The earlier one can be restored under Documents.",
            )
        if seen.text == noted["after"]:
            write_document(scenario, seen, str(noted["before"]))
    if scenario.ships and not changed_documents(scenario):
        reset_documents(scenario)
    shutil.rmtree(folder, ignore_errors=True)


def note(scenario: str, change: Change, *, adapters: Sequence[str]) -> None:
    """Write down what is about to change, before it is changed."""
    said = {
        "document": change.document,
        "before": change.before,
        "after": change.after,
        "adapters": list(adapters),
    }
    write_whole(drill_folder(scenario) / "changed.json", json.dumps(said).encode())


def _noted(name: str) -> dict[str, list[str]] | None:
    try:
        noted: dict[str, list[str]] = json.loads((drill_folder(name) / "changed.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return noted


def drill_folder(name: str) -> Path:
    """Where a scenario's drill keeps what it needs for putting back; gone afterwards."""
    return settings().data_dir / "drills" / name
