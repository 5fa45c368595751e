"""Tests of the checks of training settings that need no Keras."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from keras_gallery.models.errors import GalleryError
from keras_gallery.training.errors import BadResume
from keras_gallery.training.recipe_files import read_recipe
from keras_gallery.training.settings import TrainConfig, check, recipe_values, settings_of
from keras_gallery.training.unfinished import Unfinished


def test_the_values_of_the_recipe() -> None:
    config, recipe = check(TrainConfig("denoising_autoencoder", epochs=3))
    assert (config.recipe, config.dataset, config.epochs) == ("mnist_5k", "mnist_5k", 3)
    assert (config.batch_size, config.learning_rate) == (recipe.batch_size, recipe.learning_rate)


def test_settings_that_override_the_recipe() -> None:
    config, recipe = check(TrainConfig("convnet", schedule="constant", patience=3, augment=("flip", "crop")))
    assert (recipe.schedule, recipe.patience, recipe.augment) == ("constant", 3, ("flip", "crop"))
    assert (config.class_weights, recipe.class_weights, config.seed) == ("none", "none", 0)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"model": "gruu"}, "Did you mean gru"),
        ({"recipe": "co"}, "Unknown recipe of gru: co"),
        ({"dataset": "mnits"}, "Did you mean mnist"),
        ({"epochs": 0}, "Expected epochs to be an integer of at least 1. Received: 0."),
        ({"batch_size": 1.5}, "Expected batch_size to be an integer of at least 1. Received: 1.5."),
        ({"learning_rate": 0}, "Expected learning_rate to be a number"),
        ({"seed": 1 << 32}, "Expected seed to be an integer from 0 to 4294967295"),
        ({"root": __file__}, "Cannot write runs to the folder"),
        ({"schedule": "step"}, "Expected schedule to be one of constant, cosine. Received: step."),
        ({"patience": -1}, "Expected patience to be an integer of at least 0"),
        ({"augment": ("flip",)}, "The task regress does not support augment. It needs one of reconstruct,"),
        ({"model": "convnet", "augment": ("flop",)}, "Expected augment to be some of flip, shift, rotate, crop"),
        (
            {"class_weights": "balanced"},
            "Class weights need the task classify or classify_text. .* regress.",
        ),
        ({"mixed_precision": "8"}, "Expected mixed_precision to be one of none, float16, bfloat16"),
        ({"csv_log": "."}, "Expected csv_log to be a file. Received the folder ."),
        ({"tensorboard": __file__}, "Cannot write the logs to the folder"),
        ({"resume": True, "root": "/nowhere"}, "There is no unfinished training of gru in /nowhere."),
    ],
)
def test_invalid_settings(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(GalleryError, match=message):
        check(TrainConfig(**{"model": "gru", **setting}))


def test_a_changed_recipe_file_of_a_resumed_training(tmp_path: Path) -> None:
    """More epochs are used. Any other change of the file is refused, and options of the first command are kept."""
    file, root = tmp_path / "mine.toml", tmp_path / "runs"
    before = "epochs = 3\npatience = 2\n[hyperparameters]\nhidden = [8]\n"
    file.write_text(before)
    config, recipe = check(TrainConfig("mlp_classifier", file, root=root, batch_size=7))
    saved = settings_of(config, recipe) | {"of_recipe": recipe_values(read_recipe(file, "mlp_classifier"))}
    training = Unfinished(root / "mlp_classifier", saved)
    training.write(lambda opened: opened.write(b"state"))
    training.release()

    resume = TrainConfig("mlp_classifier", file, root=root, resume=True)
    same = check(resume)[0]
    assert (same.epochs, same.batch_size, same.patience) == (3, 7, 2)
    file.write_text(before.replace("epochs = 3", "epochs = 5"))
    assert check(resume)[0].epochs == 5
    assert check(replace(resume, epochs=4))[0].epochs == 4
    assert check(replace(resume, recipe=None))[0].epochs == 3
    for old, new, message in (
        ("epochs = 3", "epochs = 2", "Expected epochs to be at least 3. Received: 2."),
        ("patience = 2", "patience = 4", "Expected patience of the recipe to be 2. Received: 4."),
        ("[8]", "[8, 4]", "Expected hyperparameters of the recipe to be hidden=\\[8\\]. Received: hidden=\\[8, 4\\]."),
        ("patience = 2", 'optimizer = "sgd"', "Expected optimizer to be adamw. Received: sgd."),
    ):
        file.write_text(before.replace(old, new))
        with pytest.raises(BadResume, match=f"Cannot resume the training in .*: {message}"):
            check(resume)


def test_the_check_creates_no_folder(tmp_path: Path) -> None:
    check(TrainConfig("gru", root=tmp_path / "runs"))
    assert not any(tmp_path.iterdir())


def test_keras_is_not_imported() -> None:
    code = (
        "import sys; from keras_gallery.training.settings import *; check(TrainConfig('gru')); "
        "print({'keras', 'tensorflow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
