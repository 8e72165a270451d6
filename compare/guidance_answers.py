"""The answers to the questions before data, kept for each scenario."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from backends.errors import BadInput
from backends.knowledge.documents import write_whole
from backends.settings import settings
from compare.guidance_questions import BY_KEY


@dataclass(frozen=True, kw_only=True)
class KeptAnswers:
    """By question what was answered; ``problem`` is a sentence where the file can't be used."""

    answers: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""


def answers_file(scenario: str) -> Path:
    """Where a scenario's answers are kept; maybe not there."""
    return settings().data_dir / "decide" / f"{scenario}.json"


def load_answers(scenario: str) -> KeptAnswers:
    """The kept answers; those that no question knows any more are left out. Never raises."""
    path = answers_file(scenario)
    try:
        said = json.loads(path.read_text("utf-8"))
        if not isinstance(said, dict):
            raise ValueError("it is no table")
    except FileNotFoundError:
        return KeptAnswers()
    except (OSError, ValueError, RecursionError):
        return KeptAnswers(problem=f"The answers in {path.name} can't be read. Answer the questions again.")
    known = {key: one for key, one in said.items() if key in BY_KEY and isinstance(one, str)}
    return KeptAnswers(answers={key: one for key, one in known.items() if one in BY_KEY[key].options})


def keep_answers(scenario: str, answers: Mapping[str, str]) -> None:
    """Keep them in place of what was kept; none at all forgets them.

    Raises:
        BadInput: they can't be written.
    """
    path = answers_file(scenario)
    try:
        if answers:
            write_whole(path, json.dumps(dict(answers), indent=1).encode())
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise BadInput(
            f"The answers can't be kept: {error.strerror or error}.",
            "Set LEVER_DATA_DIR to a folder that can be written to.",
        ) from error
