"""Tests of `--resume` after the process was killed in the middle of an epoch."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.training import Run
from keras_gallery.training.settings import TrainConfig
from keras_gallery.training.sources import pictures
from keras_gallery.training.sources.source import Source
from keras_gallery.training.tasks.reconstruction import Reconstruction
from keras_gallery.training.train import train
from PIL import Image

pytestmark = pytest.mark.usefixtures("few_images")

# Trains, and kills its own process in the middle of the third epoch. With XLA, Keras calls the callbacks of a step
# after 16 steps.
SCRIPT = """
import os, signal, sys
import keras
from keras_gallery.training import train as module
from keras_gallery.training.settings import TrainConfig
from keras_gallery.training.sources import pictures
from keras_gallery.training.sources.source import Source

class Kill(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == 2 and batch < self.params["steps"] - 1:
            os.kill(os.getpid(), signal.SIGKILL)

pictures.MOST_ARRAY_BYTES = 0
logs = module.log_callbacks
module.log_callbacks = lambda *arguments: [*logs(*arguments), Kill()]
settings = eval(sys.argv[1])
if "data" in settings:
    settings["source"] = Source(settings.pop("data"))
module.train(TrainConfig(**settings))
"""
SETTINGS: dict[str, Any] = {
    "model": "denoising_autoencoder",
    "hyperparameters": {"network": "dense", "code_dim": 4},
    "epochs": 4,
    "augment": ("flip",),
}


@pytest.mark.parametrize("kind", ["arrays", "stream"])
def test_a_killed_training_ends_with_the_weights_of_an_unbroken_one(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model adds noise, and the images are mirrored at random. `stream` decodes the pictures in each epoch."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(160):
        Image.fromarray(rng.integers(0, 256, (8, 8), np.uint8)).save(folder / f"{number}.png")
    given = {"arrays": {"dataset": "digits", "batch_size": 32}, "stream": {"data": str(folder), "batch_size": 4}}[kind]
    settings = SETTINGS | given | {"root": str(tmp_path / "killed")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, repr(settings)],
        capture_output=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert done.returncode == -signal.SIGKILL, done.stderr

    monkeypatch.setattr(pictures, "MOST_ARRAY_BYTES", 0)
    monkeypatch.setattr(Reconstruction, "draw", lambda *_: None)
    source = {"source": Source(settings.pop("data"))} if kind == "stream" else {}
    steps: list[str] = []
    resumed = train(TrainConfig(settings["model"], root=tmp_path / "killed", resume=True), steps.append)
    assert any(step in ("Resuming after 1 of 4 epochs", "Resuming after 2 of 4 epochs") for step in steps)
    unbroken = train(TrainConfig(**settings | source | {"root": str(tmp_path / "unbroken")}))
    assert resumed.history == unbroken.history and metrics(resumed) == metrics(unbroken)
    for first, second in zip(resumed.model.get_weights(), unbroken.model.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


def metrics(run: Run) -> dict[str, float]:
    """Returns the metrics of a run, except for the training time and the speed."""
    return {name: value for name, value in run.metrics.items() if name not in ("seconds", "images_per_second")}
