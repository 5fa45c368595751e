"""The search space of a tuning: which settings are tried, and in which range.

A setting is an attribute of `Recipe`, such as `learning_rate`, or a hyperparameter of the model. A file of the user's
own can replace the range of a setting, or fix its value:

    code_dim = 32                    # always 32
    [learning_rate]
    low = 1e-4
    high = 1e-2
    log = true
    [hidden]
    choices = [[64], [64, 32]]
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..models.errors import unknown_name
from ..models.hyperparameters import Hyperparameter
from .errors import BadSpace
from .recipe import Recipe
from .recipe_files import scalars
from .toml_files import read_toml

# Hyperparameters that are tried by default. Others would change the task or the validation loss itself, such as the
# noise of a denoising autoencoder or the weight of a penalty.
SIZES = ("code_dim", "units", "hidden", "filters", "embedding_dim", "dim", "dims")
CHOICES = ("activation", "cell")
FIXED = ("task", "loss", "epochs", "patience")  # attributes of the recipe that are never tried
LARGEST_DROPOUT = 0.5
RATE_FACTOR = 10.0
SIZE_FACTOR = 2


@dataclass(frozen=True)
class Trait:
    """The values of one setting that a tuning tries: numbers from `low` to `high`, or `choices`.

    Attributes:
        setting: name, type and range of the setting.
        low: smallest value.
        high: largest value.
        log: whether the logarithm of the value is uniform.
        choices: the values, if they are not a range.
    """

    setting: Hyperparameter
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    choices: tuple[Any, ...] = ()

    def suggest(self, trial: Any) -> Any:
        """Returns the value for a trial of Optuna."""
        name = self.setting.name
        if self.choices:
            texts = [self.setting.format(each) for each in self.choices]
            return self.setting.parse(trial.suggest_categorical(name, texts))
        if self.setting.type is int:
            return trial.suggest_int(name, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(name, self.low, self.high, log=self.log)

    def has(self, value: Any) -> bool:
        """Returns whether the tuning can try a value."""
        value = self.setting.check(value)
        return value in self.choices if self.choices else self.low <= value <= self.high

    def stored(self, value: Any) -> Any:
        """Returns a value as Optuna stores it."""
        return self.setting.format(self.setting.check(value)) if self.choices else value

    def describe(self) -> dict[str, Any]:
        """Returns the range for JSON."""
        return {"low": self.low, "high": self.high, "log": self.log, "choices": [str(each) for each in self.choices]}


def search_space(
    settings: Mapping[str, Hyperparameter],
    values: Mapping[str, Any],
    recipe: Recipe,
    given: Collection[str] = (),
    file: Path | None = None,
) -> tuple[dict[str, Trait], dict[str, Any]]:
    """Returns the settings that are tried, and the settings that a file fixes.

    Args:
        settings: the hyperparameters of the model that may be tried.
        values: their values in the recipe.
        recipe: the recipe.
        given: names of settings that the user has given. They are not tried.
        file: the user's own ranges.

    Raises:
        BadSpace: the file cannot be read, or has an unknown name or a wrong range. Or nothing is left to try.
    """
    space = {"learning_rate": _rate(recipe.learning_rate)}
    if recipe.optimizer != "gradient_descent":  # its batch is the whole training set
        space["batch_size"] = _batches(recipe.batch_size)
    for name, setting in settings.items():
        trait = _default(setting, values[name])
        if trait is not None:
            space[name] = trait
    fixed: dict[str, Any] = {}
    if file is not None:
        known = {name: each for name, each in scalars().items() if name not in FIXED} | dict(settings)
        try:
            content = read_toml(file)
        except ValueError as error:
            raise BadSpace(f"Cannot read the search space {file}: {error}.") from None
        for name, value in content.items():
            if name not in known:
                raise BadSpace(f"{unknown_name('setting', name, known)} In: {file}.")
            space.pop(name, None)
            if isinstance(value, dict):
                space[name] = _trait(known[name], value, file)
            else:
                fixed[name] = known[name].check(value)
    space = {name: trait for name, trait in space.items() if name not in given}
    if not space:
        raise BadSpace("All settings have a fixed value. Tuning needs at least one range.")
    return space, {name: value for name, value in fixed.items() if name not in given}


def tried_recipe(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    """Returns the recipe with other values of some settings."""
    attributes = {name: value for name, value in values.items() if name in scalars()}
    hyperparameters = {name: value for name, value in values.items() if name not in attributes}
    return replace(recipe, **attributes, hyperparameters={**recipe.hyperparameters, **hyperparameters})


def _rate(value: float) -> Trait:
    return Trait(scalars()["learning_rate"], value / RATE_FACTOR, value * RATE_FACTOR, log=True)


def _batches(value: int) -> Trait:
    sizes = dict.fromkeys((max(1, value // 2), value, 2 * value))
    return Trait(scalars()["batch_size"], choices=tuple(sizes))


def _default(setting: Hyperparameter, value: Any) -> Trait | None:
    if setting.name == "dropout":
        return Trait(setting, 0.0, max(LARGEST_DROPOUT, value))
    if setting.name in CHOICES and setting.choices:
        return Trait(setting, choices=setting.choices)
    if setting.name not in SIZES:
        return None
    if setting.type is tuple:
        sizes = [value, *(tuple(max(1, round(each * factor)) for each in value) for factor in (0.5, 2))]
        return Trait(setting, choices=tuple(dict.fromkeys(tuple(each) for each in sizes)))
    return Trait(setting, max(1, value // SIZE_FACTOR), value * SIZE_FACTOR, log=True)


def _trait(setting: Hyperparameter, given: Mapping[str, Any], file: Path) -> Trait:
    try:
        if set(given) == {"choices"} and isinstance(given["choices"], list):
            return Trait(setting, choices=tuple(setting.check(each) for each in given["choices"]))
        low, high, log = setting.check(given["low"]), setting.check(given["high"]), given.get("log", False)
        is_number = setting.type in (int, float) and isinstance(log, bool) and not set(given) - {"low", "high", "log"}
        if is_number and low < high and (low > 0 or not log):
            return Trait(setting, low, high, log)
    except KeyError:
        pass
    except ValueError as error:
        raise BadSpace(f"{error} In: {file}.") from None
    raise BadSpace(
        f"Expected {setting.name} in {file} to have choices, or low and high with low < high (above 0 with log = true)."
    )
