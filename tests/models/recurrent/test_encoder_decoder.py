"""Compares `encoder_decoder` with its formula in NumPy: the encoder, its mask, the decoder and teacher forcing."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops
from keras_gallery.models import BadHyperparameter, create

from ..layer_checks import randomise, to_numpy
from . import cells, text_generation

RANDOM = np.random.default_rng(0)
TEXTS = [RANDOM.integers(1, 8, length).astype(np.int32) for length in (5, 3, 1)]
PREVIOUS = np.array([[2, 5, 7, 4, 8], [2, 6, 3, 0, 0], [2, 3, 0, 0, 0]], np.int32)  # with padding after the end
every_cell = pytest.mark.parametrize("cell", cells.STEPS)


def network(cell: str = "lstm", **options: Any) -> keras.Model:
    model = create("encoder_decoder", tokens=8, output_tokens=9, embedding_dim=4, units=6, cell=cell, **options)
    randomise(model)
    return model


def padded(texts: list[np.ndarray], time: int = 7) -> np.ndarray:
    batch = np.zeros((len(texts), time), np.int32)
    for row, text in zip(batch, texts, strict=True):
        row[: len(text)] = text
    return batch


def encoded(model: keras.Model, cell: str, texts: list[np.ndarray]) -> list[np.ndarray]:
    """Returns the states v = (→h_T, ←h_1) (batch, units), for an LSTM also (→c_T, ←c_1), without padding."""
    encoder = model.get_layer("encoder")
    (rows,) = cells.weights_of(encoder.get_layer("embedding"))
    weights = cells.weights_of(encoder.get_layer("both_ways"))
    found = []
    for text in texts:
        directions = []
        for ids, one in ((text, weights[:3]), (text[::-1], weights[3:])):
            states = cells.zeros(cell, 1, one[1])
            for token in ids:
                states = cells.STEPS[cell][0](rows[token][None], states, *one)
            directions.append(states)
        found.append([np.concatenate(pair, axis=1)[0] for pair in zip(*directions, strict=True)])
    return [np.stack(each) for each in zip(*found, strict=True)]


@every_cell
def test_states_of_padded_texts_are_those_of_the_texts_alone(cell: str) -> None:
    model = network(cell)
    found = model.get_layer("encoder")(padded(TEXTS))
    found = found if isinstance(found, list) else [found]
    for got, want in zip(found, encoded(model, cell, TEXTS), strict=True):
        np.testing.assert_allclose(to_numpy(got), want, rtol=1e-4, atol=1e-6)


@every_cell
def test_probabilities_equal_the_formula(cell: str) -> None:
    model = network(cell)
    got = to_numpy(model({"text": padded(TEXTS), "previous": PREVIOUS}))
    want = text_generation.probabilities(model, cell, encoded(model, cell, TEXTS), PREVIOUS)
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-6)


@every_cell
def test_step_by_step_equals_the_whole_text(cell: str) -> None:
    """The decoder's final states are the initial states of its next call, as when it generates a text."""
    model = network(cell)
    states = model.get_layer("encoder")(padded(TEXTS))
    states = states if isinstance(states, list) else [states]
    steps = []
    for t in range(PREVIOUS.shape[1]):
        p, *states = model.get_layer("decoder")([*map(ops.convert_to_tensor, (PREVIOUS[:, t : t + 1], *states))])
        steps.append(to_numpy(p)[:, 0])
    whole = to_numpy(model({"text": padded(TEXTS), "previous": PREVIOUS}))
    np.testing.assert_allclose(np.stack(steps, axis=1), whole, rtol=1e-4, atol=1e-6)


def test_each_prediction_depends_on_the_tokens_before_it_only() -> None:
    model = network()
    changed = PREVIOUS.copy()
    changed[:, 2] += 1
    before, after = (to_numpy(model({"text": padded(TEXTS), "previous": ids})) for ids in (PREVIOUS, changed))
    np.testing.assert_array_equal(before[:, :2], after[:, :2])
    assert (np.abs(before - after)[:, 2:].max(axis=(1, 2)) > 1e-4).all()


def test_dropout_of_tokens_and_of_outputs_is_off_at_inference() -> None:
    model, plain = network(dropout=0.5), network()
    batch = {"text": padded(TEXTS), "previous": PREVIOUS}
    np.testing.assert_array_equal(to_numpy(model(batch)), to_numpy(plain(batch)))
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")
    states = encoder(padded(TEXTS))
    assert (to_numpy(encoder(padded(TEXTS), training=True)[0]) != to_numpy(states[0])).any()
    inputs = [ops.convert_to_tensor(PREVIOUS), *states]
    p, h, _ = decoder(inputs, training=True)
    np.testing.assert_array_equal(to_numpy(h), to_numpy(decoder(inputs)[1]))  # the states keep all values
    assert (to_numpy(p) != to_numpy(plain(batch))).any()


def test_an_odd_number_of_units_is_rejected() -> None:
    with pytest.raises(BadHyperparameter, match="Expected units to be even, .* Received: 5."):
        create("encoder_decoder", units=5)
