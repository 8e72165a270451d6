"""How to train: the usual recipe, as the scenario changes it, in three presets, as people change them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import get_args

from backends.errors import BadInput
from backends.scenario import Scenario
from backends.training import ADAPTERS, Layers, Recipe

MOST_RANK = 256
STANDARD = "standard"


@dataclass(frozen=True, kw_only=True)
class Preset:
    """``title`` and ``says`` are for people."""

    name: str
    title: str
    says: str

    def applied(self, recipe: Recipe) -> Recipe:
        """The scenario's recipe as this preset changes it.

        Half the epochs at twice the rate reach most of what is to be learnt; more epochs at half the rate,
        with dropout, find a lower held-out loss, as the best epoch is kept anyway.
        """
        if self.name == "quick":
            epochs, rate = max(1, recipe.epochs // 2), min(2 * recipe.learning_rate, 5e-3)
            return replace(recipe, epochs=epochs, learning_rate=rate)
        if self.name == "careful":
            return replace(
                recipe, epochs=2 * recipe.epochs, learning_rate=recipe.learning_rate / 2, dropout=0.05
            )
        return recipe


PRESETS: Mapping[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(name="quick", title="Quick", says="Half the time: a first impression."),
        Preset(name=STANDARD, title="Standard", says="What this scenario was tuned for."),
        Preset(name="careful", title="Careful", says="Twice the time: slower steps, often a little better."),
    )
}


def recipe_for(scenario: Scenario, adapter: str, changes: Mapping[str, int | float]) -> Recipe:
    """The usual recipe, as the scenario changes it for this adapter, as ``changes`` change that.

    Raises:
        BadInput: the scenario names something that a recipe does not have.
    """
    wanted = {**scenario.training.get(adapter, {}), **changes}
    unknown = wanted.keys() - {field.name for field in fields(Recipe)}
    if unknown:
        raise BadInput(
            f"[training.{adapter}] of {scenario.name} can't be used: there is no {sorted(unknown)[0]!r}.",
            f"Known are: {', '.join(field.name for field in fields(Recipe))}.",
        )
    return replace(Recipe(), **wanted)  # type: ignore[arg-type]


def check_recipe(adapter: str, recipe: Recipe) -> None:
    """Refuse what can't be trained.

    Raises:
        BadInput: the first thing that is wrong with it.
    """
    if adapter not in ADAPTERS:
        raise BadInput(
            f"There is no kind of adapter called {adapter!r}.", f"Known are: {', '.join(ADAPTERS)}."
        )
    if not (0 <= recipe.held_out < 1 and 0 <= recipe.gold_share <= 1):
        raise BadInput("The held-out and gold shares must lie between 0 and 1.")
    if not 0 <= recipe.dropout < 1:
        raise BadInput("The dropout must lie between 0 and 1.")
    if recipe.layers not in get_args(Layers):
        raise BadInput(f"The layers that learn are {' or '.join(get_args(Layers))}, not {recipe.layers!r}.")
    if (
        recipe.max_steps < 0
        or recipe.patience < 0
        or min(recipe.epochs, recipe.batch_size, recipe.rank, recipe.alpha) < 1
    ):
        raise BadInput("Epochs, batch size, rank and alpha must be at least 1.")
    if recipe.rank > MOST_RANK:
        raise BadInput(f"The rank can be at most {MOST_RANK}.")
    if not 0 < recipe.learning_rate < 1:
        raise BadInput("The learning rate must lie between 0 and 1.")
