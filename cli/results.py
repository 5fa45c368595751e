"""`gallery results`: trains what is asked and writes the table of results."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ..models.errors import BadHyperparameter
from ..serving.quiet import quiet_import

HELP = "train recipes, measure them beside PCA and other yardsticks, and write docs/results.md"


def configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    parser.add_argument(
        "recipes",
        nargs="*",
        metavar="MODEL[/RECIPE]",
        help="what to train, one recipe or all of a model's; nothing only writes the page from what is known",
    )
    parser.add_argument("--all", action="store_true", help="every recipe of every model: hours")
    parser.add_argument("--seeds", default="0", help="of the trainings, such as 0,1,2 (default: 0)")
    parser.add_argument("--docs", default="docs", help="folder of the page, its data and its pictures (default: docs)")
    parser.add_argument("--runs", default="runs", help="folder of all runs; finished ones are reused (default: runs)")


def run(values: argparse.Namespace) -> int:
    seeds = values.seeds.split(",")
    if not all(seed.isdecimal() for seed in seeds):
        raise BadHyperparameter(f"Expected --seeds to be numbers such as 0,1,2. Received: {values.seeds}.")
    with quiet_import():
        from ..training.results.measure import RecipeName, all_recipes, results

    recipes = all_recipes() if values.all else [each for text in values.recipes for each in RecipeName.parse(text)]
    page = results(recipes, [int(seed) for seed in seeds], values.docs, values.runs)
    print(f"Written: {page}")
    return 0
