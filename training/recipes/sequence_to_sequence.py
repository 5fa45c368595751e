"""Forecasts sunspots and carbon dioxide, with and without removing the trend and the seasonality."""

from dataclasses import replace

from ..recipe import Recipe

_SUNSPOTS = Recipe(
    task="forecast",
    dataset="sunspots",
    loss="squared_error",
    learning_rate=3e-3,
    epochs=60,
    batch_size=32,
    clipnorm=1.0,
    xla=False,
)
_CO2 = replace(_SUNSPOTS, dataset="co2")

RECIPES = {
    "sunspots": _SUNSPOTS,
    "sunspots_seasonal": replace(_SUNSPOTS, hyperparameters={"season": 11}),
    "co2": _CO2,
    "co2_seasonal": replace(_CO2, hyperparameters={"season": 12}),
}
