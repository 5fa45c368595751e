"""Tests that the steps generate the same texts as the TensorFlow graph."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras_gallery.serving.signatures import endpoints
from keras_gallery.serving.steps.base import Graph
from keras_gallery.serving.steps.generated import MAX_STEPS, Generated

from .. import text_models
from ..text_models import TEXTS
from .endpoint_steps import answers, assert_equal, steps_of


def with_end_bias(model: keras.Model, bias: float) -> keras.Model:
    """Makes padding and the start token unlikely, and sets the bias of the end token. Returns the model."""
    layer = model.get_layer("decoder").layers[-1]
    layer.bias.assign(np.array([-20, 0, -20, bias] + [0] * (layer.bias.shape[0] - 4)))
    return model


@pytest.mark.parametrize("cell", [keras.layers.GRU, keras.layers.LSTM])
def test_translate(cell: Any) -> None:
    keras.utils.set_random_seed(1)
    model = text_models.spelling(cell)
    texts = np.array([b"abc", b"", b"Xyzzy", "é".encode(), b"\xff", b"encyclopaedia", b"q"], object)
    endpoint = endpoints(model, texts=TEXTS["spelling"])["translate"]
    for bias in (-20, 0.5, 20):
        with_end_bias(model, bias)
        steps = steps_of(endpoint)
        want, got = answers(endpoint, steps, {"text": texts})
        assert_equal(want, got)
        assert bias == 20 or len(set(want["text"])) > 1
    if cell is keras.layers.GRU:  # TensorFlow refuses an empty batch for an LSTM
        assert_equal(*answers(endpoint, steps, {"text": texts[:0]}))


def test_caption() -> None:
    keras.utils.set_random_seed(4)
    endpoint = endpoints(text_models.captions(), texts=TEXTS["captions"])["caption"]
    images = np.random.default_rng(0).random((6, 8, 8, 1), np.float32)
    want, got = answers(endpoint, steps_of(endpoint), {"image": images})
    assert_equal(want, got)
    assert len(set(want["text"])) > 1


def test_ends_of_texts_and_equal_probabilities() -> None:
    # The state is the number of steps before. The first text ends at step 2, the second one at step 3 with padding.
    tokens = np.array([[4, 3, 5, 5], [5, 4, 0, 5]])
    seen = []

    def decode(arrays: Any) -> Any:
        step = int(arrays["state"][0])
        seen.append(arrays["previous"].tolist())
        p = np.zeros((2, 6), np.float32)
        p[np.arange(2), tokens[:, step]] = p[:, 5] = 0.5  # of equal probabilities, the first one counts
        return {"probabilities": p, "state": arrays["state"] + 1}

    graphs = {"encoder": lambda arrays: {"state": arrays["x"]}, "decoder": decode}
    step = Generated("x", Graph("encoder"), Graph("decoder"), ("state",))
    got = step.run({"x": np.zeros(2)}, graphs)["generated"]
    np.testing.assert_array_equal(got, [[4, 0, 0], [5, 4, 0]])
    assert seen == [[[2], [2]], [[4], [5]], [[0], [4]]]
    tokens = np.full((2, MAX_STEPS + 9), 4)
    assert step.run({"x": np.zeros(2)}, graphs)["generated"].shape == (2, MAX_STEPS)
