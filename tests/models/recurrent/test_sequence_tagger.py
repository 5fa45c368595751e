"""Compares `sequence_tagger` with its formula in NumPy: the tags, the loss, and backpropagation through time."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras_gallery.models import create

from ..gradients import weight_gradients
from ..layer_checks import randomise, to_numpy
from . import cells

TIME = 5
RANDOM = np.random.default_rng(0)
IDS = RANDOM.integers(1, 9, (4, TIME)).astype(np.int32)
TAGS = RANDOM.integers(0, 3, (4, TIME))
LENGTHS = np.array([5, 3, 1, 4])
IS_STEP = np.arange(TIME) < LENGTHS[:, None]  # without padding


def network(**options: Any) -> keras.Model:
    model = create("sequence_tagger", tokens=9, embedding_dim=4, units=3, tags=3, **options)
    randomise(model)
    return model


def softmax(a: np.ndarray) -> np.ndarray:
    return np.exp(a) / np.exp(a).sum(axis=-1, keepdims=True)


def by_formula(model: keras.Model, ids: np.ndarray, cell: str) -> np.ndarray:
    (rows,), weights = (cells.weights_of(model.get_layer(name)) for name in ("token_embedding", "states"))
    x = rows[ids]
    v = cells.CELLS[cell](x, *weights[:3])
    if len(weights) > 3:
        v = np.concatenate([v, cells.CELLS[cell](x[:, ::-1], *weights[3:])[:, ::-1]], axis=-1)
    w, b = cells.weights_of(model.get_layer("tag_probabilities"))
    return softmax(v @ w + b)


@pytest.mark.parametrize("cell", cells.CELLS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_output_of_each_step_equals_formula(cell: str, bidirectional: bool) -> None:
    model = network(cell=cell, bidirectional=bidirectional)
    got = to_numpy(model(IDS))
    assert got.shape == (4, TIME, 3)
    np.testing.assert_allclose(got, by_formula(model, IDS, cell), rtol=1e-4, atol=1e-6)
    padded = to_numpy(model(np.where(IS_STEP, IDS, 0)))
    for row, ids, length in zip(padded, IDS, LENGTHS, strict=True):
        np.testing.assert_allclose(row[:length], by_formula(model, ids[None, :length], cell)[0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_only_a_bidirectional_network_reads_later_steps(bidirectional: bool) -> None:
    model = network(bidirectional=bidirectional)
    changed = IDS.copy()
    changed[:, -1] = changed[:, -1] % 8 + 1
    change = np.abs(to_numpy(model(changed)) - to_numpy(model(IDS))).max(axis=(0, 2))
    assert (change[:-1] > 1e-4).all() == bidirectional and change[-1] > 1e-4
    assert bidirectional or (change[:-1] == 0).all()


def test_loss_is_the_mean_over_the_steps_without_padding() -> None:
    model = network()
    ids, tags = np.where(IS_STEP, IDS, 0), np.where(IS_STEP, TAGS, -1)
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(ignore_class=-1))
    p = by_formula(model, IDS, "gru")
    of_steps = -np.log(np.take_along_axis(p, TAGS[..., None], axis=-1)[..., 0])
    expected = of_steps[IS_STEP].sum() / LENGTHS.sum()
    assert float(model.evaluate(ids, tags, verbose=0)) == pytest.approx(expected, rel=1e-5)


def test_backpropagation_through_time() -> None:
    """L = Σ_t L_t. The gradient of L is the sum of the gradients of L_1 … L_T, and each of them is a sum over steps."""
    model = network(cell="simple_rnn")
    rows, w_x, w_h, b, w, c = [np.asarray(weight, np.float64) for weight in model.trainable_variables]
    x = rows[IDS]
    h = np.concatenate([np.zeros((4, 1, 3)), cells.simple_rnn(x, w_x, w_h, b)], axis=1)  # h_0, h_1, … h_T
    errors = softmax(h[:, 1:] @ w + c) - np.eye(3)[TAGS]  # ∂L_t/∂(W h_t + c), (batch, time, tags)

    def by_hand(steps: list[int]) -> list[np.ndarray]:
        """Returns the gradient of Σ L_t over these steps with respect to each weight."""
        by = [np.zeros_like(each) for each in (rows, w_x, w_h, b, w, c)]
        by_h = np.zeros((4, 3))
        for t in range(TIME, 0, -1):
            if t in steps:
                error = errors[:, t - 1]
                by_h = by_h + error @ w.T  # the loss of this step, and those of later steps through the state
                by[4] += h[:, t].T @ error
                by[5] += error.sum(0)
            by_a = by_h * (1 - h[:, t] ** 2)
            np.add.at(by[0], IDS[:, t - 1], by_a @ w_x.T)
            by[1] += x[:, t - 1].T @ by_a
            by[2] += h[:, t - 1].T @ by_a
            by[3] += by_a.sum(0)
            by_h = by_a @ w_h.T
        return by

    def by_autodiff(steps: list[int]) -> list[np.ndarray]:
        tags = np.where(np.isin(np.arange(1, TIME + 1), steps), TAGS, -1)
        loss = keras.losses.SparseCategoricalCrossentropy(ignore_class=-1, reduction="sum")
        return weight_gradients(model, lambda p: loss(tags, p), IDS)

    every = list(range(1, TIME + 1))
    whole = by_autodiff(every)
    for got, expected in zip(whole, by_hand(every), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-5)
    parts = [by_autodiff([t]) for t in every]
    for got, expected in zip(parts[2], by_hand([3]), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-5)
    for got, *terms in zip(whole, *parts, strict=True):
        np.testing.assert_allclose(got, np.sum(terms, axis=0), rtol=1e-3, atol=1e-5)
        assert all(np.abs(term).max() > 1e-3 for term in terms[1:])  # at the first step, the state before is 0


def test_dropout_is_off_at_inference() -> None:
    keras.utils.set_random_seed(0)
    model, plain = network(dropout=0.5), network()
    np.testing.assert_array_equal(to_numpy(model(IDS)), to_numpy(plain(IDS)))
    assert np.abs(to_numpy(model(IDS, training=True)) - to_numpy(plain(IDS))).max() > 1e-3
