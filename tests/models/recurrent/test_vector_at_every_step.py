"""Compares `vector_to_sequence` with `feed="every_step"` with its formula in NumPy."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras_gallery.models import create
from keras_gallery.training.tasks.translation import write

from ..layer_checks import randomise, to_numpy
from . import cells

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((3, 8, 8, 1), np.float32)
PREVIOUS = RANDOM.integers(0, 9, (3, 5), np.int32)


def network(cell: str) -> keras.Model:
    model = create(
        "vector_to_sequence",
        image_shape=(8, 8, 1),
        output_tokens=9,
        filters=(4,),
        embedding_dim=6,
        units=5,
        cell=cell,
        feed="every_step",
    )
    randomise(model)
    return model


def by_formula(model: keras.Model, v: np.ndarray, previous: np.ndarray, cell: str) -> np.ndarray:
    """Returns softmax(U s_t + c), with s_0 = 0 and s_t = cell(s_{t−1}, D y_{t−1} + C v)."""
    decoder = model.get_layer("decoder")

    def of(name: str) -> Any:
        return cells.weights_of(decoder.get_layer(name))

    (rows,), (projection,), (u, c) = of("output_embedding"), of("vector_projection"), of("probabilities")
    s = cells.CELLS[cell](rows[previous] + (v @ projection)[:, None], *of("output_states"))
    p = np.exp(s @ u + c)
    return p / p.sum(-1, keepdims=True)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_output_equals_formula(cell: str) -> None:
    model = network(cell)
    *states, v = (to_numpy(each) for each in model.get_layer("encoder")(IMAGES))
    assert len(states) == {"lstm": 2, "gru": 1}[cell] and not np.any(states) and v.shape == (3, 5)
    assert np.abs(v[0] - v[1]).max() > 1e-3
    p = to_numpy(model({"image": IMAGES, "previous": PREVIOUS}))
    np.testing.assert_allclose(p, by_formula(model, v, PREVIOUS, cell), rtol=1e-4, atol=1e-6)
    other = to_numpy(model({"image": IMAGES[::-1], "previous": PREVIOUS}))
    assert (np.abs(p - other)[[0, 2]].max(axis=(0, 2)) > 1e-4).all(), "the image matters at each step"


def test_a_text_is_written_from_the_vector_at_each_step() -> None:
    model = network("gru")
    written = write(model, IMAGES, 4)
    v = to_numpy(model.get_layer("encoder")(IMAGES)[-1])
    for row, vector in zip(written, v, strict=True):
        previous = [2]
        for token in row:
            likeliest = int(by_formula(model, vector[None], np.array([previous]), "gru")[0, -1].argmax())
            assert token == (0 if likeliest == 3 else likeliest)
            if likeliest in (0, 3):
                break
            previous.append(likeliest)
