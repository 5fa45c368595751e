"""Tests of `pointwise_convnet`: 1 × 1 convolutions and depth pooling, which reduce the channels, and parameters."""

from __future__ import annotations

import numpy as np
import pytest
from keras_gallery.models import BadHyperparameter, create

from ..layer_checks import randomise, to_numpy

RANDOM = np.random.default_rng(0)


def test_a_pointwise_convolution_is_a_matrix_product_over_channels() -> None:
    model = create("pointwise_convnet")
    randomise(model)
    layer = model.get_layer("reduction_1")
    kernel, bias = [np.array(weight) for weight in layer.get_weights()]
    x = RANDOM.normal(size=(2, 5, 4, 32)).astype(np.float32)
    expected = np.maximum(x.reshape(40, 32) @ kernel.reshape(32, 8) + bias, 0).reshape(2, 5, 4, 8)
    assert (expected > 0).any() and (expected == 0).any()
    np.testing.assert_allclose(to_numpy(layer(x)), expected, rtol=1e-4, atol=1e-5)


def test_model_without_a_reduction_equals_convnet() -> None:
    model, convnet = create("pointwise_convnet", reduction="none"), create("convnet")
    convnet.set_weights(randomise(model))
    x = RANDOM.random((2, 28, 28, 1), dtype=np.float32)
    np.testing.assert_array_equal(to_numpy(model(x)), to_numpy(convnet(x)))


@pytest.mark.parametrize("reduction", ["pointwise", "depth_pooling"])
@pytest.mark.parametrize("factor", [2, 4])
def test_reduction_changes_only_channels(reduction: str, factor: int) -> None:
    model = create("pointwise_convnet", reduction=reduction, factor=factor)
    for index, (side, filters) in enumerate([(26, 32), (11, 64), (3, 64)], 1):
        assert model.get_layer(f"conv_{index}").output.shape == (None, side, side, filters)
        assert model.get_layer(f"reduction_{index}").output.shape == (None, side, side, filters // factor)
    assert model.get_layer("embedding").output.shape == (None, 64)


def test_parameter_counts() -> None:
    """The 1 × 1 convolutions have (32·8 + 8) + 2·(64·16 + 16) parameters. Depth pooling has none."""
    counts = [create("pointwise_convnet", reduction=each).count_params() for each in ("depth_pooling", "pointwise")]
    assert counts == [24_202, 24_202 + 264 + 2_080]
    assert 3 * counts[1] < create("convnet").count_params()


def test_factor_must_divide_the_channels() -> None:
    with pytest.raises(BadHyperparameter, match="Expected factor to divide 32, 64, 64. Received: 3"):
        create("pointwise_convnet", factor=3)
    create("pointwise_convnet", factor=3, reduction="none")
