"""Endpoints of models that forecast the next steps of a series."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .base import Arrays, Data, Endpoint, Tensors, embed, graph_part, joined
from .padded import padded
from .stepwise import Stepwise, stepwise


def forecaster(model: keras.Model, data: Data) -> dict[str, Endpoint]:
    """Returns the endpoints of a model that predicts the next steps (batch, horizon, features).

    The model's input is the history (batch, time, features). A chain of layers with recurrent layers also has `step`.
    """

    def forecast(x: Any) -> Tensors:
        return {"forecast": model(x, training=False)}

    endpoints = {"serving_default": data.endpoint(forecast), "forecast": data.endpoint(forecast)} | embed(model, data)
    endpoints |= padded(model, data, endpoints, ("forecast", "embed"))
    if steps := stepwise(model):
        endpoints["step"] = _step_endpoint(steps, data)
    return endpoints


def _step_endpoint(steps: Stepwise, data: Data) -> Endpoint:
    """Returns `step`, from one step of a series (batch, features) and states to the forecast after this step."""

    def function(values: Any, *states: Any) -> Tensors:
        forecast, after = steps.step(values, *states)
        return {"forecast": forecast, **steps.named(after)}

    values = tf.TensorSpec((None, *data.shape[1:]), data.dtype, name="values")
    rng = np.random.default_rng(0)

    def example(batch: int) -> Arrays:
        return {"values": data.example(batch)[data.kind][:, 0], **steps.example(rng, batch)}

    inputs = [values, *steps.states]
    return joined([graph_part(function, *inputs)], inputs, example)
