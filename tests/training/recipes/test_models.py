"""Checks that the hyperparameters and the task of every recipe fit the recipe's model."""

from __future__ import annotations

import pytest
from keras_gallery.models import create, describe
from keras_gallery.training import load_recipe
from keras_gallery.training.fitting import OPTIMIZERS
from keras_gallery.training.tasks import TASKS

from .test_recipes import RECIPES


@pytest.mark.parametrize(("model", "name"), RECIPES)
def test_recipe_fits_its_model(model: str, name: str) -> None:
    recipe = load_recipe(model, name)
    assert recipe.task in TASKS and recipe.optimizer in OPTIMIZERS
    known = {each.name: each for each in describe(model).hyperparameters}
    for key, value in recipe.hyperparameters.items():
        assert known[key].check(value) == value
        assert value != known[key].default, "a recipe must not repeat a default"
    built = create(model, **recipe.hyperparameters)
    names = [layer.name for layer in built.layers]
    assert ("corruption" in names) == (recipe.task == "denoise")
    if describe(model).family == "autoencoders":
        assert (built.input_shape != built.output_shape) == (recipe.task == "colorize")
    last_layers = {
        "classify": "probabilities",
        "classify_text": "probabilities",
        "regress": "prediction",
        "regress_entities": "prediction",
        "segment": "pixel_probabilities",
        "forecast": "forecast",
        "tag": "tag_probabilities",
        "translate": "token_probabilities",
        "caption": "token_probabilities",
        "word_vectors": "scores",
    }
    if recipe.task in last_layers:
        assert names[-1] == last_layers[recipe.task]
