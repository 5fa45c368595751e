"""Compares the chain rule for `thin_network`, calculated factor by factor, with automatic differentiation."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
from keras_gallery.models import create
from keras_gallery.models.losses import SquaredError
from keras_gallery.models.normalization import adapt

from ..gradients import weight_gradients
from ..layer_checks import to_numpy

X = np.array([[2.5]], np.float32)
Y = np.array([[4.0]], np.float32)
DATA_X, DATA_Y = np.array([[1.0], [2.0], [3.0]]), np.array([[0.0], [5.0], [7.0]])

# The activation g(a), and its derivative g' as a function of h = g(a).
ACTIVATIONS: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "sigmoid": (lambda a: 1 / (1 + np.exp(-a)), lambda h: h * (1 - h)),
    "tanh": (np.tanh, lambda h: 1 - h * h),
    "relu": (lambda a: max(a, 0.0), lambda h: float(h > 0)),
    "linear": (lambda a: a, lambda h: 1.0),
}


def network(depth: int, activation: str) -> keras.Model:
    model = create("thin_network", input_shape=(1,), depth=depth, activation=activation)
    adapt(model, DATA_X, DATA_Y)
    return model


def gradients_of(model: keras.Model) -> list[float]:
    """Returns the gradients with respect to w₁, b₁, w₂, b₂, …, w_L, b_L."""
    found = weight_gradients(model, lambda y_hat: SquaredError()(Y, y_hat), X)
    return [float(each.ravel()[0]) for each in found]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("depth", [1, 4])
def test_derivative_is_a_product_of_one_factor_per_layer(depth: int, activation: str) -> None:
    model = network(depth, activation)
    for index, weight in enumerate(model.trainable_variables):  # positive, so that all ReLUs are active
        weight.assign(np.full(weight.shape, 0.4 + 0.1 * index, np.float32))
    g, slope = ACTIVATIONS[activation]
    values = [float(to_numpy(weight).ravel()[0]) for weight in model.trainable_variables]
    w, b = values[::2], values[1::2]

    h = [float((X[0, 0] - DATA_X.mean()) / DATA_X.std())]  # h₀, h₁, … h_{L−1}
    for weight_, bias in zip(w[:-1], b[:-1], strict=True):
        h.append(g(weight_ * h[-1] + bias))
    y_hat = DATA_Y.mean() + DATA_Y.std() * (w[-1] * h[-1] + b[-1])
    np.testing.assert_allclose(to_numpy(model(X)), [[y_hat]], rtol=1e-5)

    factor = 2 * (y_hat - Y[0, 0]) * DATA_Y.std()  # ∂L/∂ŷ · ∂ŷ/∂a_L
    expected = [factor * h[-1], factor]
    for layer in range(depth - 1, -1, -1):
        factor *= w[layer + 1] * slope(h[layer + 1])  # ∂a_{l+1}/∂h_l · ∂h_l/∂a_l
        expected = [factor * h[layer], factor, *expected]
    np.testing.assert_allclose(gradients_of(model), expected, rtol=1e-4)


def first_gradient(depth: int, activation: str) -> float:
    """Returns |∂L/∂w₁| if every weight is 1 and every bias is 0."""
    model = network(depth, activation)
    for weight in model.trainable_variables:
        weight.assign(np.full(weight.shape, float(len(weight.shape) == 2), np.float32))
    return abs(gradients_of(model)[0])


def test_gradient_shrinks_with_depth_for_sigmoid() -> None:
    """Each sigmoid unit with weight 1 adds a factor σ' ≤ 1/4. A linear unit with weight 1 adds a factor of 1."""
    found = [first_gradient(depth, "sigmoid") for depth in (1, 2, 3, 4, 5)]
    for shallow, deep in zip(found, found[1:], strict=False):
        assert 0 < deep < 0.3 * shallow  # 1/4 with a tolerance, because the output also depends on the depth
    linear = [first_gradient(depth, "linear") for depth in (1, 5)]
    assert linear[0] == pytest.approx(linear[1], rel=1e-4)


def test_layers_have_one_unit() -> None:
    model = create("thin_network", input_shape=(3, 3, 1), depth=4)
    units = [layer.units for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    assert units == [1] * 5
    assert [model.get_layer(f"unit_{index}").output.shape for index in (1, 2, 3, 4)] == [(None, 1)] * 4
    assert model.output_shape == (None, 1)
