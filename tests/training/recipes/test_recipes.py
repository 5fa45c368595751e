"""Checks that every model has recipes, and that every recipe has a known dataset and valid values."""

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


def test_default_recipes_need_no_download() -> None:
    """The sentiment of film reviews is the exception: no reviews come with a package."""
    for model in set(list_models()) - {"sequence_to_vector"}:
        assert load_recipe(model).dataset not in ("mnist", "fashion_mnist", "cifar10", "reviews", "imdb")


def test_relative_distance_to_a_target() -> None:
    upper, lower = Target("mse", 0.5, "here"), Target("accuracy", 0.5, "here", at_least=True)
    assert (upper.missed_by(0.4), upper.missed_by(0.5), lower.missed_by(0.6)) == (0, 0, 0)
    assert upper.missed_by(0.75) == lower.missed_by(0.25) == 0.25


def test_unknown_recipe_error_suggests_the_closest() -> None:
    with pytest.raises(UnknownRecipe, match="Unknown recipe of dense_autoencoder: .*Did you mean mnist_5k_relu"):
        load_recipe("dense_autoencoder", "mnist_5k_rel")


def test_unknown_model_error_suggests_the_closest() -> None:
    with pytest.raises(UnknownModel, match="Unknown model: dense_autoencodr. Did you mean dense_autoencoder"):
        load_recipe("dense_autoencodr")
