"""How far back a recurrent network's answer reaches: gradients over time, before and after training, and clipped ones.

Source: notes 004, "Training RNNs" (vanishing and exploding gradients; gradient clipping, ReLU, identity, LSTM).
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
STEPS = 150  # of gradient descent, with and without clipping
RATE = 0.1  # so large that networks whose gradient explodes are thrown off
CLIPNORM = 1.0
# Few steps do not earn what XLA takes to compile a loop on TensorFlow; JAX is slow without it.
COMPILED = keras.backend.backend() != "tensorflow"
FREE, CLIPPED = "not clipped", f"clipped to {CLIPNORM:g}"

Curves = dict[str, list[float]]


def measure(model: keras.Model, examples: Examples, report: Callable[[str], None]) -> dict[str, Any]:
    """What a network with one recurrent layer, `embedding`, and one answer remembers; {} of others.

    `memory`: `answer_gradients` before and after training, for 64 sequences; `kept_before` and `kept_after`: that of
    the first step as a share of the last one's. `clipping`: of a network that learns anew by gradient descent, the
    norm of each step's gradient up to the first that is not finite; not clipped, and clipped.
    """
    if examples.x.ndim != 3 or model.output_shape[1:] != (1,):
        return {}
    report("    gradients over time")
    few = examples.x[:SEQUENCES]
    before, after = (answer_gradients(each, few) for each in (_untrained(model, examples), model))
    return {
        "memory": {"before training": before.tolist(), "after training": after.tolist()},
        "kept_before": float(before[0] / before[-1]),
        "kept_after": float(after[0] / after[-1]),
        "clipping": {
            name: step_norms(_untrained(model, examples), examples, clipnorm)
            for name, clipnorm in ((FREE, None), (CLIPPED, CLIPNORM))
        },
    }


def answer_gradients(model: keras.Model, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """‖∂ŷ/∂s_t‖ for each step t, the mean over sequences: what the answer at the end owes to the state at t.

    A loss's gradient by the state is ∂L/∂ŷ times it. The state s is h, and (h, c) of an LSTM.

    Args:
        model: of sequences to one value, as `simple_rnn`, `lstm` and `gru`.
        x: sequences `(n, time, features)`.

    Returns:
        `(time,)`.
    """
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    normalization.finalize(copy)
    cell, features = copy.get_layer("embedding").cell, x.shape[-1]
    nudges = Nudges((len(x), x.shape[1], sum(_sizes(cell))))
    sequence = keras.Input(batch_shape=x.shape)
    steps = nudges(copy.get_layer("normalization")(sequence))  # (n, time, features + state)
    y = keras.layers.RNN(NudgedCell(cell, features))(steps)
    for name in ("output", "prediction"):
        y = copy.get_layer(name)(y)
    network = keras.Model(sequence, y)
    # A step of rate 1 takes the gradient from the nudges, which are 0: on any backend, and to the last digit.
    network.compile(keras.optimizers.SGD(1.0), _answer, jit_compile=COMPILED)
    network.train_on_batch(x, np.zeros((len(x), 1), np.float32))
    gradients = -len(x) * ops.convert_to_numpy(nudges.values)
    return np.asarray(np.linalg.norm(gradients, axis=2).mean(axis=0))


def step_norms(network: keras.Model, examples: Examples, clipnorm: float | None) -> list[float]:
    """The norm of the gradient in each of 150 steps of gradient descent, before it is clipped; all finite."""
    optimizer = WatchedDescent(RATE, global_clipnorm=clipnorm)
    optimizer.build(network.trainable_variables)
    network.compile(optimizer, SquaredError(), jit_compile=COMPILED)
    rng = np.random.default_rng(0)
    found: list[float] = []
    for _ in range(STEPS):
        chosen = rng.integers(0, len(examples.x), SEQUENCES)
        network.train_on_batch(examples.x[chosen], examples.y[chosen])
        norm = float(ops.convert_to_numpy(optimizer.norm))
        if not np.isfinite(norm):
            break
        found.append(norm)
    return found


def _untrained(model: keras.Model, examples: Examples) -> keras.Model:
    keras.utils.set_random_seed(0)
    network = keras.models.clone_model(model)
    normalization.adapt(network, *examples)
    return network


def _answer(y: Any, y_hat: Any) -> Any:
    return y_hat


def _sizes(cell: Any) -> list[int]:
    return [cell.state_size] if isinstance(cell.state_size, int) else list(cell.state_size)


class Nudges(keras.layers.Layer):
    """Puts zeros beside a sequence `(batch, time, features)`, which can be learnt: `(batch, time, features + size)`."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.values = self.add_weight(shape=shape, initializer="zeros")

    def call(self, inputs: Any) -> Any:
        return ops.concatenate([inputs, self.values], axis=-1)


class NudgedCell(keras.layers.Layer):
    """A cell whose state is moved, after each step, by what stands beside the step's features."""

    def __init__(self, cell: Any, features: int) -> None:
        super().__init__()
        self.cell = cell
        self.features = features
        self.state_size = _sizes(cell)
        self.output_size = cell.units

    def call(self, inputs: Any, states: Any) -> tuple[Any, list[Any]]:
        _, after = self.cell(inputs[:, : self.features], states)
        nudges = ops.split(inputs[:, self.features :], len(self.state_size), axis=-1)
        moved = [state + nudge for state, nudge in zip(after, nudges, strict=True)]
        return moved[0], moved


class WatchedDescent(keras.optimizers.SGD):
    """Gradient descent that keeps the norm of the last step's whole gradient, before it is clipped."""

    def build(self, variables: list[Any]) -> None:
        super().build(variables)
        self.norm = self.add_variable(shape=(), name="norm")

    def apply(self, grads: list[Any], trainable_variables: list[Any] | None = None) -> None:
        self.norm.assign(ops.sqrt(sum(ops.sum(ops.square(grad)) for grad in grads)))
        super().apply(grads, trainable_variables)
