"""Compares both recurrent layers of `sequence_to_sequence` with NumPy, and tests the hyperparameter `season`."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras_gallery.models import create

from . import cells, forecasting

NAME = "sequence_to_sequence"


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_second_layer_reads_the_last_state_at_every_step(cell: str) -> None:
    def network(model: keras.Model, x: np.ndarray) -> np.ndarray:
        h = cells.CELLS[cell](x, *cells.weights_of(model.get_layer("embedding")))[:, -1:]  # (batch, 1, units)
        s = cells.CELLS[cell](np.repeat(h, 4, axis=1), *cells.weights_of(model.get_layer("writer")))
        w_y, b = cells.weights_of(model.get_layer("output"))
        return s @ w_y + b

    forecasting.check_the_formula(NAME, network, units=5, cell=cell)


def test_parameter_count_does_not_depend_on_the_horizon() -> None:
    assert create(NAME, horizon=3).count_params() == create(NAME, horizon=30).count_params()


def test_season_is_removed_and_added_back() -> None:
    forecasting.check_the_season(NAME)
    forecasting.check_trend_and_season(NAME)


def test_invalid_arguments_are_rejected() -> None:
    forecasting.check_invalid_arguments(NAME)
