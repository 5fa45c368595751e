"""Compares the layer `AddLastSeason` with NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from keras_gallery.models import BadHyperparameter
from keras_gallery.models.layers.add_last_season import AddLastSeason
from keras_gallery.models.layers.seasonal_difference import SeasonalDifference

from ..layer_checks import from_config, to_numpy

RANDOM = np.random.default_rng(0)
HISTORY = RANDOM.normal(size=(4, 9, 2)).astype(np.float32)
every_horizon = pytest.mark.parametrize("horizon", [1, 3, 5])


@every_horizon
def test_values_of_last_season_are_added(horizon: int) -> None:
    z = RANDOM.normal(size=(4, horizon, 2)).astype(np.float32)
    layer = AddLastSeason(5)
    expected = np.stack([z[:, k] + HISTORY[:, 9 + k - 5] for k in range(horizon)], axis=1)
    np.testing.assert_array_equal(to_numpy(layer(z, HISTORY)), expected)
    assert layer.compute_output_shape((None, horizon, 2), (None, None, 2)) == (None, horizon, 2)
    assert not layer.weights


@every_horizon
def test_season_ends_at_the_last_unmasked_step(horizon: int) -> None:
    z, lengths = RANDOM.normal(size=(4, horizon, 2)).astype(np.float32), np.array([9, 5, 7, 6])
    mask = np.arange(9) < lengths[:, None]
    found = to_numpy(AddLastSeason(5)(z, HISTORY, history_mask=mask))
    for each, change, series, length in zip(found, z, HISTORY, lengths, strict=True):
        np.testing.assert_array_equal(each, change + series[length - 5 : length - 5 + horizon])


def test_layer_inverts_seasonal_difference() -> None:
    changes = to_numpy(SeasonalDifference(3)(HISTORY))
    found = to_numpy(AddLastSeason(3)(changes[:, -3:], HISTORY[:, :-3]))
    np.testing.assert_allclose(found, HISTORY[:, -3:], rtol=1e-5, atol=1e-6)


def test_layer_can_be_rebuilt_from_config() -> None:
    assert from_config(AddLastSeason(11, name="forecast")).get_config()["season"] == 11


def test_season_shorter_than_horizon_is_rejected() -> None:
    with pytest.raises(BadHyperparameter, match=r"^Expected season to be at least the horizon \(6\)\. Received: 5\.$"):
        AddLastSeason(5)(np.zeros((4, 6, 2), np.float32), HISTORY)
