"""What is trained on, checked before it is: a scenario's own examples, those kept here, or a file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from backends.errors import BadInput
from backends.scenario import Scenario
from backends.training import Recipe
from backends.training.examples import Example, examples_path
from backends.training.jobs import TrainingJob, create_job
from backends.training.recipes import PRESETS, check_recipe, recipe_for
from compare.case_files import load_cases
from compare.csv_rows import RowProblem
from compare.training_data import TrainingDataReport, check_examples
from compare.training_files import read_examples, write_examples
from compare.training_set import collected_path

Source = Literal["scenario", "ratings", "file"]


@dataclass(frozen=True, kw_only=True)
class Examples:
    """The examples of one source. ``data`` is the file as it is; ``problems`` its rows that can't be used."""

    name: str
    data: bytes
    examples: tuple[Example, ...]
    problems: tuple[RowProblem, ...] = ()

    def to_train_on(self, without: frozenset[int] = frozenset()) -> bytes:
        """The file that is learnt from: as it is where all of it can be used, else the examples that are
        left when those in these lines are taken out.
        """
        left = [example for example in self.examples if example.line not in without]
        plain = write_examples(self.examples)
        same = not self.problems and len(left) == len(self.examples)
        return self.data if same and _is_chat(self.data) else plain if same else write_examples(left)


def sources(scenario: Scenario) -> tuple[Source, ...]:
    """Where examples for this scenario can come from now."""
    there: dict[Source, bool] = {
        "scenario": examples_path(scenario).is_file(),
        "ratings": collected_path(scenario.name).is_file(),
        "file": True,
    }
    return tuple(source for source, is_there in there.items() if is_there)


def stored_examples(scenario: Scenario, source: Source) -> Examples:
    """A scenario's own examples, or those made from ratings and runs.

    Raises:
        BadInput: there are none, or they can't be read.
    """
    path = collected_path(scenario.name) if source == "ratings" else examples_path(scenario)
    return file_examples(path)


def file_examples(path: Path) -> Examples:
    """The examples in a file on this machine.

    Raises:
        BadInput: it can't be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path.name} can't be read: {error.strerror or error}.") from error
    return read(data, path.name)


def read(data: bytes, name: str, mapping: Mapping[str, str] | None = None) -> Examples:
    """The examples of a file's bytes.

    Raises:
        BadInput: the file as a whole can't be read.
    """
    found = read_examples(data, name, mapping)
    return Examples(name=name, data=data, examples=found.examples, problems=found.problems)


def checked(
    scenario: Scenario,
    examples: Sequence[Example],
    *,
    count_tokens: Callable[[str], int] | None = None,
    room_tokens: int = 0,
) -> TrainingDataReport:
    """What is wrong with examples, looked at for this scenario and its cases.

    Raises:
        BadInput: the scenario's cases can't be read.
    """
    return check_examples(
        examples,
        cases=load_cases(scenario),
        scenario=scenario,
        count_tokens=count_tokens,
        room_tokens=room_tokens,
    )


def planned(
    scenario: Scenario,
    kind: str,
    data: bytes,
    *,
    preset: str,
    changes: Mapping[str, Any],
    use: bool = True,
    by: str = "",
    note: str = "",
) -> TrainingJob:
    """A training, written down and not begun.

    Raises:
        BadInput: there is no such preset, the recipe can't be, or it can't be written down.
    """
    recipe = recipe_of(scenario, kind, preset, changes)
    check_recipe(kind, recipe)
    return create_job(scenario.name, kind, recipe, data, use=use, by=by, note=note, preset=preset)


def recipe_of(scenario: Scenario, kind: str, preset: str, changes: Mapping[str, Any]) -> Recipe:
    """The scenario's recipe for this kind, as the preset changes it, as ``changes`` change that.

    Raises:
        BadInput: there is no such preset, or the scenario's recipe can't be used.
    """
    if preset not in PRESETS:
        raise BadInput(f"There is no preset {preset!r}.", f"There are: {', '.join(PRESETS)}.")
    return replace(PRESETS[preset].applied(recipe_for(scenario, kind, {})), **changes)


def _is_chat(data: bytes) -> bool:
    """Whether training reads the file as it is."""
    return data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b'{"messages"')
