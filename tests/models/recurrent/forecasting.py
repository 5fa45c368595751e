"""Checks that the tests of `deep_rnn` and of `sequence_to_sequence` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras_gallery.models import BadHyperparameter, create
from keras_gallery.models.normalization import adapt

from ..layer_checks import randomise, to_numpy
from . import cells

RANDOM = np.random.default_rng(0)
HISTORY = RANDOM.normal(50, 20, (6, 9, 2)).astype(np.float32)
Network = Callable[[keras.Model, np.ndarray], np.ndarray]  # from normalised steps (batch, time, 2) to (batch, 4, 2)


def forecaster(name: str, **options: Any) -> keras.Model:
    model = create(name, features=2, horizon=4, **options)
    randomise(model)
    adapt(model, HISTORY)
    return model


def check_the_formula(name: str, network: Network, **options: Any) -> None:
    """The formula is forecast = mean + std · network((history − mean) / std)."""
    model = forecaster(name, **options)
    mean, std = HISTORY.mean((0, 1), dtype=np.float64), HISTORY.std((0, 1), dtype=np.float64)
    expected = mean + std * network(model, (HISTORY - mean) / std)
    np.testing.assert_allclose(to_numpy(model(HISTORY)), expected, rtol=1e-4, atol=1e-3)
    assert model.layers[-1].name == "forecast" and model.output_shape == (None, 4, 2)


def check_the_season(name: str) -> None:
    """The forecast is a forecast of the seasonal differences by a plain model, plus the values of last season."""
    seasonal, plain = forecaster(name, season=5), forecaster(name)
    plain.set_weights(seasonal.get_weights())
    changes = HISTORY[:, 5:] - HISTORY[:, :-5]
    adapt(plain, changes)
    expected = to_numpy(plain(changes)) + HISTORY[:, -5:-1]
    np.testing.assert_allclose(to_numpy(seasonal(HISTORY)), expected, rtol=1e-4, atol=1e-3)
    mean = cells.weights_of(seasonal.get_layer("denormalization"))[0]
    np.testing.assert_allclose(mean, changes.mean((0, 1), dtype=np.float64), rtol=1e-4)


def check_trend_and_season(name: str) -> None:
    """The seasonal differences of a seasonal series with a linear trend are constant.

    A network that always returns 0, the normalised mean, therefore forecasts the series exactly.
    """
    t = np.arange(40)
    series = np.stack([0.5 * t + np.tile([3, -1, 7, 0, 2], 8), 9 - t + np.tile([0, 1, 0, 5, 5], 8)], axis=1)
    histories = np.stack([series[start : start + 12] for start in range(20)]).astype(np.float32)
    model = create(name, features=2, horizon=4, season=5)
    adapt(model, histories)
    model.get_layer("output").set_weights([0 * each for each in model.get_layer("output").get_weights()])
    expected = np.stack([series[start + 12 : start + 16] for start in range(20)])
    np.testing.assert_allclose(to_numpy(model(histories)), expected, atol=1e-4)


def check_invalid_arguments(name: str) -> None:
    with pytest.raises(
        BadHyperparameter, match=r"^Expected season to be at least the horizon \(12\)\. Received: 11\.$"
    ):
        create(name, horizon=12, season=11)
    with pytest.raises(BadHyperparameter, match=r"^Expected season to be an integer from 0 to 65536\. Received: -1\.$"):
        create(name, season=-1)
    with pytest.raises(ValueError, match=r"Expected more than 11 steps \(the seasonal period\)\. Received: 11\."):
        create(name, season=11)(np.zeros((1, 11, 1), np.float32))
