"""Training: datasets, recipes and runs. `train.train` trains a model of the gallery and saves it as a run.

The list below has the folders, the lowest folder first. A module may import only from its own folder and from lower
folders, which are nearer to the start of the list. `tests/test_layering.py` checks this rule.

    data        loads datasets by name; windows of series, tokens, batches
    datasets    one module for each dataset
    recipes     how each model is trained; `recipe.py` loads the recipes
    sources     reads a user's own data: tables, series, texts, arrays, pictures
    figures     computes the results of trained models and of baselines (a figure here is a number)
    pictures    draws arrays to PNG files
    tasks       batches, loss, results and pictures for each type of training
    results     trains and measures recipes, and writes the results page

The names in `__all__` are imported when they are first used, because `runs` imports Keras.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .data.dataset import Dataset, list_datasets, load
    from .recipe import Recipe, Target, load_recipe, load_recipes
    from .runs import Run, latest_run

__all__ = [
    "Dataset",
    "Recipe",
    "Run",
    "Target",
    "latest_run",
    "list_datasets",
    "load",
    "load_recipe",
    "load_recipes",
]

_MODULES = {
    "data.dataset": ("Dataset", "list_datasets", "load"),
    "recipe": ("Recipe", "Target", "load_recipe", "load_recipes"),
    "runs": ("Run", "latest_run"),
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(importlib.import_module(f".{module}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
