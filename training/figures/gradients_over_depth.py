"""Gradient norms at the first layer of deep networks before training.

The networks are `residual_network`, with and without skip connections, and `thin_network`, which has one unit in each
layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from ...models import create, normalization
from ...models.losses import SquaredError
from ..data.dataset import Examples

EXAMPLES = 64
RATE = 1e6  # so large that rounding does not lose a small gradient when the gradient is subtracted from the weights
SEEDS = (0, 1, 2)
BLOCKS = (1, 2, 4, 6)  # blocks in each of 3 stages; a network has 2 · 3 · blocks + 1 convolutions
DEPTHS = (1, 2, 4, 8, 16)
THIN = ("sigmoid", "tanh", "relu", "linear")

Curves = dict[str, dict[str, float]]  # name → depth → norm


def gradient_norms(model: keras.Model, examples: Examples) -> dict[str, Any]:
    """Returns `gradient_norms` of the variants of a `residual_network` or `thin_network`; {} for another model.

    `gradient_norms` has a value for each variant of the network and each number of layers with weights: the norm of the
    gradient of the loss with respect to the first layer's weights before training, on 64 examples, averaged over three
    seeds.
    """
    if model.name not in FAMILIES:
        return {}
    few = Examples(*(part[:EXAMPLES] for part in examples))
    variants, sizes = FAMILIES[model.name]
    curves: Curves = {}
    for name, hyperparameters in variants.items():
        for layers, depth in sizes.items():
            norms = [_norm(model, few, {**hyperparameters, **depth}, seed) for seed in SEEDS]
            curves.setdefault(name, {})[str(layers)] = float(np.mean(norms))
    return {"gradient_norms": curves}


def _norm(model: keras.Model, examples: Examples, hyperparameters: Mapping[str, Any], seed: int) -> float:
    keras.utils.set_random_seed(seed)
    shape = {"image_shape" if len(examples.x.shape) == 4 else "input_shape": examples.x.shape[1:]}
    network = create(model.name, **shape, **hyperparameters)
    is_classifier = examples.y.ndim == 1
    normalization.adapt(network, examples.x, None if is_classifier else examples.y)
    loss: Any = keras.losses.SparseCategoricalCrossentropy() if is_classifier else SquaredError()
    return float(np.linalg.norm(first_gradient(network, loss, examples)))


def first_gradient(network: keras.Model, loss: Any, examples: Examples) -> Any:
    """Returns the gradient of the loss with respect to the first weights.

    The gradient is computed from the change of the weights in a step of gradient descent, which works on any backend.
    """
    network.compile(keras.optimizers.SGD(RATE), loss, run_eagerly=True)
    before = network.trainable_weights[0].numpy()
    network.train_on_batch(*examples)
    return (before - network.trainable_weights[0].numpy()) / RATE


FAMILIES: dict[str, tuple[dict[str, dict[str, Any]], dict[int, dict[str, Any]]]] = {
    "residual_network": (
        {
            "skips": {"normalization": False},
            "no skips": {"normalization": False, "skips": False},
            "skips, normalised": {},
            "no skips, normalised": {"skips": False},
        },
        {6 * blocks + 2: {"blocks": blocks, "filters": (8, 16, 32)} for blocks in BLOCKS},
    ),
    "thin_network": (
        {name: {"activation": name} for name in THIN},
        {depth + 1: {"depth": depth} for depth in DEPTHS},
    ),
}
