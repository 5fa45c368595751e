"""`gallery results` trains recipes, measures them and writes the page of results."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ..models.errors import BadHyperparameter
from ..serving.printable import printable
from .command import Command
from .progress import loading


def _configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    parser.add_argument(
        "recipes",
        nargs="*",
        metavar="MODEL[/RECIPE]",
        help="a recipe, or a model for all its recipes (default: none; writes the page from the stored results)",
    )
    parser.add_argument("--all", action="store_true", help="train every recipe of every model (takes hours)")
    parser.add_argument("--seeds", default="0", help="seeds of the training runs, such as 0,1,2 (default: 0)")
    parser.add_argument(
        "--check",
        action="store_true",
        help="train each recipe again with its first seed, and compare its metrics with the stored results. Nothing is "
        "written. The exit status is 1 if a metric is outside of the interval that the stored seeds predict.",
    )
    parser.add_argument("--docs", default="docs", help="folder of the page, its data and its images (default: docs)")
    parser.add_argument("--runs", default="runs", help="folder of all runs; finished runs are reused (default: runs)")


def _run(values: argparse.Namespace) -> int:
    seeds = values.seeds.split(",")
    if not all(seed.isdecimal() for seed in seeds):
        raise BadHyperparameter(f"Expected --seeds to be numbers such as 0,1,2. Received: {values.seeds}.")
    with loading():
        from ..training.results.check import check
        from ..training.results.measure import RecipeName, all_recipes, results

    recipes = all_recipes() if values.all else [each for text in values.recipes for each in RecipeName.parse(text)]
    if values.check:
        return int(bool(check(recipes, values.docs, report=lambda line: print(printable(line), flush=True))))
    page = results(recipes, [int(seed) for seed in seeds], values.docs, values.runs)
    print(printable(f"Written: {page}"))
    return 0


COMMAND = Command(
    "train recipes, measure them and write docs/results.md",
    "Trains recipes, compares the models with PCA and other baselines, and writes docs/results.md with its data and "
    "images. The results of earlier calls stay on the page.",
    [
        "gallery results denoising_autoencoder/mnist_5k",
        "gallery results mlp_classifier --seeds 0,1,2",
        "gallery results mlp_regressor/ratings --check",
    ],
    _configure,
    _run,
)
