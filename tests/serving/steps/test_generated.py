"""Tests that the steps generate the same texts as the TensorFlow graph."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras_gallery.preparation.decoding import MAX_BEAM
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.signatures import Endpoint, endpoints
from keras_gallery.serving.steps.base import Graph, run_steps
from keras_gallery.serving.steps.generated import MAX_STEPS, Beams, Generated

from .. import text_models
from ..text_models import TEXTS
from .endpoint_steps import answers, assert_equal, steps_of


def with_end_bias(model: keras.Model, bias: float) -> keras.Model:
    """Makes padding and the start token unlikely, and sets the bias of the end token. Returns the model."""
    layer = model.get_layer("decoder").layers[-1]
    layer.bias.assign(np.array([-20, 0, -20, bias] + [0] * (layer.bias.shape[0] - 4)))
    return model


def in_graph(endpoint: Endpoint) -> Endpoint:
    """Returns the endpoint as a graph, as in an export. Loops are faster in a graph than in eager execution."""
    return dataclasses.replace(endpoint, function=tf.function(endpoint.function, input_signature=endpoint.inputs))


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
        rows = len(arrays["state"])
        p = np.zeros((rows, 6), np.float32)
        p[np.arange(rows), tokens[-rows:, step]] = p[:, 5] = 0.5  # of equal probabilities, the first one counts
        return {"probabilities": p, "state": arrays["state"] + 1}

    graphs = {"encoder": lambda arrays: {"state": arrays["x"]}, "decoder": decode}
    step = Generated("x", Graph("encoder"), Graph("decoder"), ("state",))
    got = step.run({"x": np.zeros(2)}, graphs)["generated"]
    np.testing.assert_array_equal(got, [[4, 0, 0], [5, 4, 0]])
    assert seen == [[[2], [2]], [[4], [5]], [[4]]]  # the last step is without the first text
    tokens = np.full((2, MAX_STEPS + 9), 4)
    assert step.run({"x": np.zeros(2)}, graphs)["generated"].shape == (2, MAX_STEPS)


# === Beam search ===


@pytest.mark.parametrize("cell", [keras.layers.GRU, keras.layers.LSTM])
@pytest.mark.parametrize("bias", [-20, 0.5, 2])
def test_translate_with_beam_search(cell: Any, bias: float) -> None:
    keras.utils.set_random_seed(1)
    model = with_end_bias(text_models.spelling(cell), bias)
    texts = np.array([b"abc", b"", b"Xyzzy", "é".encode(), b"\xff", b"encyclopaedia", b"q"], object)
    endpoint = in_graph(endpoints(model, texts=TEXTS["spelling"])["translate_beam"])
    steps = steps_of(endpoint)
    for beam in (1, 3, MAX_BEAM):
        want, got = answers(endpoint, steps, {"text": texts, "beam": np.int32(beam)})
        assert_equal(want, got)
        assert got["texts"].shape == got["scores"].shape == (7, beam)
        for first, each in (("text", "texts"), ("score", "scores")):
            np.testing.assert_array_equal(got[first], got[each][:, 0])
    if cell is keras.layers.GRU:  # TensorFlow refuses an empty batch for an LSTM
        assert_equal(*answers(endpoint, steps, {"text": texts[:0], "beam": np.int32(3)}))


def test_caption_with_beam_search() -> None:
    keras.utils.set_random_seed(4)
    endpoint = in_graph(endpoints(text_models.captions(), texts=TEXTS["captions"])["caption_beam"])
    images = np.random.default_rng(0).random((6, 8, 8, 1), np.float32)
    want, got = answers(endpoint, steps_of(endpoint), {"image": images, "beam": np.int32(5)})
    assert_equal(want, got)
    assert len(set(want["text"])) > 1


@pytest.mark.parametrize("beam", [-1, 0, MAX_BEAM + 1, (1 << 31) - 1])
def test_beams_out_of_range(beam: int) -> None:
    endpoint = endpoints(text_models.spelling(), texts=TEXTS["spelling"])["translate_beam"]
    inputs = {"text": np.array([b"abc"], object), "beam": np.int32(beam)}
    message = f"Expected a beam from 1 to 16. Received: {beam}"
    steps, graphs = steps_of(endpoint)
    with pytest.raises(InvalidArgument, match=f"^{message}$"):
        run_steps(steps, inputs, graphs)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        endpoint.function(*map(tf.constant, inputs.values()))


def test_too_many_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    """11 tokens × 3 texts × a beam of 4 are 132 candidates. The model does not run before they are refused."""
    for module in ("steps.generated", "signatures.text_generator"):
        monkeypatch.setattr(f"keras_gallery.serving.{module}.MAX_CANDIDATES", 131)
    endpoint = endpoints(text_models.spelling(), texts=TEXTS["spelling"])["translate_beam"]
    inputs = {"text": np.array([b"abc"] * 3, object), "beam": np.int32(4)}
    message = "Expected at most 16777216 candidates, number of inputs × beam × tokens. Received:"
    steps, graphs = steps_of(endpoint)
    for name in graphs:
        graphs[name] = None
    with pytest.raises(InvalidArgument, match=f"^{message} 3 × 4 × 11$"):
        run_steps(steps, inputs, graphs)
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        in_graph(endpoint).function(*map(tf.constant, inputs.values()))
    assert f"[{message} 3 × 4 × 11]" in str(caught.value)
    monkeypatch.setattr("keras_gallery.serving.steps.generated.MAX_CANDIDATES", 132)
    step = Beams("x", Graph("encoder"), Graph("decoder"), ("state",), 11)
    decode = {"encoder": lambda arrays: {"state": arrays["x"]}, "decoder": lambda arrays: _first_ends(arrays, 11)}
    assert step.run({"x": np.zeros(3), "beam": np.int32(4)}, decode)["scores"].shape == (3, 4)


def _first_ends(arrays: Any, tokens: int) -> Any:
    p = np.full((len(arrays["state"]), tokens), 0.1 / tokens, np.float32)
    p[:, 3] = 0.9
    return {"probabilities": p, "state": arrays["state"]}
