"""Compares the stacked recurrent layers of `deep_rnn` with NumPy, and tests the hyperparameter `season`."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras_gallery.models import create

from . import cells, forecasting

NAME = "deep_rnn"


@pytest.mark.parametrize("cell", cells.CELLS)
def test_each_layer_reads_the_states_of_the_layer_below(cell: str) -> None:
    def network(model: keras.Model, x: np.ndarray) -> np.ndarray:
        for name in ("recurrent_1", "recurrent_2", "embedding"):
            x = cells.CELLS[cell](x, *cells.weights_of(model.get_layer(name)))
        w_y, b = cells.weights_of(model.get_layer("output"))
        return (x[:, -1] @ w_y + b).reshape(-1, 4, 2)  # one dense layer returns all 4 steps

    forecasting.check_the_formula(NAME, network, units=(5, 3, 4), cell=cell)


def test_each_number_of_units_adds_a_layer() -> None:
    model = create(NAME, units=(7,), cell="lstm")
    assert [layer.units for layer in model.layers if isinstance(layer, keras.layers.LSTM)] == [7]


def test_season_is_removed_and_added_back() -> None:
    forecasting.check_the_season(NAME)
    forecasting.check_trend_and_season(NAME)


def test_invalid_arguments_are_rejected() -> None:
    forecasting.check_invalid_arguments(NAME)
