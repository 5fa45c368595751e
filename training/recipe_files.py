"""Reads and writes recipe files, the recipes of a user's own, in TOML.

    model = "mlp_classifier"
    epochs = 30
    [hyperparameters]
    hidden = [64, 32]

The keys are the attributes of `Recipe`. A key that is left out has its value from the model's first recipe.
"""

import json
import typing
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from ..models.docstrings import sections
from ..models.errors import unknown_name
from ..models.hyperparameters import Hyperparameter, hyperparameter_of, shown
from ..models.registry import describe
from .errors import BadRecipe
from .recipe import Augmentation, Recipe, Target, load_recipe, load_recipes
from .toml_files import read_toml

TABLES = ("hyperparameters", "targets")
RECONSTRUCTING = ("reconstruct", "denoise", "colorize")
CHANGING = (*RECONSTRUCTING, "generate", "classify")  # tasks whose training images can be changed at random
CLASSIFYING = ("classify", "classify_text")
WITH_WORDS = ("classify_text", "tag", "translate", "word_vectors")  # tasks of models with vectors of words
TEXTS = ("dataset", "vectors")  # attributes that are any text
IMAGE_CHANGES = ("augment", "shift", "mirror", "binarize")


def is_file(recipe: Any) -> bool:
    """Returns whether a recipe is given as a file: a path, or a text that ends with `.toml`."""
    return isinstance(recipe, Path) or (isinstance(recipe, str) and recipe.endswith(".toml"))


def find_recipe(model: str, recipe: str | Path | Recipe | None) -> Recipe:
    """Returns a recipe that is given by its name, as a file, or as a `Recipe`. None is the model's first recipe.

    Raises:
        UnknownModel: no model has this name.
        UnknownRecipe: the model has no recipe with this name.
        BadRecipe: the file cannot be read, or has unknown keys or wrong values.
    """
    if isinstance(recipe, Recipe):
        values = {each.name: getattr(recipe, each.name) for each in fields(Recipe)}
        return replace(recipe, **checked(values, "the recipe"))
    if is_file(recipe):
        return read_recipe(Path(str(recipe)), model)
    return load_recipe(model, str(recipe) if recipe is not None else None)


def name_of(model: str, recipe: str | Path | Recipe | None) -> str:
    """Returns the name of a recipe, the path of its file, or `own` for a `Recipe`."""
    if recipe is None:
        return next(iter(load_recipes(model)))
    return "own" if isinstance(recipe, Recipe) else str(recipe)


def read_recipe(file: Path, model: str) -> Recipe:
    """Reads a recipe file.

    Raises:
        BadRecipe: the file cannot be read, is for another model, or has unknown keys or wrong values.
    """
    content = _content(file)
    if (given := content.pop("model", model)) != model:
        raise BadRecipe(f"The recipe {file} is for the model {given}, and not for {model}.")
    default = load_recipe(model)
    # The targets are results of the first recipe with its own settings.
    recipe = replace(default, **{"targets": (), **checked(content, str(file))})
    if "dataset" in content and not recipe.dataset:
        raise BadRecipe(f"Expected dataset to be the name of a dataset in {file}. Received: an empty text.")
    return recipe


def _content(file: Path) -> dict[str, Any]:
    try:
        return read_toml(file)
    except ValueError as error:
        raise BadRecipe(f"Cannot read the recipe {file}: {error}.") from None


def sets(recipe: str, name: str) -> bool:
    """Returns whether a user's own recipe sets an attribute itself, and does not take it from the model's first recipe.

    Args:
        recipe: the recipe as `name_of` returns it. A `Recipe` sets all attributes, and a recipe of the gallery none.
        name: name of the attribute.

    Raises:
        BadRecipe: the recipe file cannot be read.
    """
    return name in _content(Path(recipe)) if is_file(recipe) else recipe == "own"


def checked(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Returns the values of attributes of `Recipe`, converted to the right types.

    Raises:
        BadRecipe: a name is unknown, or a value has the wrong type or is out of range. `where` is for the message.
    """
    settings = scalars()
    known = [*TEXTS, *settings, "augment", *TABLES]
    result: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            raise BadRecipe(f"{unknown_name('key', name, known)} In: {where}.")
        try:
            if name in settings:
                result[name] = settings[name].check(value)
            elif name == "augment":
                result[name] = augmentations(value)
            elif name == "targets":
                result[name] = tuple(each if isinstance(each, Target) else Target(**each) for each in value)
            elif name == "hyperparameters":
                result[name] = {key: tuple(each) if isinstance(each, list) else each for key, each in value.items()}
            else:
                result[name] = str(value)
        except (ValueError, TypeError, AttributeError) as error:
            problem = str(error) if isinstance(error, ValueError) else f"Wrong value of {name}: {shown(repr(value))}."
            raise BadRecipe(f"{problem} In: {where}.") from None
    return result


def scalars() -> dict[str, Hyperparameter]:
    """Returns the attributes of `Recipe` that are numbers, booleans or choices, with their ranges."""
    hints = typing.get_type_hints(Recipe, include_extras=True)
    others = {*TEXTS, "augment", *TABLES}
    return {
        each.name: hyperparameter_of(each.name, hints[each.name], each.default)
        for each in fields(Recipe)
        if each.name not in others
    }


def augmentations(value: Any) -> tuple[Any, ...]:
    """Returns the names of random changes of images, such as `("flip", "shift")`.

    Raises BadRecipe if a name is unknown or repeated.
    """
    names = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    known = typing.get_args(Augmentation)
    for name in names:
        if name not in known or names.count(name) > 1:
            raise BadRecipe(
                f"Expected augment to be some of {', '.join(known)}. Received: {shown(', '.join(map(str, names)))}."
            )
    return names


def check_recipe(model: str, recipe: Recipe) -> None:
    """Checks that the settings of a recipe fit the model and fit together. Does not import Keras.

    Raises:
        BadRecipe: they do not.
    """
    own = load_recipes(model).values()
    tasks = sorted({each.task for each in own})
    if recipe.task not in tasks:
        raise BadRecipe(f"Expected task to be {' or '.join(tasks)} for {model}. Received: {recipe.task}.")
    losses = {each.loss for each in own if each.task == recipe.task}
    losses |= {"squared_error", "binary_crossentropy"} if recipe.task in RECONSTRUCTING else set()
    if recipe.loss not in losses:
        raise BadRecipe(f"Expected loss to be {' or '.join(sorted(losses))} for {model}. Received: {recipe.loss}.")
    parameters = describe(model).parameters
    for name in recipe.hyperparameters:
        if name not in parameters:
            raise BadRecipe(unknown_name(f"hyperparameter of {model}", name, parameters))
    for name in IMAGE_CHANGES:
        if getattr(recipe, name) and recipe.task not in CHANGING:
            raise BadRecipe(f"The task {recipe.task} does not support {name}. It needs one of {', '.join(CHANGING)}.")
    if recipe.class_weights != "none" and recipe.task not in CLASSIFYING:
        raise BadRecipe(
            f"Class weights need the task {' or '.join(CLASSIFYING)}. The task of {model} is {recipe.task}."
        )
    if recipe.vectors != "" and recipe.task not in WITH_WORDS:
        raise BadRecipe(f"Vectors need the task {' or '.join(WITH_WORDS)}. The task of {model} is {recipe.task}.")
    if recipe.freeze_vectors and recipe.vectors == "":
        raise BadRecipe("There are no vectors to freeze. Name them with vectors, or leave out freeze_vectors.")


def recipe_toml(model: str, recipe: Recipe, heading: str = "") -> str:
    """Returns a recipe as the text of a recipe file, with a comment for each key.

    Args:
        model: name of the model.
        recipe: the recipe. Its targets are left out.
        heading: comment at the start of the file.
    """
    comments = _comments()
    lines = [f"# {line}" for line in heading.splitlines()] + [f"model = {json.dumps(model)}"]
    for name, value in asdict(recipe).items():
        if name not in TABLES:
            lines += ["", *(f"# {line}" for line in comments[name]), f"{name} = {_value(value)}"]
    lines += ["", *(f"# {line}" for line in comments["hyperparameters"]), "[hyperparameters]"]
    lines += [f"{name} = {_value(value)}" for name, value in recipe.hyperparameters.items()]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)  # texts, numbers, booleans and lists are as in TOML


def _comments() -> dict[str, list[str]]:
    """Returns the lines of the description of each attribute of `Recipe`, from its docstring."""
    comments: dict[str, list[str]] = {}
    for line in sections(Recipe.__doc__ or "")[""].partition("Attributes:\n")[2].splitlines():
        name, colon, text = line.strip().partition(": ")
        if line.startswith("    ") and not line.startswith("     "):
            comments[name.rstrip(":")] = [text] if text else []
            last = comments[name.rstrip(":")]
        else:
            last.append(line.strip().replace("`", ""))
    return {name: [each.replace("`", "") for each in lines] for name, lines in comments.items()}
