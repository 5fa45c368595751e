"""Compares a model's normalisation with NumPy after `adapt`, after training, and after weights are set or loaded."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras_gallery.models import create
from keras_gallery.models.normalization import adapt, finalize

from .layer_checks import to_numpy

RANDOM = np.random.default_rng(0)
X = RANDOM.normal([5, -300, 0.01], [2, 40, 0.001], (50, 3)).astype(np.float32)
Y = RANDOM.normal([1000, -7], [100, 0.5], (50, 2)).astype(np.float32)


def regressor() -> keras.Model:
    return create("mlp_regressor", input_shape=(3,), outputs=2, hidden=(4,))


def adapted() -> keras.Model:
    model = regressor()
    adapt(model, X, Y)
    return model


def test_no_change_before_adapt() -> None:
    model = regressor()
    np.testing.assert_array_equal(to_numpy(model.get_layer("normalization")(X)), X)
    np.testing.assert_array_equal(to_numpy(model.get_layer("prediction")(Y)), Y)


def test_features_are_normalised_and_output_is_scaled() -> None:
    model = adapted()
    standard = (X - X.mean(axis=0)) / X.std(axis=0)
    np.testing.assert_allclose(to_numpy(model.get_layer("normalization")(X)), standard, atol=1e-3)
    inner = RANDOM.normal(size=(50, 2)).astype(np.float32)
    np.testing.assert_allclose(
        to_numpy(model.get_layer("prediction")(inner)), inner * Y.std(axis=0) + Y.mean(axis=0), rtol=1e-5
    )


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e6])
def test_constant_feature_is_only_shifted(constant: float) -> None:
    """Without our `adapt`, Keras would divide changes of the constant feature by 1e-7."""
    model = regressor()
    x = X.copy()
    x[:, 1] = constant
    adapt(model, x)
    normalized = to_numpy(model.get_layer("normalization")(x + np.float32([0, 1, 0])))
    np.testing.assert_allclose(normalized[:, 1], 1, atol=1e-6)


def test_images_are_normalised() -> None:
    model = create("thin_network", input_shape=(4, 4, 1))
    images, targets = RANDOM.random((9, 4, 4, 1)), RANDOM.random(9)  # the targets have no output axis
    adapt(model, images, targets)
    np.testing.assert_allclose(to_numpy(model.get_layer("normalization").mean)[0], images.mean(0).ravel(), rtol=1e-5)
    np.testing.assert_allclose(to_numpy(model.get_layer("prediction").mean), [[targets.mean()]], rtol=1e-5)


def test_statistics_include_every_time_step() -> None:
    model = create("gru", features=3, units=2, outputs=2)
    sequences = X.reshape(5, 10, 3)
    adapt(model, sequences, Y[:5])
    layer = model.get_layer("normalization")
    np.testing.assert_allclose(to_numpy(layer.mean).ravel(), X.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(to_numpy(layer.variance).ravel(), X.var(axis=0), rtol=1e-3)
    np.testing.assert_allclose(to_numpy(layer(sequences)).reshape(50, 3), (X - X.mean(0)) / X.std(0), atol=1e-3)
    np.testing.assert_allclose(to_numpy(model.get_layer("prediction").mean)[0], Y[:5].mean(axis=0), rtol=1e-5)


@pytest.mark.parametrize("season", [0, 4])
def test_forecaster_is_fitted_to_seasonal_differences(season: int) -> None:
    """The mean and the variance of the inputs also scale the output back."""
    model = create("deep_rnn", features=3, horizon=2, season=season, units=(2,))
    series = X.reshape(5, 10, 3)
    adapt(model, series)
    inputs = (series[:, season:] - series[:, :-season] if season else series).reshape(-1, 3)
    normalization, back = model.get_layer("normalization"), model.get_layer("denormalization")
    np.testing.assert_allclose(to_numpy(normalization.mean).ravel(), inputs.mean(axis=0), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(to_numpy(normalization.variance).ravel(), inputs.var(axis=0), rtol=1e-3)
    values = RANDOM.normal(size=(2, 7, 3)).astype(np.float32)
    np.testing.assert_allclose(to_numpy(back(normalization(values))), values, rtol=1e-4, atol=1e-4)


def test_model_without_normalization_is_unchanged() -> None:
    model = create("mlp_classifier", input_shape=(3, 1, 1), hidden=(4,))
    before = [np.array(weight) for weight in model.get_weights()]
    adapt(model, X.reshape(-1, 3, 1, 1), Y)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)


def test_finalize_applies_set_weights() -> None:
    model, expected = regressor(), adapted()
    model.set_weights(expected.get_weights())
    finalize(model)
    np.testing.assert_array_equal(to_numpy(model(X)), to_numpy(expected(X)))


@pytest.mark.parametrize("file", ["model.keras", "model.weights.h5"])
def test_normalization_is_saved(file: str, tmp_path: Path) -> None:
    model = adapted()
    if file.endswith(".keras"):
        model.save(tmp_path / file)
        loaded = keras.saving.load_model(tmp_path / file)
    else:
        model.save_weights(tmp_path / file)
        loaded = regressor()
        loaded.load_weights(tmp_path / file)
    np.testing.assert_array_equal(to_numpy(loaded(X)), to_numpy(model(X)))


def test_training_keeps_normalization() -> None:
    keras.utils.set_random_seed(0)
    model = adapted()
    mean = to_numpy(model.get_layer("prediction").mean).copy()
    targets = Y.mean(axis=0) + 50 * (X[:, :1] - 5)  # mostly in the hundreds or thousands
    model.compile(keras.optimizers.Adam(0.05), "mean_squared_error")
    model.fit(X, targets, epochs=30, verbose=0)
    np.testing.assert_array_equal(to_numpy(model.get_layer("prediction").mean), mean)
    assert np.abs(to_numpy(model(X))[:, 0] - targets[:, 0]).mean() < 0.5 * targets[:, 0].std()
