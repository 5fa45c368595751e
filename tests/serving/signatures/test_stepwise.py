"""Tests that calls for each step, with the states after the step before, equal one call for the whole sequence."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras_gallery.serving.signatures import endpoints

from ...models.layer_checks import randomise
from ...models.registered import small
from ..text_models import texts_of

TIME, BATCH = 6, 3
LENGTHS = np.array([6, 2, 4])
CELLS = ("simple_rnn", "lstm", "gru")


def signatures(model: keras.Model) -> dict[str, Any]:
    randomise(model)
    if model.name == "sequence_tagger":  # different tokens have different tags
        random = np.random.default_rng(1)
        for layer in (model.get_layer("token_embedding"), model.layers[-1]):
            layer.set_weights([random.normal(0, 3, each.shape) for each in layer.get_weights()])
    return endpoints(model, texts=texts_of(model))


def run(endpoint: Any, **inputs: Any) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in endpoint.function(*map(tf.constant, inputs.values())).items()}


def by_steps(endpoint: Any, steps: list[np.ndarray]) -> list[dict[str, np.ndarray]]:
    """Returns the answers to the steps of sequences that begin with states of 0."""
    first, *specs = endpoint.inputs
    states = {spec.name: np.zeros((len(steps[0]), spec.shape[1]), np.float32) for spec in specs}
    assert specs and all(spec.name.startswith("state_") for spec in specs)
    answers = []
    for each in steps:
        answers.append(run(endpoint, **{first.name: each}, **states))
        states = {name: answers[-1].pop(name) for name in states}
    return answers


@pytest.mark.parametrize("cell", CELLS)
def test_a_tagger_called_step_by_step(cell: str) -> None:
    found = signatures(small("sequence_tagger", cell=cell, dropout=0.3))
    ids = np.random.default_rng(0).integers(1, 6, (BATCH, TIME), np.int32)
    ids[np.arange(TIME) >= LENGTHS[:, None]] = 0
    want = run(found["tag"], ids=ids)
    got = by_steps(found["step"], list(ids.T))
    is_token = ids > 0
    for name in ("probabilities", "label", "score"):
        at_steps = np.stack([each[name] for each in got], axis=1)
        if name == "label":
            np.testing.assert_array_equal(at_steps, want[name])
        else:
            np.testing.assert_allclose(at_steps[is_token], want[name][is_token], atol=1e-6)
    assert (want["label"] == b"").tolist() == (~is_token).tolist()
    assert (want["score"][~is_token] == 0).all() and len(set(want["label"][is_token])) > 1
    assert np.abs(np.diff(want["probabilities"][0], axis=0)).max() > 1e-3


def test_texts_of_one_token() -> None:
    found = signatures(small("sequence_tagger"))
    texts = [["w1", "w3", "unknown", "w0"], ["w2", "w2", "w1", "w3"]]
    want = run(found["tag_text"], text=np.array([" ".join(each) for each in texts], object))
    got = by_steps(found["step_text"], [np.array(each, object) for each in zip(*texts, strict=True)])
    np.testing.assert_array_equal(np.stack([each["label"] for each in got], axis=1), want["label"])
    for at, each in enumerate(got):
        np.testing.assert_allclose(each["probabilities"], want["probabilities"][:, at], atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_a_forecast_after_each_step(cell: str) -> None:
    found = signatures(small("deep_rnn", cell=cell, features=2))
    history = np.random.default_rng(0).normal(size=(BATCH, TIME, 2)).astype(np.float32)
    got = by_steps(found["step"], list(history.swapaxes(0, 1)))
    for count, each in enumerate(got, 1):
        want = run(found["forecast"], history=history[:, :count])["forecast"]
        np.testing.assert_allclose(each["forecast"], want, rtol=1e-5, atol=1e-5)


def chain(*middle: Any) -> keras.Model:
    history = x = keras.Input((None, 2))
    for layer in middle:
        x = layer(x)
    return keras.Model(history, layers.Dense(2, name="forecast")(x))


def test_models_that_cannot_be_called_step_by_step() -> None:
    assert "step" not in endpoints(small("sequence_tagger", bidirectional=True))
    assert "step" not in endpoints(small("deep_rnn", season=3))
    assert "step" not in endpoints(small("sequence_to_sequence"))
    assert "step" in endpoints(chain(layers.GRU(3, return_sequences=True), layers.LSTM(3)))
    for middle in (
        [layers.GRU(3, go_backwards=True)],
        [layers.Conv1D(3, 2), layers.GRU(3)],
        [layers.Reshape((-1, 1)), layers.GRU(3)],
        [layers.GlobalAveragePooling1D()],
        [layers.Dense(3)],
    ):
        assert "step" not in endpoints(chain(*middle))
    history = keras.Input((None, 2))
    shared = layers.LSTM(3, return_sequences=True)(history)
    both = layers.Add()([layers.GRU(3)(shared), layers.GRU(3)(shared)])
    assert "step" not in endpoints(keras.Model(history, layers.Dense(2, name="forecast")(both)))
