"""The first and the last layers of a forecaster, which normalise the history and scale the forecast back."""

from typing import Annotated, Any

import keras
from keras import layers

from ..hyperparameters import Range
from ..layers.add_last_season import AddLastSeason
from ..layers.seasonal_difference import SeasonalDifference

Season = Annotated[int, Range(0, 65536)]


def normalized_history(features: int, season: int) -> tuple[Any, Any]:
    """Returns the input `history` `(batch, time, features)`, and the history normalised to mean 0 and variance 1.

    If `season` is not 0, the second value is the normalised seasonal differences `(batch, time − season, features)`.
    """
    history = x = keras.Input((None, features), name="history")
    if season:
        x = SeasonalDifference(season, name="seasonal_difference")(x)
    return history, layers.Normalization(name="normalization")(x)


def forecaster(history: Any, y: Any, season: int, name: str) -> keras.Model:
    """Returns the model from `history` to the forecast `(batch, horizon, features)` in the units of the series.

    `y` is the output of the network in normalised units, `(batch, horizon, features)`.
    """
    y = layers.Normalization(invert=True, name="denormalization")(y)
    y = AddLastSeason(season, name="forecast")(y, history) if season else layers.Identity(name="forecast")(y)
    return keras.Model(history, y, name=name)
