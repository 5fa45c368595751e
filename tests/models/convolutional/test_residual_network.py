"""Tests of `residual_network`: its blocks with and without skip connections, and the gradient at the first layer."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras_gallery.models import BadHyperparameter, create

from ..gradients import weight_gradient
from ..layer_checks import randomise, to_numpy

RANDOM = np.random.default_rng(0)
X = RANDOM.random((8, 8, 8, 1), dtype=np.float32)
LABELS = RANDOM.integers(10, size=8)


def small(**options: Any) -> keras.Model:
    return create("residual_network", **{"image_shape": (8, 8, 1), "filters": (4, 6), "blocks": 2, **options})


def part(model: keras.Model, first: str, last: str) -> keras.Model:
    """Returns the part of a model between the outputs of two layers."""
    return keras.Model(model.get_layer(first).output, model.get_layer(last).output)


def test_block_with_zero_weights_is_the_identity() -> None:
    model = small()
    randomise(model)
    for name in ("block_1_2_conv_2", "block_2_1_conv_2"):
        model.get_layer(name).kernel.assign(np.zeros(model.get_layer(name).kernel.shape))
    maps = RANDOM.normal(size=(2, 8, 8, 4)).astype(np.float32)
    np.testing.assert_array_equal(to_numpy(part(model, "block_1_1", "block_1_2")(maps)), maps)
    # If the block halves the maps, the skip connection averages each 2 × 2 window and adds channels of zeros.
    means = maps.reshape(2, 4, 2, 4, 2, 4).mean(axis=(2, 4))
    found = to_numpy(part(model, "block_1_2", "block_2_1")(maps))
    np.testing.assert_allclose(found, np.pad(means, ((0, 0), (0, 0), (0, 0), (0, 2))), atol=1e-6)


def test_skip_connection_adds_the_input() -> None:
    """The output is x + block(x) with skip connections, and block(x) without them."""
    model, twin = small(), small(skips=False)
    twin.set_weights(randomise(model))
    maps = RANDOM.normal(size=(2, 8, 8, 4)).astype(np.float32)
    added = to_numpy(part(model, "block_1_1", "block_1_2")(maps)) - maps
    found = to_numpy(part(twin, "block_1_1_conv_2", "block_1_2_conv_2")(maps))
    np.testing.assert_allclose(found, added, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("options", [{}, {"filters": (4, 4, 12), "blocks": 1}, {"normalization": False}])
def test_weights_are_the_same_with_and_without_skips(options: dict[str, Any]) -> None:
    twins = [small(skips=skips, **options) for skips in (True, False)]
    paths = [[weight.path for weight in twin.weights] for twin in twins]
    assert paths[0] == paths[1]
    assert twins[0].count_params() == twins[1].count_params()
    joined = [sum(isinstance(layer, keras.layers.Add) for layer in twin.layers) for twin in twins]
    assert joined[0] > 0 and joined[1] == 0


def gradient_norm(blocks: int, skips: bool) -> float:
    """Returns the gradient norm of the first layer before training."""
    keras.utils.set_random_seed(0)
    model = small(blocks=blocks, skips=skips, normalization=False)
    loss = keras.losses.SparseCategoricalCrossentropy()
    return float(np.linalg.norm(weight_gradient(model, lambda y_hat: loss(LABELS, y_hat), X, 0)))


def test_skips_carry_the_gradient_to_the_first_layer() -> None:
    shallow, deep = ([gradient_norm(blocks, skips) for skips in (True, False)] for blocks in (1, 6))
    assert deep[0] > 10 * deep[1]
    assert deep[0] > shallow[0] and deep[1] < shallow[1]


@pytest.mark.parametrize("skips", [True, False])
@pytest.mark.parametrize(("shape", "stem_stride"), [((9, 7, 3), 1), ((28, 28, 1), 2), ((1, 1, 1), 2)])
def test_any_image_size_is_allowed(shape: tuple[int, ...], stem_stride: int, skips: bool) -> None:
    model = small(image_shape=shape, stem_stride=stem_stride, skips=skips)
    stem = tuple(-(-side // stem_stride) for side in shape[:2])
    assert model.get_layer("stem").output.shape == (None, *stem, 4)
    last = model.get_layer("block_2_2" if skips else "block_2_2_conv_2")
    assert last.output.shape == (None, *(-(-side // 2) for side in stem), 6)
    assert np.isfinite(to_numpy(model(np.ones((2, *shape), np.float32)))).all()


def test_convolutions_have_biases_only_without_normalization() -> None:
    names = [{weight.name for weight in small(normalization=each).weights} for each in (True, False)]
    assert names[1] == {"kernel", "bias"}
    assert names[0] == {"kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance"}
    with_biases = [layer for layer in small().layers if isinstance(layer, keras.layers.Conv2D) and layer.use_bias]
    assert not with_biases


def test_embedding_is_the_mean_over_positions() -> None:
    model = small()
    randomise(model)
    maps = RANDOM.normal(size=(2, 4, 4, 6)).astype(np.float32)
    np.testing.assert_allclose(to_numpy(model.get_layer("embedding")(maps)), maps.mean(axis=(1, 2)), atol=1e-6)


def test_descending_filters_are_rejected() -> None:
    with pytest.raises(BadHyperparameter, match=r"Expected filters in ascending order. Received: \(8, 4\)"):
        small(filters=(8, 4))
