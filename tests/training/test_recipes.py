"""Every registered model has a recipe, and every recipe can be carried out."""

from __future__ import annotations

from pathlib import Path

import pytest
from keras_gallery.models import create, list_models
from keras_gallery.models.errors import UnknownModel
from keras_gallery.training import list_datasets, load_recipe, recipes
from keras_gallery.training.train import LOSSES, OPTIMIZERS


def test_models_and_recipes_are_the_same() -> None:
    files = Path(str(recipes.__file__)).parent.glob("[!_]*.py")
    assert sorted(path.stem for path in files) == list_models()


@pytest.mark.parametrize("name", list_models())
def test_recipe(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.dataset in list_datasets()
    assert recipe.loss in LOSSES and recipe.optimizer in OPTIMIZERS
    assert recipe.learning_rate > 0 and recipe.epochs > 0 and recipe.batch_size > 0
    assert recipe.expected and recipe.seconds > 0
    assert recipe.command == f"gallery train {name}"
    corrupts = "corruption" in [layer.name for layer in create(name).layers]
    assert corrupts == (recipe.task == "denoise")


def test_unknown_model_suggests_the_nearest() -> None:
    with pytest.raises(UnknownModel, match="Received: dense_autoencodr. Did you mean dense_autoencoder"):
        load_recipe("dense_autoencodr")
