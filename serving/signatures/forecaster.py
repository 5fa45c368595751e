"""The endpoints of models that tell the next steps of a series."""

from __future__ import annotations

from typing import Any

import keras

from .base import Data, Endpoint, Tensors, embed
from .padded import padded


def forecaster(model: keras.Model, data: Data) -> dict[str, Endpoint]:
    """What gives the next steps (batch, horizon, features) of a history (batch, time, features)."""

    def forecast(x: Any) -> Tensors:
        return {"forecast": model(x, training=False)}

    found = {"serving_default": data.endpoint(forecast), "forecast": data.endpoint(forecast)} | embed(model, data)
    return found | padded(model, data, found, ("forecast", "embed"))
