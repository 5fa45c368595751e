"""Gradients of a recurrent network over time, before and after training, and the effect of gradient clipping.

Source: lecture notes 004, "Training RNNs" (vanishing and exploding gradients; gradient clipping, ReLU, identity, LSTM).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from ...models import normalization
from ...models.losses import SquaredError
from ..data.dataset import Examples

SEQUENCES = 64
STEPS = 150  # steps of gradient descent, with and without clipping
RATE = 0.1  # so large that a network with exploding gradients diverges
CLIPNORM = 1.0
# On TensorFlow, compiling a loop with XLA takes longer than running all steps without XLA. JAX is slow without XLA.
COMPILED = keras.backend.backend() != "tensorflow"
FREE, CLIPPED = "not clipped", f"clipped to {CLIPNORM:g}"

Curves = dict[str, list[float]]


def measure(model: keras.Model, examples: Examples, report: Callable[[str], None]) -> dict[str, Any]:
    """Returns the gradients of a model from sequences to one value; {} for another model.

    Args:
        model: the trained model. Its recurrent layer is called `embedding`.
        examples: the training examples.
        report: called with a progress message.

    Returns:
        `memory`: the `output_gradients` for 64 sequences, before and after training.
        `kept_before` and `kept_after`: the gradient at the first step, divided by the gradient at the last step.
        `clipping`: the `step_norms` of an untrained network, with and without gradient clipping.
    """
    if examples.x.ndim != 3 or model.output_shape[1:] != (1,):
        return {}
    report("    gradients over time")
    few = examples.x[:SEQUENCES]
    before, after = (output_gradients(each, few) for each in (_untrained(model, examples), model))
    return {
        "memory": {"before training": before.tolist(), "after training": after.tolist()},
        "kept_before": float(before[0] / before[-1]),
        "kept_after": float(after[0] / after[-1]),
        "clipping": {
            name: step_norms(_untrained(model, examples), examples, clipnorm)
            for name, clipnorm in ((FREE, None), (CLIPPED, CLIPNORM))
        },
    }


def output_gradients(model: keras.Model, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the norm ‖∂ŷ/∂s_t‖ of the output's gradient with respect to the state at each step t.

    The norm is averaged over the sequences. The gradient of the loss with respect to the state is ∂L/∂ŷ · ∂ŷ/∂s_t. The
    state s is h, or (h, c) for an LSTM.

    Args:
        model: a model from sequences to one value: `simple_rnn`, `lstm` or `gru`.
        x: sequences `(n, time, features)`.

    Returns:
        The norms, `(time,)`.
    """
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    normalization.finalize(copy)
    cell, features = copy.get_layer("embedding").cell, x.shape[-1]
    offsets = StateOffsets((len(x), x.shape[1], sum(_sizes(cell))))
    sequence = keras.Input(batch_shape=x.shape)
    steps = offsets(copy.get_layer("normalization")(sequence))  # (n, time, features + state)
    y = keras.layers.RNN(OffsetCell(cell, features))(steps)
    for name in ("output", "prediction"):
        y = copy.get_layer(name)(y)
    network = keras.Model(sequence, y)
    # The offsets are 0. A step of gradient descent with a learning rate of 1 sets them to minus the gradient, exactly
    # and on any backend.
    network.compile(keras.optimizers.SGD(1.0), _output, jit_compile=COMPILED)
    network.train_on_batch(x, np.zeros((len(x), 1), np.float32))
    gradients = -len(x) * ops.convert_to_numpy(offsets.values)
    return np.asarray(np.linalg.norm(gradients, axis=2).mean(axis=0))


def step_norms(network: keras.Model, examples: Examples, clipnorm: float | None) -> list[float]:
    """Trains a network with gradient descent for up to 150 steps, and returns the gradient norm of each step.

    The norm is the norm before clipping. The training stops at the first norm that is not finite.

    Args:
        network: the network to train.
        examples: the training examples.
        clipnorm: largest norm of the gradient of all weights, or None for no clipping.
    """
    optimizer = NormRecordingSGD(RATE, global_clipnorm=clipnorm)
    optimizer.build(network.trainable_variables)
    network.compile(optimizer, SquaredError(), jit_compile=COMPILED)
    rng = np.random.default_rng(0)
    norms: list[float] = []
    for _ in range(STEPS):
        chosen = rng.integers(0, len(examples.x), SEQUENCES)
        network.train_on_batch(examples.x[chosen], examples.y[chosen])
        norm = float(ops.convert_to_numpy(optimizer.norm))
        if not np.isfinite(norm):
            break
        norms.append(norm)
    return norms


def _untrained(model: keras.Model, examples: Examples) -> keras.Model:
    keras.utils.set_random_seed(0)
    network = keras.models.clone_model(model)
    normalization.adapt(network, *examples)
    return network


def _output(y: Any, y_hat: Any) -> Any:
    return y_hat


def _sizes(cell: Any) -> list[int]:
    return [cell.state_size] if isinstance(cell.state_size, int) else list(cell.state_size)


class StateOffsets(keras.layers.Layer):
    """Appends trainable zeros to a sequence `(batch, time, features)`: returns `(batch, time, features + size)`."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.values = self.add_weight(shape=shape, initializer="zeros")

    def call(self, inputs: Any) -> Any:
        return ops.concatenate([inputs, self.values], axis=-1)


class OffsetCell(keras.layers.Layer):
    """A recurrent cell that adds offsets to the state after each step. The offsets are a part of the cell's input."""

    def __init__(self, cell: Any, features: int) -> None:
        super().__init__()
        self.cell = cell
        self.features = features
        self.state_size = _sizes(cell)
        self.output_size = cell.units

    def call(self, inputs: Any, states: Any) -> tuple[Any, list[Any]]:
        _, new_states = self.cell(inputs[:, : self.features], states)
        offsets = ops.split(inputs[:, self.features :], len(self.state_size), axis=-1)
        moved = [state + offset for state, offset in zip(new_states, offsets, strict=True)]
        return moved[0], moved


class NormRecordingSGD(keras.optimizers.SGD):
    """Gradient descent. `norm` is the norm of the gradient of all weights in the last step, before clipping."""

    def build(self, variables: list[Any]) -> None:
        super().build(variables)
        self.norm = self.add_variable(shape=(), name="norm")

    def apply(self, grads: list[Any], trainable_variables: list[Any] | None = None) -> None:
        self.norm.assign(ops.sqrt(sum(ops.sum(ops.square(grad)) for grad in grads)))
        super().apply(grads, trainable_variables)
