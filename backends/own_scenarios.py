"""Scenarios that people make here: a folder in the data folder, of the same form as those that ship.

Everything else treats them alike. Names of uploaded files are never used as paths: what can't be a plain file
name is refused.
"""

import re
import shutil
import tomllib
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from backends.errors import BadInput
from backends.knowledge.documents import READABLE, document_paths
from backends.scenario import (
    NO_SCENARIO,
    PromptTexts,
    Scenario,
    list_scenarios,
    load_scenario,
    own_folder,
)
from backends.settings import settings

STORY = "Made here, with its own documents and instructions."
MOST_TITLE_CHARS, MOST_NAME_CHARS = 80, 40
_FILE_NAME = re.compile(r"[^\x00-\x1f\x7f/\\\\:*?\"<>|.][^\x00-\x1f\x7f/\\\\:*?\"<>|]{0,150}")


def is_own(scenario: Scenario) -> bool:
    """Whether people made it here, so that it may be changed here."""
    return scenario.path.parent == own_folder()


def create_scenario(title: str, instructions: str = "") -> Scenario:
    """Make a folder of its own for a new scenario; its name is made from the title.

    Raises:
        BadInput: the title is empty, or the folder can't be written.
    """
    shown = " ".join(title.split())[:MOST_TITLE_CHARS]
    if not shown:
        raise BadInput("The scenario needs a title.", "Call it what your team calls the task.")
    name = _free_name(shown)
    _write_settings(own_folder() / name, shown, PromptTexts(system=instructions.strip()))
    return load_scenario(name)


def keep_texts(scenario: Scenario, texts: PromptTexts) -> None:
    """Make these the texts with which the scenario begins.

    Raises:
        BadInput: it ships with Lever, the schema is no JSON object, or the file can't be written.
    """
    _require_own(scenario)
    _write_settings(scenario.path, scenario.title, scenario.with_texts(texts).texts)


def _write_settings(folder: Path, title: str, texts: PromptTexts) -> None:
    import tomli_w

    path = folder / "scenario.toml"
    known = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {"story": STORY}
    table: dict[str, object] = {
        **known,  # What people wrote by hand stays.
        "title": title,
        "system_prompt": texts.system,
        "cot_prompt": texts.cot,
        "few_shot": [{"user": shot.user, "assistant": shot.assistant} for shot in texts.few_shot],
        "schema": texts.schema or "",
    }
    _write(path, tomli_w.dumps(table).encode())


def add_documents(scenario: Scenario, files: Iterable[tuple[str, bytes]]) -> tuple[list[str], list[str]]:
    """Put documents into the scenario's knowledge, in place of older ones of their names.

    Returns:
        The names that were taken, and a sentence for each file that was not.

    Raises:
        BadInput: the scenario ships with Lever.
    """
    _require_own(scenario)
    taken: list[str] = []
    refused: list[str] = []
    for given, data in files:
        name = unicodedata.normalize("NFC", given)
        reason = _why_not(name, data) or ("two files have this name" if name in taken else "")
        if reason:
            refused.append(f"{given}: {reason}.")
            continue
        try:
            _write(scenario.path / "knowledge" / name, data)
        except BadInput as error:
            refused.append(error.message)
            continue
        taken.append(name)
    return taken, refused


def documents_of(scenario: Scenario) -> tuple[Path, ...]:
    """Its documents by name."""
    return document_paths(scenario.path / "knowledge")


def remove_document(scenario: Scenario, name: str) -> None:
    """Take a document out; one that is not there is no error.

    Raises:
        BadInput: the scenario ships with Lever.
    """
    _require_own(scenario)
    found = {path.name: path for path in documents_of(scenario)}
    if name in found:
        found[name].unlink(missing_ok=True)


def keep_cases(scenario: Scenario, table: bytes) -> None:
    """Make a table of cases (CSV, UTF-8) the scenario's own, in place of an older one.

    Raises:
        BadInput: the scenario ships with Lever, or the file can't be written.
    """
    _require_own(scenario)
    _write(scenario.path / "cases.csv", table)


def delete_scenario(scenario: Scenario) -> None:
    """Delete its folder with documents, cases and adapters. Runs of it stay readable.

    Raises:
        BadInput: it ships with Lever, or can't be deleted.
    """
    _require_own(scenario)
    try:
        shutil.rmtree(scenario.path)
    except OSError as error:
        raise BadInput(f"The scenario can't be deleted: {error.strerror or error}.") from error


def _require_own(scenario: Scenario) -> None:
    if not is_own(scenario):
        raise BadInput(f"The scenario {scenario.name} was not made here.", "Change its folder by hand.")


def _free_name(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MOST_NAME_CHARS].strip("-") or "scenario"
    taken = {NO_SCENARIO, *list_scenarios()}
    names = (slug if number == 1 else f"{slug}-{number}" for number in range(1, 10_000))
    for name in names:
        if name in taken:
            continue
        try:
            (own_folder() / name).mkdir(parents=True)
            return name
        except FileExistsError:  # Another tab took it just now, or a folder without a scenario stands there.
            continue
        except OSError as error:
            raise BadInput(f"The scenario can't be stored: {error.strerror or error}.") from error
    raise BadInput("There are too many scenarios of this title.", "Choose another one.")


def _why_not(name: str, data: bytes) -> str:
    """What keeps a file from being a document; empty when nothing does."""
    most = settings().max_upload_mb
    if not _FILE_NAME.fullmatch(name):
        return "this can't be a file's name"
    if Path(name).suffix.lower() not in READABLE:
        return f"only {', '.join(READABLE)} files are read"
    if len(data) > most * 1_000_000:
        return f"it has {len(data) / 1e6:,.0f} MB, and at most {most} MB are read"
    if b"\0" in data:
        return "it is no text"
    return "" if data.strip() else "it is empty"


def _write(path: Path, data: bytes) -> None:
    """All of it or nothing: whoever reads sees the old file or the new one."""
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        raise BadInput(f"{path.name} can't be written: {error.strerror or error}.") from error
