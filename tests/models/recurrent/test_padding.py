"""Padding after a sequence does not change the output of the recurrent models whose only input is a sequence."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras_gallery.models import describe, list_models

from ..layer_checks import randomise, to_numpy
from ..registered import VARIANTS, small

LENGTHS, TIME = (12, 8), 13
TWO_INPUTS = {"encoder_decoder", "vector_to_sequence"}

every_reader = pytest.mark.parametrize(
    ("name", "variant"),
    [
        pytest.param(name, variant, id="-".join([name, *(f"{key}={value}" for key, value in variant.items())]))
        for name in list_models()
        if describe(name).family == "recurrent" and name not in TWO_INPUTS
        for variant in [{}, *VARIANTS.get(name, [])]
    ],
)


def sequences(model: keras.Model) -> list[np.ndarray]:
    """Returns a sequence for each of `LENGTHS`: token IDs (time,) or floats (time, features)."""
    random = np.random.default_rng(0)
    if keras.backend.standardize_dtype(model.input.dtype) == "int32":
        tokens = model.get_layer("token_embedding").input_dim
        return [random.integers(1, tokens, length).astype(np.int32) for length in LENGTHS]
    return [random.normal(size=(length, model.input_shape[-1])).astype(np.float32) for length in LENGTHS]


def padded(alone: list[np.ndarray], padding: float) -> np.ndarray:
    batch = np.full((len(alone), TIME, *alone[0].shape[1:]), padding, alone[0].dtype)
    for row, each in zip(batch, alone, strict=True):
        row[: len(each)] = each
    return batch


# Keras warns that the model does not return a mask. If a layer inside the model loses the mask, the test still fails.
@pytest.mark.filterwarnings(r"ignore:Layer '\w+' \(of type Functional\) was passed an input with a mask:UserWarning")
@every_reader
def test_padding_does_not_change_the_output(name: str, variant: dict[str, Any]) -> None:
    """A sequence has the same output alone and in a padded batch."""
    model = small(name, **variant)
    randomise(model)
    alone = sequences(model)
    expected = [to_numpy(model(each[None]))[0] for each in alone]
    if alone[0].dtype == np.int32:
        found = to_numpy(model(padded(alone, 0)))
    else:
        mask = np.arange(TIME) < np.array(LENGTHS)[:, None]  # (batch, time)
        found = to_numpy(model(padded(alone, 1e3), mask=mask))
    if len(model.output_shape) == 3 and model.output_shape[1] is None:  # an output for each step
        found = [row[:length] for row, length in zip(found, LENGTHS, strict=True)]
    for row, each in zip(found, expected, strict=True):
        np.testing.assert_allclose(row, each, rtol=1e-5, atol=1e-5)


@every_reader
def test_late_steps_and_their_order_matter(name: str, variant: dict[str, Any]) -> None:
    model = small(name, **variant)
    randomise(model)
    whole = sequences(model)[0]
    changed = whole.copy()
    changed[10] = whole[10] % 3 + 1  # another ID or value, at the last step that a window of the convolution contains
    output, *others = to_numpy(model(np.stack([whole, changed, whole[::-1]])))
    for other in others:
        assert np.abs(other - output).max() > 1e-5
