"""Trains models with datasets and recipes. `train` trains a model of the gallery and saves it as a run."""

from .data.dataset import Dataset, list_datasets, load
from .recipe import Recipe, Target, load_recipe, load_recipes
from .runs import Run, latest_run
from .train import TrainConfig, train

__all__ = [
    "Dataset",
    "Recipe",
    "Run",
    "Target",
    "TrainConfig",
    "latest_run",
    "list_datasets",
    "load",
    "load_recipe",
    "load_recipes",
    "train",
]
