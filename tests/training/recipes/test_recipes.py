"""Every model has recipes, and every recipe has a dataset and sensible values."""

from __future__ import annotations

from pathlib import Path

import pytest
from keras_gallery.models import list_models
from keras_gallery.models.errors import UnknownModel
from keras_gallery.training import Target, list_datasets, load_recipe, load_recipes
from keras_gallery.training.errors import UnknownRecipe


def test_every_model_has_recipes() -> None:
    files = (Path(__file__).parents[3] / "training" / "recipes").glob("[!_]*.py")
    assert sorted(path.stem for path in files) == list_models()


RECIPES = [(model, name) for model in list_models() for name in load_recipes(model)]


@pytest.mark.parametrize(("model", "name"), RECIPES)
def test_recipe(model: str, name: str) -> None:
    recipe = load_recipe(model, name)
    assert recipe.dataset in list_datasets()
    assert recipe.learning_rate > 0 and recipe.epochs > 0 and recipe.batch_size > 0
    assert 0 <= recipe.warmup < 1
    assert name.startswith(recipe.dataset)
    assert recipe.binarize == (recipe.task == "generate")


def test_the_first_recipe_is_the_default() -> None:
    assert load_recipe("dense_autoencoder") is load_recipes("dense_autoencoder")["mnist_5k"]


def test_every_first_recipe_needs_no_network() -> None:
    for model in list_models():
        assert load_recipe(model).dataset not in ("mnist", "fashion_mnist", "cifar10", "reviews", "imdb")


def test_missed_targets() -> None:
    less, more = Target("mse", 0.5, "here"), Target("accuracy", 0.5, "here", at_least=True)
    assert (less.missed_by(0.4), less.missed_by(0.5), more.missed_by(0.6)) == (0, 0, 0)
    assert less.missed_by(0.75) == more.missed_by(0.25) == 0.25


def test_unknown_recipe_suggests_the_nearest() -> None:
    with pytest.raises(UnknownRecipe, match="Unknown recipe of dense_autoencoder: .*Did you mean mnist_5k_relu"):
        load_recipe("dense_autoencoder", "mnist_5k_rel")


def test_unknown_model_suggests_the_nearest() -> None:
    with pytest.raises(UnknownModel, match="Unknown model: dense_autoencodr. Did you mean dense_autoencoder"):
        load_recipe("dense_autoencodr")
