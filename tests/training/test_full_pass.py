"""Tests of the callback `FullPass`. It sets ρ̂ to the mean activation over all training images."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import keras
import numpy as np
import pytest
from keras_gallery.models import create
from keras_gallery.training.full_pass import FullPass, sparsity_of

IMAGES = np.random.default_rng(0).random((40, 4, 4, 1), np.float32)


class Watch(keras.callbacks.Callback):
    """Records the mean activation over all images before each training step, and ρ̂ after the step."""

    def __init__(self) -> None:
        super().__init__()
        self.rho_hats: list[np.ndarray] = []
        self.means: list[np.ndarray] = []

    def on_train_batch_begin(self, batch: int, logs: object = None) -> None:
        encoder = self.model.get_layer("encoder")
        hidden = keras.Model(encoder.input, encoder.get_layer("code").output)
        self.means.append(hidden.predict_on_batch(IMAGES).mean(axis=0))

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        self.rho_hats.append(np.array(sparsity_of(self.model).mean_activation))


EVERY_THREE_STEPS = [0, 0, 0, 3, 4, 4, 4, 7]  # the updates are at steps 0 and 3 of each epoch


@pytest.mark.parametrize(("estimate", "updates"), [("full_pass", EVERY_THREE_STEPS), ("full_pass_each_step", range(8))])
def test_steps_that_update_the_mean_activation(estimate: str, updates: Sequence[int]) -> None:
    """ρ̂ of a step is the mean activation with the weights of the step with the number in `updates`."""
    keras.utils.set_random_seed(0)
    model = create("sparse_autoencoder", image_shape=(4, 4, 1), code_dim=3, estimate=estimate)
    model.compile(keras.optimizers.SGD(0.05), "mean_squared_error")
    watch = Watch()
    model.fit(IMAGES, IMAGES, batch_size=10, epochs=2, callbacks=[watch, FullPass(IMAGES, steps=3)], verbose=0)
    for step, updated in enumerate(updates):
        np.testing.assert_allclose(watch.rho_hats[step], watch.means[updated], atol=1e-6)
    assert all(np.abs(before - after).max() > 2e-5 for before, after in pairwise(watch.means))


def test_only_full_pass_models_use_the_callback() -> None:
    assert sparsity_of(create("sparse_autoencoder", image_shape=(4, 4, 1))) is None
    assert sparsity_of(create("dense_autoencoder", image_shape=(4, 4, 1), code_dim=2)) is None
