"""Compares `entity_embedding` and its gradients with NumPy. A lookup equals a one-hot vector times a matrix."""

from __future__ import annotations

import numpy as np
import pytest
from keras_gallery.models import BadHyperparameter, create
from keras_gallery.models.losses import SquaredError
from keras_gallery.models.normalization import adapt

from ..gradients import weight_gradients
from ..layer_checks import randomise, to_numpy

RANDOM = np.random.default_rng(0)
SIZES = (5, 4)
IDS = RANDOM.integers(0, SIZES, (7, 2)).astype(np.int32)
Y = RANDOM.normal(20, 3, (7, 1)).astype(np.float32)
ONE_HOT = [np.eye(size, dtype=np.float32)[IDS[:, field]] for field, size in enumerate(SIZES)]


def test_lookup_and_output_equal_formulas() -> None:
    model = create("entity_embedding", categories=SIZES, dims=(3, 2), hidden=(6, 4))
    randomise(model)
    adapt(model, IDS, Y)
    first, second, w1, b1, w2, b2, w3, b3 = [np.array(weight) for weight in model.trainable_variables]
    assert (first.shape, second.shape) == ((5, 3), (4, 2))
    for field, table in enumerate((first, second), 1):
        found = to_numpy(model.get_layer(f"field_{field}")(IDS[:, field - 1]))
        np.testing.assert_array_equal(found, ONE_HOT[field - 1] @ table)
    h = np.concatenate([ONE_HOT[0] @ first, ONE_HOT[1] @ second], axis=1)
    for w, b in ((w1, b1), (w2, b2)):
        h = np.maximum(h @ w + b, 0)
    expected = Y.mean(0) + Y.std(0) * (h @ w3 + b3)
    np.testing.assert_allclose(to_numpy(model(IDS)), expected, rtol=1e-4)


def test_gradient_of_the_embedding() -> None:
    """The gradient of a row is the sum over the examples that use the row. The gradient of an unused row is 0."""
    model = create("entity_embedding", categories=SIZES, dims=(3, 2), hidden=(6,))
    randomise(model)
    first, second, w1, b1, w2, b2 = [np.array(weight) for weight in model.trainable_variables]
    h0 = np.concatenate([ONE_HOT[0] @ first, ONE_HOT[1] @ second], axis=1)
    a1 = h0 @ w1 + b1
    mean, variance = (np.array(weight) for weight in model.get_layer("prediction").weights[:2])
    y_hat = mean + np.sqrt(variance) * (np.maximum(a1, 0) @ w2 + b2)
    by_h0 = (2 * (y_hat - Y) / len(Y) * np.sqrt(variance)) @ w2.T * (a1 > 0) @ w1.T
    expected = [ONE_HOT[0].T @ by_h0[:, :3], ONE_HOT[1].T @ by_h0[:, 3:]]
    found = weight_gradients(model, lambda answer: SquaredError()(Y, answer), IDS)
    for by_autodiff, by_hand in zip(found, expected, strict=False):
        np.testing.assert_allclose(by_autodiff, by_hand, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("fields", [1, 3])
def test_any_number_of_fields(fields: int) -> None:
    model = create("entity_embedding", categories=(4,) * fields, dims=(2,) * fields, outputs=2)
    assert tuple(model(np.ones((3, fields), np.int32)).shape) == (3, 2)


def test_dims_need_a_number_for_each_field() -> None:
    with pytest.raises(BadHyperparameter, match=r"Expected dims to be 2 integers, one per field. Received: \(3,\)"):
        create("entity_embedding", categories=(4, 5), dims=(3,))
