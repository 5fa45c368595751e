"""Finds the input of bounded norm that activates each unit of a deep layer most, by gradient ascent.

For a unit of the first layer, this input is known: its weights, scaled to the norm (lecture notes 003,
"Visualization"; `pictures.plots.best_inputs`). For a deeper unit, there is no closed form: Erhan, Bengio, Courville and
Vincent 2009, "Visualizing Higher-Layer Features of a Deep Network".
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

UNITS = 64  # largest number of units
STEPS = 40
SHARE = 0.2  # length of the first step: share of the norm
START = 0.1  # norm of the first inputs: share of the norm
HEADS = ("log_variance", "probabilities")  # layers whose units are not features


def deeper_layer(network: keras.Model) -> keras.layers.Layer | None:
    """Returns the last dense or convolutional layer that computes features, or None if it is the first layer."""
    kinds = (keras.layers.Dense, keras.layers.Conv2D)
    layers = [each for each in network.layers if type(each) in kinds and each.name not in HEADS]
    return layers[-1] if len(layers) > 1 else None


def of_deeper_units(network: keras.Model, images: NDArray[np.float32]) -> tuple[str, NDArray[np.float32]] | None:
    """Returns the name of the `deeper_layer` and the best inputs of its first 64 units, or None without such a layer.

    The largest norm of the inputs is the mean norm of the images.
    """
    layer = deeper_layer(network)
    if layer is None:
        return None
    norm = np.sqrt(np.square(images).sum(axis=tuple(range(1, images.ndim)))).mean()
    return layer.name, best_inputs(network, layer, float(norm))


def best_inputs(
    network: keras.Model, layer: keras.layers.Layer, norm: float, units: int = UNITS, steps: int = STEPS
) -> NDArray[np.float32]:
    """Returns the inputs with at most this norm that activate the first units of a layer most.

    The ascent begins with random inputs, which are the same at each call. It raises the unit's value before the
    activation function. Because activation functions such as ReLU and sigmoid do not fall, the activation is then as
    large as possible, too. The value of a filter is its mean over the feature map.

    Args:
        network: a model with a single input.
        layer: a dense or convolutional layer of the network.
        norm: the largest norm √(Σ_j x_j²) of an input.
        units: the largest number of units.
        steps: the number of steps of the ascent.

    Returns:
        The inputs, float32 `(units, *shape)`. A unit that nothing activates has an input of random values.
    """
    linear = type(layer).from_config({**layer.get_config(), "activation": "linear", "name": "before_activation"})
    values = keras.Model(network.input, linear(layer.input))
    linear.set_weights(layer.get_weights())
    values.trainable = False
    units = min(units, values.output_shape[-1])
    ascent = _Ascent(values, norm, units)
    rate = keras.optimizers.schedules.CosineDecay(SHARE * norm, steps)
    ascent.compile(_EqualSteps(rate, name="equal_steps"))
    ascent.fit(np.zeros((steps, 1), np.float32), batch_size=1, verbose=0)
    return np.asarray(ops.convert_to_numpy(ascent.inputs_), np.float32)


class _EqualSteps(keras.optimizers.SGD):
    """Gradient descent in which the step of each input has the length of the learning rate."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        squares = ops.sum(ops.square(gradient), axis=tuple(range(1, len(variable.shape))), keepdims=True)
        super().update_step(gradient / ops.sqrt(ops.maximum(squares, 1e-30)), variable, learning_rate)


class _Ascent(keras.Model):
    """A model whose only weights are inputs of a network. Its loss is minus the values of the units."""

    def __init__(self, network: keras.Model, norm: float, units: int) -> None:
        super().__init__(name="ascent")
        shape = network.input_shape[1:]
        start = np.random.default_rng(0).normal(size=(units, *shape))
        axes = tuple(range(1, start.ndim))
        start *= START * norm / np.sqrt(np.sum(start**2, axis=axes, keepdims=True))
        self.network = network
        self.inputs_ = self.add_weight(
            name="inputs",
            shape=start.shape,
            initializer=lambda shape, dtype=None: ops.convert_to_tensor(start, dtype),
            constraint=keras.constraints.MaxNorm(norm, axis=axes),
        )

    def call(self, batch: Any) -> Any:
        values = self.network(self.inputs_, training=False)  # (units, …, all units)
        values = ops.mean(ops.reshape(values, (values.shape[0], -1, values.shape[-1])), axis=1)
        self.add_loss(-ops.sum(ops.diagonal(values)))
        return batch
