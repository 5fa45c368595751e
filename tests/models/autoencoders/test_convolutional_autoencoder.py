"""Compares the convolutions of `convolutional_autoencoder` with loops in NumPy, and checks its shapes."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras_gallery.models import create

from ..layer_checks import randomise, to_numpy

RANDOM = np.random.default_rng(0)


def small(shape: tuple[int, ...], **options: Any) -> keras.Model:
    return create("convolutional_autoencoder", **{"image_shape": shape, "filters": (3,), "code_dim": 2, **options})


def convolved(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Convolves an image with stride 2. Each axis is padded with one zero at its end; an odd axis also at its start."""
    height, width, _ = x.shape
    padded = np.pad(x, ((height % 2, 1), (width % 2, 1), (0, 0)))
    maps = np.zeros((-(-height // 2), -(-width // 2), kernel.shape[-1]))
    for m, n, k in np.ndindex(*maps.shape):
        maps[m, n, k] = (padded[2 * m : 2 * m + 3, 2 * n : 2 * n + 3] * kernel[..., k]).sum()
    return maps


@pytest.mark.parametrize("shape", [(4, 4, 1), (5, 7, 2), (6, 3, 1)])
def test_a_strided_convolution(shape: tuple[int, ...]) -> None:
    """The formula is maps = max(0, K * x + b), with stride 2."""
    encoder = small(shape, code="maps").get_layer("encoder")
    kernel, bias = randomise(encoder)
    x = RANDOM.normal(size=shape).astype(np.float32)
    expected = np.maximum(convolved(x, kernel) + bias, 0)
    assert (expected > 0).any() and (expected == 0).any()
    np.testing.assert_allclose(to_numpy(encoder(x[None]))[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(4, 4, 1), (5, 7, 2), (6, 3, 1)])
def test_decoder_is_transpose_of_convolution(shape: tuple[int, ...]) -> None:
    """The decoder computes Kᵀ * y, the transpose of the strided convolution K: ⟨K * x, y⟩ = ⟨x, Kᵀ * y⟩ for each x."""
    decoder = small(shape, code="maps", output_activation="linear").get_layer("decoder")
    kernel, bias = randomise(decoder)  # (3, 3, channels, 3), like the kernel of a convolution of the image
    y = RANDOM.normal(size=(1, *decoder.input_shape[1:])).astype(np.float32)
    back = to_numpy(decoder(y))[0] - bias
    for _ in range(3):
        x = RANDOM.normal(size=shape)
        assert (convolved(x, kernel) * y[0]).sum() == pytest.approx((x * back).sum(), rel=1e-3, abs=1e-4)


def test_deep_network_equals_two_shallow_networks() -> None:
    """The encoder's shapes are (5, 7, 1) → (3, 4, 3) → (2, 2, 2), and the decoder reverses them.

    The decoder of the deep network has a ReLU between the two shallow decoders.
    """
    deep = small((5, 7, 1), filters=(3, 2), code="maps", output_activation="linear")
    outer = small((5, 7, 1), filters=(3,), code="maps", output_activation="linear")
    inner = small((3, 4, 3), filters=(2,), code="maps", output_activation="linear")
    weights = randomise(deep)
    down, up = weights[:4], weights[4:]
    outer.set_weights([*down[:2], *up[2:]])
    inner.set_weights([*down[2:], *up[:2]])
    x = RANDOM.normal(size=(2, 5, 7, 1)).astype(np.float32)
    code = to_numpy(inner.get_layer("encoder")(outer.get_layer("encoder")(x)))
    np.testing.assert_allclose(to_numpy(deep.get_layer("encoder")(x)), code, rtol=1e-4, atol=1e-6)
    maps = to_numpy(inner.get_layer("decoder")(code))
    assert (maps < 0).any()
    back = to_numpy(outer.get_layer("decoder")(np.maximum(maps, 0)))
    np.testing.assert_allclose(to_numpy(deep.get_layer("decoder")(code)), back, rtol=1e-4, atol=1e-6)


def test_the_code_is_a_linear_map_of_the_last_feature_maps() -> None:
    model = small((4, 4, 1))
    kernel, bias, w, b, v, c, *_ = randomise(model)
    x = RANDOM.normal(size=(4, 4, 1)).astype(np.float32)
    maps = np.maximum(convolved(x, kernel) + bias, 0)
    code = to_numpy(model.get_layer("encoder")(x[None]))
    np.testing.assert_allclose(code[0], maps.ravel() @ w + b, rtol=1e-4, atol=1e-5)
    mirrored = small((4, 4, 1), code="maps").get_layer("decoder")
    mirrored.set_weights(model.get_weights()[-2:])
    back = np.maximum(code @ v + c, 0).reshape(1, 2, 2, 3)
    np.testing.assert_allclose(
        to_numpy(model.get_layer("decoder")(code)), to_numpy(mirrored(back.astype(np.float32))), rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("code", ["vector", "maps"])
@pytest.mark.parametrize("shape", [(8, 8, 1), (9, 7, 3), (2, 30, 1), (1, 1, 1)])
def test_output_has_the_shape_of_the_input(code: str, shape: tuple[int, ...]) -> None:
    model = small(shape, code=code, filters=(2, 3))
    x = RANDOM.random((2, *shape), dtype=np.float32)
    quarter = tuple(-(-side // 4) for side in shape[:2])
    assert model.get_layer("encoder").output_shape[1:] == ((2,) if code == "vector" else (*quarter, 3))
    rebuilt = to_numpy(model(x))
    assert rebuilt.shape == x.shape and rebuilt.min() >= 0 and rebuilt.max() <= 1


@pytest.mark.parametrize("code", ["vector", "maps"])
def test_the_decoder_mirrors_the_encoder(code: str) -> None:
    model = create("convolutional_autoencoder", filters=(2, 3, 5), code=code)
    down, up = (
        [layer.output.shape[1:] for layer in model.get_layer(part).layers if type(layer) is layer_type]
        for part, layer_type in (("encoder", keras.layers.Conv2D), ("decoder", keras.layers.Conv2DTranspose))
    )
    assert down == [(14, 14, 2), (7, 7, 3), (4, 4, 5)]
    assert up == [(7, 7, 3), (14, 14, 2), (28, 28, 1)]


def test_a_linear_output_is_not_limited_to_0_and_1() -> None:
    model = small((4, 4, 1), output_activation="linear")
    randomise(model)
    model.get_layer("decoder").layers[-1].bias.assign([-3.0])
    assert to_numpy(model(np.zeros((1, 4, 4, 1), np.float32))).min() < -1


def test_parameter_count_with_feature_maps_as_code() -> None:
    """The encoder has (9·1·32 + 32) + (9·32·32 + 32) parameters, the decoder (9·32·32 + 32) + (9·32 + 1)."""
    model = create("convolutional_autoencoder", filters=(32, 32), code="maps")
    assert model.count_params() == 320 + 9_248 + 9_248 + 289
