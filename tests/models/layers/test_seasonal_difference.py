"""Compares the layer `SeasonalDifference` with NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from keras_gallery.models import BadHyperparameter
from keras_gallery.models.errors import GalleryError
from keras_gallery.models.layers.seasonal_difference import SeasonalDifference

from ..layer_checks import from_config, to_numpy

X = np.random.default_rng(0).normal(size=(3, 8, 2)).astype(np.float32)


@pytest.mark.parametrize("season", [1, 3, 7])
def test_values_of_last_season_are_subtracted(season: int) -> None:
    layer = SeasonalDifference(season)
    expected = np.stack([X[:, t] - X[:, t - season] for t in range(season, 8)], axis=1)
    np.testing.assert_array_equal(to_numpy(layer(X)), expected)
    assert layer.compute_output_shape((None, 8, 2)) == (None, *expected.shape[1:])
    assert layer.compute_output_shape((None, None, 2)) == (None, None, 2)
    assert not layer.weights


def test_a_season_of_1_equals_numpy_diff() -> None:
    np.testing.assert_array_equal(to_numpy(SeasonalDifference(1)(X)), np.diff(X, axis=1))


def test_a_linear_trend_with_a_season_becomes_constant() -> None:
    series = 2 * np.arange(12) + np.tile([5, 0, 1], 4)
    np.testing.assert_array_equal(to_numpy(SeasonalDifference(3)(series.reshape(1, 12, 1).astype(np.float32))), 2 * 3)


def test_difference_is_unmasked_if_both_steps_are_unmasked() -> None:
    mask = np.array([[True, True, True, True, True, False], [True, True, False, True, True, True]])
    found = to_numpy(SeasonalDifference(2).compute_mask(X[:2, :6], mask))
    np.testing.assert_array_equal(found, [[True, True, True, False], [False, True, False, True]])
    assert SeasonalDifference(2).compute_mask(X, None) is None


def test_layer_can_be_rebuilt_from_config() -> None:
    assert from_config(SeasonalDifference(11, name="difference")).get_config()["season"] == 11


def test_invalid_arguments_are_rejected() -> None:
    with pytest.raises(BadHyperparameter, match="^Expected season to be at least 1. Received: 0.$"):
        SeasonalDifference(0)
    with pytest.raises(GalleryError, match=r"Expected more than 8 steps \(the seasonal period\)\. Received: 8\."):
        SeasonalDifference(8)(X)
