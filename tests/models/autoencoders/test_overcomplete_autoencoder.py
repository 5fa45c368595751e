"""Tests of `overcomplete_autoencoder`, which can copy its input without a regulariser, and of each regulariser."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras_gallery.models import BadHyperparameter, create
from keras_gallery.models.layers.contractive_dense import ContractiveDense
from keras_gallery.models.layers.corruption import Corruption
from keras_gallery.models.layers.kl_sparsity import KLSparsity
from keras_gallery.models.layers.l1_sparsity import L1Sparsity

from ..layer_checks import penalty, randomise, to_numpy

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((4, 2, 2, 1), dtype=np.float32)


def overcomplete(**options: Any) -> keras.Model:
    return create("overcomplete_autoencoder", **{"image_shape": (2, 2, 1), "code_dim": 6, **options})


def test_linear_without_regularizer_copies_any_input() -> None:
    """W is a random matrix (6, 4) of full rank, and W* is its left inverse: W* W = I."""
    w = RANDOM.normal(size=(6, 4))
    w_star = np.linalg.pinv(w)
    model = overcomplete(regularizer="none", code_activation="linear", output_activation="linear")
    model.set_weights([w.T, np.zeros(6), w_star.T, np.zeros(4)])
    for x in (IMAGES, RANDOM.normal(size=(50, 2, 2, 1)).astype(np.float32) * 100):
        np.testing.assert_allclose(to_numpy(model(x)), x, rtol=1e-4, atol=1e-3)
    model(IMAGES, training=True)
    assert not model.losses


@pytest.mark.parametrize("g", ["sigmoid", "relu", "linear"])
@pytest.mark.parametrize("f", ["sigmoid", "linear"])
def test_output_equals_formula(g: str, f: str) -> None:
    functions = {
        "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
        "relu": lambda a: np.maximum(a, 0),
        "linear": lambda a: a,
    }
    model = overcomplete(code_activation=g, output_activation=f)
    w, b, w_star, c = randomise(model)
    h = functions[g](IMAGES.reshape(4, 4) @ w + b)
    np.testing.assert_allclose(to_numpy(model.get_layer("encoder")(IMAGES)), h, rtol=1e-4, atol=1e-6)
    x_hat = functions[f](h @ w_star + c)
    np.testing.assert_allclose(to_numpy(model(IMAGES)).reshape(4, 4), x_hat, rtol=1e-4, atol=1e-5)


REGULARIZERS = {
    "none": set(),
    "l1": {L1Sparsity},
    "kl": {KLSparsity},
    "contractive": {ContractiveDense},
    "corruption": {Corruption},
}


@pytest.mark.parametrize("regularizer", REGULARIZERS)
def test_each_regularizer_adds_its_layer(regularizer: str) -> None:
    model = overcomplete(regularizer=regularizer, weight=0.3)
    found = [*model.layers, *model.get_layer("encoder").layers]
    regularizers = [layer for layer in found if type(layer) in set().union(*REGULARIZERS.values())]
    assert {type(layer) for layer in regularizers} == REGULARIZERS[regularizer]
    if regularizer == "corruption":
        assert (regularizers[0].noise, regularizers[0].level) == ("masking", 0.3)
        assert model.layers.index(regularizers[0]) < model.layers.index(model.get_layer("encoder"))
    elif regularizers:
        assert regularizers[0].weight == 0.3 and float(penalty(model, IMAGES)) > 0
    if regularizer == "kl":
        assert regularizers[0].rho == 0.05


@pytest.mark.parametrize("regularizer", REGULARIZERS)
def test_only_corruption_changes_the_training_input(regularizer: str) -> None:
    model = overcomplete(regularizer=regularizer)
    randomise(model)
    same = np.allclose(to_numpy(model(IMAGES, training=True)), to_numpy(model(IMAGES)), atol=1e-7)
    assert same == (regularizer != "corruption")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"code_dim": 3}, "Expected code_dim to be at least 4. Received: 3."),
        (
            {"regularizer": "kl", "code_activation": "relu"},
            "Expected code_activation to be sigmoid for kl. Received: relu.",
        ),
        (
            {"regularizer": "contractive", "code_activation": "linear"},
            "Expected code_activation to be sigmoid for contractive. Received: linear.",
        ),
        ({"weight": 1.5}, "Expected a masking noise level from 0 to 1. Received: 1.5."),
    ],
)
def test_invalid_arguments_are_rejected(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadHyperparameter, match=f"^{message}$"):
        overcomplete(**options)


def test_a_code_as_large_as_the_image_is_allowed() -> None:
    assert overcomplete(code_dim=4).get_layer("encoder").output_shape == (None, 4)
