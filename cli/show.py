"""`gallery show NAME` describes an architecture and its recipes, or an exported or imported model."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ..models.errors import UnknownModel, unknown_name
from ..models.registry import create, describe, list_models
from ..serving.printable import printable
from . import saved
from .command import SAVED_MODELS, Command
from .figures import metric_lines
from .progress import loading, progress


def _configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    parser.add_argument("name", help="the architecture, or the exported or imported model, see gallery list")
    parser.add_argument(
        "--saved-models",
        default=SAVED_MODELS,
        help="folder of the exported and imported models (default: saved_models)",
    )
    parser.add_argument("--toml", action="store_true", help="print a recipe as a recipe file, to start your own from")
    parser.add_argument("--recipe", help="the recipe for --toml (default: the first one)")
    parser.add_argument("--runs", default="runs", help="folder of all runs (default: runs)")


def _run(values: argparse.Namespace) -> int:
    known = list_models()
    lines = saved.lines(values.saved_models, values.name)
    if lines and values.name not in known:
        print("\n".join(map(printable, lines)))
        return 0
    if values.name not in known:
        raise UnknownModel(unknown_name("model", values.name, [*known, *saved.names(values.saved_models)]))
    info = describe(values.name)
    if values.toml:
        from ..training.recipe_files import find_recipe, recipe_toml

        print(recipe_toml(info.name, find_recipe(info.name, values.recipe)), end="")
        return 0
    with loading():
        from ..training.recipe import load_recipe, load_recipes
        from ..training.sources.needs import needs

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
    print(f"\nYour own data\n    {needs(info.name, load_recipe(info.name))}")
    print("\n".join(map(printable, _newest_run(info.name, values.runs))))
    print("\n".join(map(printable, ("", *lines, *[""] * bool(lines)))), flush=True)
    progress("Building the model")
    create(info.name).summary(expand_nested=True, line_length=80)
    return 0


def _newest_run(name: str, runs: str) -> list[str]:
    """Returns the lines about the newest run of an architecture: the data and the metrics. Empty without a run."""
    from ..training.errors import UnknownRun
    from ..training.runs import latest_run

    try:
        run = latest_run(name, runs)
        lines = metric_lines(run)
    except UnknownRun:
        return []
    return ["", f"Newest run: {run.folder}, trained on {run.config['dataset']}", *(f"    {line}" for line in lines)]


def option(hyperparameter: str) -> str:
    """Returns the command-line option of a hyperparameter: `--model.code-dim` for `code_dim`."""
    return "--model." + hyperparameter.replace("_", "-")


COMMAND = Command(
    "show an architecture, or an exported or imported model",
    "Shows the formula, the source, the hyperparameters and the layers of an architecture, its recipes (the settings "
    "for training on a dataset), and the metrics of its newest run. For an exported or imported model, shows its "
    "origin, its signatures with their inputs and outputs, the threshold of its score, and its labels.",
    ["gallery show denoising_autoencoder", "gallery show mlp_classifier --recipe mnist_5k --toml"],
    _configure,
    _run,
)
