"""Tests of recipe files. They need no Keras."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from keras_gallery.models import list_models
from keras_gallery.training import load_recipes
from keras_gallery.training.errors import BadRecipe
from keras_gallery.training.recipe_files import check_recipe, find_recipe, name_of, recipe_toml
from keras_gallery.training.settings import TrainConfig, check


def test_every_recipe_can_be_written_and_read(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    for model in list_models():
        for recipe in load_recipes(model).values():
            file.write_text(recipe_toml(model, recipe, "First\nSecond"), encoding="utf-8")
            assert find_recipe(model, file) == replace(recipe, targets=())
            check_recipe(model, recipe)
    text = file.read_text("utf-8")
    assert text.startswith('# First\n# Second\nmodel = "')
    assert "# number of passes over the training examples.\nepochs = " in text


def test_keys_that_are_left_out_have_the_values_of_the_first_recipe(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("epochs = 3\naugment = ['flip']\n[hyperparameters]\nhidden = [32]\n")
    first = next(iter(load_recipes("mlp_classifier").values()))
    expected = replace(first, epochs=3, augment=("flip",), hyperparameters={"hidden": (32,)}, targets=())
    assert find_recipe("mlp_classifier", str(file)) == expected
    config, recipe = check(TrainConfig("mlp_classifier", file, root=tmp_path))
    assert (config.epochs, config.recipe, recipe) == (3, str(file), expected)
    assert check(TrainConfig("mlp_classifier", expected, root=tmp_path))[1] == expected
    assert name_of("mlp_classifier", expected) == "own"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch = 3", "Unknown key: epoch. Did you mean epochs?.* In: .*mine.toml."),
        ("epochs = 0", "Expected epochs to be an integer of at least 1. Received: 0. In: .*mine.toml."),
        ("epochs = 1.5", "Expected epochs to be an integer"),
        ("xla = 1", "Expected xla to be true or false"),
        ("loss = 'mse'", "Expected loss to be one of squared_error, binary_crossentropy, crossentropy"),
        ("loss = 'squared_error'", "Expected loss to be crossentropy for mlp_classifier. Received: squared_error."),
        ("task = 'denoise'", "Expected task to be classify for mlp_classifier. Received: denoise."),
        ("augment = 'flip,flop'", "Expected augment to be some of flip, shift, rotate, crop. Received: flip,flop."),
        ("augment = ['flip', 'flip']", "Received: flip, flip."),
        ("hyperparameters = 3", "Wrong value of hyperparameters: 3."),
        ("[hyperparameters]\nhiden = [3]", "Unknown hyperparameter of mlp_classifier: hiden. Did you mean hidden?"),
        ("targets = [3]", "Wrong value of targets"),
        ("model = 'gru'", "The recipe .*mine.toml is for the model gru, and not for mlp_classifier."),
        ("[x", "Cannot read the recipe .*mine.toml: Expected"),
        ("\xff", "Cannot read the recipe .*mine.toml: 'utf-8' codec"),
        ("x = " + "[" * 5_000, "Cannot read the recipe .*mine.toml: maximum recursion depth"),
        ("epochs = " + "9" * 5_000, "Cannot read the recipe .*mine.toml: Exceeds the limit"),
        (
            "[hyperparameters]\nhidden = [0x" + "f" * 5_000 + "]",
            "Cannot read the recipe .*mine.toml: Exceeds the limit",
        ),
        ("# " + "x" * (1 << 14), "Cannot read the recipe .*mine.toml: it has more than 16 KiB."),
        ("task = '" + "x" * 1_000 + "'", "Received: x{200}…. In"),
        ("targets = ['" + "x" * 1_000 + "']", "Wrong value of targets: .{200}…. In"),
    ],
)
def test_wrong_recipe_files(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text, encoding="latin-1")
    with pytest.raises(BadRecipe, match=message) as caught:
        check(TrainConfig("mlp_classifier", file, root=tmp_path))
    assert "\n" not in str(caught.value)


def test_pipes_and_devices_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "device.toml").symlink_to("/dev/zero")
    for name in ("pipe", "device"):
        with pytest.raises(BadRecipe, match=f"{name}.toml: it is not a regular file."):
            find_recipe("gru", tmp_path / f"{name}.toml")


def test_missing_recipe_file(tmp_path: Path) -> None:
    with pytest.raises(BadRecipe, match="Cannot read the recipe .*mine.toml: No such file or directory."):
        find_recipe("gru", tmp_path / "mine.toml")
