"""Tests of the callback `FullPass`. Every few steps, it sets ρ̂ to the mean activation over all training images."""

from __future__ import annotations

import keras
import numpy as np
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


def test_mean_activation_is_updated_every_few_steps() -> None:
    model = create("sparse_autoencoder", image_shape=(4, 4, 1), code_dim=3, estimate="full_pass")
    model.compile(keras.optimizers.SGD(0.05), "mean_squared_error")
    watch = Watch()
    model.fit(IMAGES, IMAGES, batch_size=10, epochs=2, callbacks=[watch, FullPass(IMAGES, steps=3)], verbose=0)
    for step, updated in enumerate([0, 0, 0, 3, 4, 4, 4, 7]):  # the updates are at steps 0 and 3 of each epoch
        np.testing.assert_allclose(watch.rho_hats[step], watch.means[updated], atol=1e-5)
    assert np.abs(watch.rho_hats[0] - watch.rho_hats[-1]).max() > 1e-4


def test_only_full_pass_models_use_the_callback() -> None:
    assert sparsity_of(create("sparse_autoencoder", image_shape=(4, 4, 1))) is None
    assert sparsity_of(create("dense_autoencoder", image_shape=(4, 4, 1), code_dim=2)) is None
