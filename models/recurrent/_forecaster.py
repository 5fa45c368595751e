"""The two ends of a forecaster: from a series' own units to what the network sees, and back."""

from typing import Annotated, Any

import keras
from keras import layers

from ..hyperparameters import Range
from ..layers.add_last_season import AddLastSeason
from ..layers.seasonal_difference import SeasonalDifference

Season = Annotated[int, Range(0, 65536)]


def standard_history(features: int, season: int) -> tuple[Any, Any]:
    """The input `history` `(batch, time, features)`, and what the network sees of it: of mean 0 and variance 1.

    With a season, what is seen are the changes since the last one `(batch, time − season, features)`.
    """
    history = x = keras.Input((None, features), name="history")
    if season:
        x = SeasonalDifference(season, name="seasonal_difference")(x)
    return history, layers.Normalization(name="normalization")(x)


def forecaster(history: Any, y: Any, season: int, name: str) -> keras.Model:
    """The model of `history` to what its network tells, y `(batch, horizon, features)`, in the series' own units."""
    y = layers.Normalization(invert=True, name="denormalization")(y)
    y = AddLastSeason(season, name="forecast")(y, history) if season else layers.Identity(name="forecast")(y)
    return keras.Model(history, y, name=name)
