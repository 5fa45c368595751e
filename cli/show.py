"""`gallery show NAME` describes an architecture, its hyperparameters and its recipes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ..models.registry import create, describe
from .command import Command
from .progress import loading, progress


def _configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    parser.add_argument("name", help="the architecture, see gallery list")


def _run(values: argparse.Namespace) -> int:
    info = describe(values.name)
    with loading():
        from ..training.recipe import load_recipes

        hyperparameters = info.hyperparameters
    print(f"{info.name} ({info.family})\n\n{info.summary}\n")
    for title, text in (("Formula", info.formula), ("Source", info.source)):
        print(f"{title}\n" + "\n".join(f"    {line}" for line in text.splitlines()) + "\n")
    print("Hyperparameters")
    for each in hyperparameters:
        default = each.format(each.default)
        print(f"    {option(each.name)} {default}    {each.help} ({each.expects})")
    print("\nRecipes")
    for name, recipe in load_recipes(info.name).items():
        given = "".join(f" {key}={value}" for key, value in recipe.hyperparameters.items())
        print(f"    --recipe {name}    {recipe.task}, {recipe.epochs} epochs of {recipe.dataset}{given}")
    print(flush=True)
    progress("Building the model")
    create(info.name).summary(expand_nested=True, line_length=80)
    return 0


def option(hyperparameter: str) -> str:
    """Returns the command-line option of a hyperparameter: `--model.code-dim` for `code_dim`."""
    return "--model." + hyperparameter.replace("_", "-")


COMMAND = Command(
    "show an architecture: formula, source, hyperparameters, recipes and layers",
    "Shows the formula, the source, the hyperparameters and the layers of an architecture, and its recipes (the "
    "settings for training on a dataset).",
    ["gallery show denoising_autoencoder"],
    _configure,
    _run,
)
