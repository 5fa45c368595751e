"""Endpoints of regressors."""

from __future__ import annotations

from typing import Any

import keras

from ..core.checks import REGRESS
from ..core.predictions import OUTPUTS
from .base import Data, Endpoint, Tensors, embed
from .image_files import image_file_endpoints
from .padded import padded
from .rows import row_endpoints


def regressor(model: keras.Model, data: Data) -> dict[str, Endpoint]:
    """Returns the endpoints of a model that outputs predictions (batch, k).

    In TensorFlow Serving, a Regress request returns one number per example, so `regress_example` exists only if k = 1.
    """

    def regress(x: Any) -> Tensors:
        return {"prediction": model(x, training=False)}

    def one(x: Any) -> Tensors:
        return {OUTPUTS: model(x, training=False)}

    endpoints = {"serving_default": data.endpoint(regress), "regress": data.endpoint(regress)}
    endpoints |= embed(model, data)
    endpoints |= image_file_endpoints(data, endpoints, ("regress", "embed"))
    endpoints |= row_endpoints(data, endpoints, ("regress", "embed"))
    endpoints |= padded(model, data, endpoints, ("regress", "embed"))
    if model.outputs[0].shape[1:] == (1,):
        endpoints |= data.example_endpoint("regress_example", one, method=REGRESS)
    return endpoints
