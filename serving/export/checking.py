"""Compares the outputs of an exported model with the outputs of the Keras model."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..errors import FailedPrecondition
from ..signatures import Endpoint
from .random_outputs import compare

TOLERANCE = 1e-5
BATCHES = (1, 2, 7, 32)
EAGER_BATCH = 2
EAGER_STEPS = 500  # a step of a recurrent layer takes a millisecond or two without a graph
CHECK_SECONDS = 0.5  # `check` leaves out the batches of 7 and 32 if they would probably take longer
Arrays = dict[str, np.ndarray[Any, Any]]


def quick_batches() -> Iterator[int]:
    """Yields the sizes in `BATCHES`. Ends before a batch that would probably take more than `CHECK_SECONDS`."""
    seconds_per_example = 0.0
    for batch in BATCHES:
        if batch * seconds_per_example > CHECK_SECONDS:
            return
        started = time.perf_counter()
        yield batch
        if batch > 1:  # TensorFlow compiles the graph during the first run
            seconds_per_example = (time.perf_counter() - started) / batch


@contextlib.contextmanager
def without_optimization() -> Iterator[None]:
    """Turns the optimization of graphs off: for a few runs of a large model, it takes longer than the runs."""
    options = tf.config.optimizer.get_experimental_options()
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options(
            {"disable_meta_optimizer": options.get("disable_meta_optimizer", False)}
        )


@without_optimization()
def check(what: str, endpoint: Endpoint, function: Any, run: Callable[[Arrays], Arrays]) -> None:
    """Compares the outputs of `run` with the outputs of `function`, for the batch sizes in `BATCHES`.

    Leaves out the larger batches if the model is slow (`CHECK_SECONDS`).

    Args:
        what: description of `run` for the error message.
        endpoint: the example inputs.
        function: the endpoint's function as a graph. Like the SavedModel, it runs as a graph, because other rounding
            could change the best of two almost equal classes.
        run: computes the outputs to check.

    Raises:
        FailedPrecondition: floats differ by more than 1e-5 (see `difference`), other values differ, or `run` does not
            return the same outputs. Random outputs are compared by their means.
    """
    for batch in quick_batches():
        _compare(f"{what}, compared with the Keras model", endpoint, function, run, batch)


def is_quick_without_graph(model: keras.Model) -> bool:
    """Whether all recurrent layers of a model together take at most `EAGER_STEPS` steps."""
    steps = 0
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.RNN | keras.layers.Bidirectional):
            with contextlib.suppress(AttributeError, ValueError):  # a layer inside of another layer has no input
                directions = 2 if isinstance(layer, keras.layers.Bidirectional) else 1
                steps += directions * (keras.tree.flatten(layer.input)[0].shape[1] or 0)
    return steps <= EAGER_STEPS


@without_optimization()
def check_eagerly(what: str, endpoint: Endpoint, run: Callable[[Arrays], Arrays]) -> None:
    """Compares the outputs of `run` with the outputs of the Keras model that is called without a graph, for one batch.

    Some layers compute something else in a graph, because of an error in Keras. Takes the same arguments and raises the
    same errors as `check`.
    """
    _compare(f"{what}, compared with the Keras model without a graph", endpoint, endpoint.function, run, EAGER_BATCH)


def _compare(what: str, endpoint: Endpoint, function: Any, run: Callable[[Arrays], Arrays], batch: int) -> None:
    inputs = endpoint.example(batch)

    def both() -> tuple[Arrays, Arrays]:
        expected = function(*(tf.constant(inputs[spec.name], spec.dtype) for spec in endpoint.inputs))
        return run(inputs), {key: np.asarray(value) for key, value in expected.items()}

    got, expected = both()
    if got.keys() != expected.keys():
        raise FailedPrecondition(f"Wrong outputs of {what}: expected {', '.join(expected)}. Received: {', '.join(got)}")
    for key, _, problem in compare(got, expected, TOLERANCE, both):
        if problem:
            raise FailedPrecondition(
                f"Wrong outputs of {what} (tolerance {TOLERANCE}): {key} is {problem} at batch {batch}"
            )


def tensorflow_caller(function: Any) -> Callable[[Arrays], Arrays]:
    """Returns a function on NumPy arrays that calls a function of TensorFlow."""
    return lambda inputs: {
        key: value.numpy() for key, value in function(**{k: tf.constant(v) for k, v in inputs.items()}).items()
    }
