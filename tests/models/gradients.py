"""Automatic differentiation with the current backend, to check derivatives that were calculated by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np


def gradient(function: Callable[[Any], Any], at: np.ndarray) -> np.ndarray:
    """Returns the derivative of `function` at `at`. `function` uses `keras.ops` and maps a tensor to a scalar."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        point = tf.constant(at)
        with tf.GradientTape() as tape:
            tape.watch(point)
            value = function(point)
        return np.array(tf.convert_to_tensor(tape.gradient(value, point)))  # the gradient of an embedding is sparse
    if keras.backend.backend() == "jax":
        import jax

        return np.array(jax.grad(function)(at))
    import torch

    point = torch.tensor(at, requires_grad=True)
    function(point).backward()
    return point.grad.numpy()


def weight_gradients(model: keras.Model, loss: Callable[[Any], Any], inputs: np.ndarray) -> list[np.ndarray]:
    """Returns the derivative of `loss(model(inputs))` with respect to each trainable weight, in inference mode."""
    return [weight_gradient(model, loss, inputs, index) for index in range(len(model.trainable_variables))]


def weight_gradient(model: keras.Model, loss: Callable[[Any], Any], inputs: np.ndarray, index: int) -> np.ndarray:
    """Returns the derivative of `loss(model(inputs))` with respect to one trainable weight, in inference mode."""
    weights = [np.array(weight) for weight in model.trainable_variables]

    def value(weight: Any) -> Any:
        changed = [*weights[:index], weight, *weights[index + 1 :]]
        outputs, *_ = model.stateless_call(changed, model.non_trainable_variables, inputs)
        return loss(outputs)

    return gradient(value, weights[index])
