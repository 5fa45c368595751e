"""Trains models with datasets and recipes. `train.train` trains a model of the gallery and saves it as a run.

From the lowest folder to the highest: `data`, `datasets`, `recipes`, `figures`, `pictures`, `tasks`, `results`.
The names below are imported when they are first used, because `runs` imports Keras.
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
