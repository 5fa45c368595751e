"""Tests of the checks of training settings that need no Keras."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from keras_gallery.models.errors import GalleryError
from keras_gallery.training.settings import TrainConfig, check


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
