"""Tests the signatures of sequence models, and that padding a sequence does not change the outputs."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras_gallery.serving.signatures import Endpoint, endpoints

from .. import text_models

FORECAST = {"forecast", "forecast_padded"}
MODELS = {
    "forecaster": (text_models.forecaster, "history", FORECAST),
    "forecaster with a seasonal period": (lambda: text_models.forecaster(season=4), "history", FORECAST),
    "forecaster with a long seasonal period": (lambda: text_models.forecaster(season=30), "history", FORECAST),
    "regressor": (text_models.sequence_regressor, "sequence", {"regress", "embed", "regress_padded", "embed_padded"}),
    "classifier": (
        text_models.sequence_classifier,
        "sequence",
        {"classify", "embed", "classify_padded", "embed_padded"},
    ),
    "classifier that drops masks": (
        lambda: text_models.sequence_classifier(convolution=True),
        "sequence",
        {"classify", "embed"},
    ),
}
every_model = pytest.mark.parametrize("case", MODELS)


def run(endpoint: Endpoint, *inputs: Any) -> dict[str, Any]:
    tensors = [tf.constant(value, spec.dtype) for value, spec in zip(inputs, endpoint.inputs, strict=True)]
    return {name: value.numpy() for name, value in endpoint.function(*tensors).items()}


def min_length(case: str) -> int:
    """Returns the length of the shortest sequence that the model accepts."""
    return 31 if "long" in case else 5 if "season" in case else 1


@every_model
def test_signatures(case: str) -> None:
    make, name, expected = MODELS[case]
    signatures = endpoints(make())
    assert set(signatures) == {"serving_default"} | expected and next(iter(signatures)) == "serving_default"
    for endpoint in signatures.values():
        assert endpoint.inputs[0].name == name
        assert endpoint.example(2)[name].shape[1] != endpoint.example(1)[name].shape[1], "the length is dynamic"
        inputs = endpoint.example(3)
        answers = run(endpoint, *(inputs[spec.name] for spec in endpoint.inputs))
        assert all(len(answer) == 3 for answer in answers.values())
        assert all(np.isfinite(answer).all() for answer in answers.values() if answer.dtype.kind == "f")


@every_model
def test_padded_sequences_give_the_same_outputs(case: str) -> None:
    keras.utils.set_random_seed(0)
    signatures = endpoints(MODELS[case][0]())
    rng = np.random.default_rng(0)
    time = 40
    lengths = [time, min_length(case), min_length(case) + 1, 35]
    x = rng.standard_normal((4, time, 2)).astype(np.float32)
    for row, length in zip(x, lengths, strict=True):
        row[length:] = 1e6
    for name in MODELS[case][2]:
        if name.endswith("_padded"):
            got = run(signatures[name], x, lengths)
            for at, length in enumerate(lengths):
                for key, (want,) in run(signatures[name.removesuffix("_padded")], x[at : at + 1, :length]).items():
                    if np.asarray(want).dtype.kind == "f":
                        np.testing.assert_allclose(got[key][at], want, rtol=1e-5, atol=1e-5)
                    else:
                        assert got[key][at] == want


@pytest.mark.parametrize("length", [-1, 0, 4, 7, 1 << 30])
def test_lengths_out_of_range(length: int) -> None:
    signatures = endpoints(text_models.forecaster(season=4))
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"Expected lengths from 5 to 6. Received: \[{length}\]"):
        run(signatures["forecast_padded"], np.zeros((2, 6, 2)), [6, length])
