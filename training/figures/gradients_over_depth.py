"""How much of the gradient is left at the first layer of deep networks: with and without skips, and one unit wide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from ...models import create, normalization
from ...models.losses import SquaredError
from ..data.dataset import Examples

EXAMPLES = 64
RATE = 1e6  # so large that small gradients do not drown in the weights they are taken from
SEEDS = (0, 1, 2)
BLOCKS = (1, 2, 4, 6)  # a stage: 2 · 3 · blocks + 1 convolutions
DEPTHS = (1, 2, 4, 8, 16)
THIN = ("sigmoid", "tanh", "relu", "linear")

Curves = dict[str, dict[str, float]]  # name → depth → norm


def gradient_norms(model: keras.Model, examples: Examples) -> dict[str, Any]:
    """For a network that has twins to compare: `gradient_norms`, by twin and number of layers with weights.

    Norm of the loss's gradient by the first layer's weights, before any training, 64 examples, mean of three seeds.
    """
    if model.name not in FAMILIES:
        return {}
    few = Examples(*(part[:EXAMPLES] for part in examples))
    twins, sizes = FAMILIES[model.name]
    found: Curves = {}
    for name, hyperparameters in twins.items():
        for layers, depth in sizes.items():
            norms = [_norm(model, few, {**hyperparameters, **depth}, seed) for seed in SEEDS]
            found.setdefault(name, {})[str(layers)] = float(np.mean(norms))
    return {"gradient_norms": found}


def _norm(model: keras.Model, examples: Examples, hyperparameters: Mapping[str, Any], seed: int) -> float:
    keras.utils.set_random_seed(seed)
    shape = {"image_shape" if len(examples.x.shape) == 4 else "input_shape": examples.x.shape[1:]}
    network = create(model.name, **shape, **hyperparameters)
    is_classifier = examples.y.ndim == 1
    normalization.adapt(network, examples.x, None if is_classifier else examples.y)
    loss: Any = keras.losses.SparseCategoricalCrossentropy() if is_classifier else SquaredError()
    return float(np.linalg.norm(first_gradient(network, loss, examples)))


def first_gradient(network: keras.Model, loss: Any, examples: Examples) -> Any:
    """The loss's gradient by the first weights: what a step of gradient descent takes from them, on any backend."""
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
