"""Scenarios that people make here: a folder in the data folder, of the same form as those that ship.

Everything else treats them alike. Their documents come and go by ``backends/knowledge/editing.py``.
"""

import re
import shutil
import tomllib
import unicodedata
from pathlib import Path

from backends.adapters import forget
from backends.errors import BadInput
from backends.knowledge.documents import write_whole
from backends.scenario import (
    NO_SCENARIO,
    PromptTexts,
    Scenario,
    list_scenarios,
    load_scenario,
    own_folder,
)
from backends.training.jobs import forget_job, jobs

STORY = "Made here, with its own documents and instructions."
MOST_TITLE_CHARS, MOST_NAME_CHARS = 80, 40


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
        BadInput: it ships with Lever, an adapter is being trained for it, or it can't be deleted.
    """
    _require_own(scenario)
    for job in jobs(scenario.name):
        forget_job(job)
    forget(scenario.name)
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


def _write(path: Path, data: bytes) -> None:
    """All of it or nothing: whoever reads sees the old file or the new one."""
    try:
        write_whole(path, data)
    except OSError as error:
        raise BadInput(f"{path.name} can't be written: {error.strerror or error}.") from error
