"""The endpoints of models that predict numbers."""

from __future__ import annotations

from typing import Any

import keras

from ..core.checks import REGRESS
from ..core.predictions import OUTPUTS
from .base import Data, Endpoint, Tensors, embed
from .padded import padded


def regressor(model: keras.Model, data: Data) -> dict[str, Endpoint]:
    """What gives predictions (batch, k). Regress is for one number each: `regress_example` only where k = 1."""

    def regress(x: Any) -> Tensors:
        return {"prediction": model(x, training=False)}

    def one(x: Any) -> Tensors:
        return {OUTPUTS: model(x, training=False)}

    found = {"serving_default": data.endpoint(regress), "regress": data.endpoint(regress)}
    found |= embed(model, data)
    found |= data.over_files(found, ("regress", "embed"))
    found |= padded(model, data, found, ("regress", "embed"))
    if model.outputs[0].shape[1:] == (1,):
        found |= data.over_examples("regress_example", one, REGRESS)
    return found
