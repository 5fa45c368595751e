"""Endpoints of models that forecast the next steps of a series."""

from __future__ import annotations

from typing import Any

import keras

from .base import Data, Endpoint, Tensors, embed
from .padded import padded


def forecaster(model: keras.Model, data: Data) -> dict[str, Endpoint]:
    """Returns the endpoints of a model that predicts the next steps (batch, horizon, features).

    The model's input is the history (batch, time, features).
    """

    def forecast(x: Any) -> Tensors:
        return {"forecast": model(x, training=False)}

    endpoints = {"serving_default": data.endpoint(forecast), "forecast": data.endpoint(forecast)} | embed(model, data)
    return endpoints | padded(model, data, endpoints, ("forecast", "embed"))
