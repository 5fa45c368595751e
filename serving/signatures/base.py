"""What an exported function is, and the forms in which all kinds of models take their data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..core.predictions import INPUTS
from ..errors import InvalidArgument
from .image_files import decode_images

PREDICT = "tensorflow/serving/predict"

Tensors = dict[str, Any]
Arrays = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Endpoint:
    """A function to export.

    Attributes:
        function: tensors in (in the order of `inputs`), a dict of tensors out.
        inputs: a named `tf.TensorSpec` for each input; the first dimension is the batch, a scalar has none.
        example: makes inputs for a batch size, to check and to warm up with.
        method: TensorFlow Serving's name for the requests that it is made for. Predict takes any.
        tables: look-up tables that it uses: a SavedModel holds no table that it is not told of.
    """

    function: Callable[..., Tensors]
    inputs: list[Any]
    example: Callable[[int], Arrays]
    method: str = PREDICT
    tables: Sequence[Any] = field(default=(), kw_only=True)


class Data:
    """The one input of a model: `image` (batch, height, width, channels), `sequence` (batch, time, features) of any
    length, `ids` (batch, …) of tokens or categories, int32, else `features` (batch, …); float32 all others.

    Args:
        model: the model.
        seed: of the examples.
        kind: another name for it.
    """

    def __init__(self, model: keras.Model, seed: int, kind: str | None = None) -> None:
        (x,) = model.inputs
        self.shape: tuple[int | None, ...] = tuple(x.shape[1:])
        self.kind = kind or _kind(self.shape, x.dtype)
        self.least = least_steps(model)
        self._model = model
        self._rng = np.random.default_rng(seed)

    @property
    def spec(self) -> Any:
        return tf.TensorSpec((None, *self.shape), self._model.inputs[0].dtype, name=self.kind)

    def example(self, batch: int) -> Arrays:
        """Data for `batch` examples, of another length for another batch where sizes are left open."""
        return {self.kind: random(self._rng, self.spec, batch, self._model)}

    def endpoint(self, function: Callable[[Any], Tensors]) -> Endpoint:
        """A function of such data, to export. TensorFlow wants one of its own for each signature."""
        return Endpoint(lambda x: function(x), [self.spec], self.example)

    def over_files(
        self, found: dict[str, Endpoint], names: Iterable[str], *, make_grey: bool = False
    ) -> dict[str, Endpoint]:
        """`encode` as `encode_png` and so on, where `found` has it: the same function on files in place of arrays.

        None for what no picture file holds: other data than images, an open size, other than one or three channels.
        """
        if len(self.shape) != 3:
            return {}
        height, width, channels = self.shape
        if height is None or width is None or channels not in (1, 3):
            return {}
        shape = (height, width, channels)
        inputs = [tf.TensorSpec((None,), tf.string, name="image_bytes")]
        rng = np.random.default_rng(0)

        def example(batch: int) -> Arrays:
            images = rng.integers(0, 256, (batch, *shape), np.uint8)
            return {"image_bytes": np.array([tf.io.encode_png(image).numpy() for image in images], object)}

        def over(function: Callable[..., Tensors]) -> Callable[..., Tensors]:
            return lambda files: function(decode_images(files, shape, make_grey=make_grey))

        return {f"{name}_png": Endpoint(over(found[name].function), inputs, example) for name in names if name in found}

    def over_examples(self, name: str, function: Callable[[Any], Tensors], method: str) -> dict[str, Endpoint]:
        """A function on serialized tf.Examples, whose one feature is called as the data: a list of all its floats.

        None where a size is left open: there is no telling how a list is to be folded. None of ids.
        """
        if None in self.shape or self.kind == "ids":
            return {}
        features = {self.kind: tf.io.FixedLenFeature(self.shape, tf.float32)}

        def serialized(row: Any) -> bytes:
            feature = tf.train.Feature(float_list=tf.train.FloatList(value=row.ravel()))
            made = tf.train.Example(features=tf.train.Features(feature={self.kind: feature}))
            return bytes(made.SerializeToString())

        def example(batch: int) -> Arrays:
            return {INPUTS: np.array([serialized(row) for row in self.example(batch)[self.kind]], object)}

        def over(examples: Any) -> Tensors:
            return function(tf.io.parse_example(examples, features)[self.kind])

        return {name: Endpoint(over, [tf.TensorSpec((None,), tf.string, name=INPUTS)], example, method)}


def embed(model: keras.Model, data: Data) -> dict[str, Endpoint]:
    """`embed`: what the layer `embedding` gives, the features before the head (batch, n). None without such a layer, or
    where it is a table of ids, which Keras calls so unless told otherwise.
    """
    found = {layer.name: layer for layer in model.layers}.get("embedding")
    if found is None or isinstance(found, keras.layers.Embedding):
        return {}
    below = keras.Model(model.inputs[0], found.output)
    return {"embed": data.endpoint(lambda x: {"embedding": below(x, training=False)})}


def label_names(labels: Sequence[str] | None, count: int) -> list[str]:
    """A label for each class; by default "0", "1" and so on. Raises InvalidArgument where there are not `count`."""
    if labels is None:
        return [str(number) for number in range(count)]
    if len(labels) != count:
        raise InvalidArgument(f"Expected {count} labels, one for each class. Received: {len(labels)}")
    return list(labels)


def bounded(count: Any, most: int) -> Any:
    """A number from a request; any but 1 to `most` is refused before memory is asked for."""
    refusal = tf.strings.format(f"Expected a count from 1 to {most}. Received: {{}}", count)
    right = tf.logical_and(count >= 1, count <= most)
    with tf.control_dependencies([tf.debugging.Assert(right, [refusal])]):
        return tf.identity(count)


def random(rng: np.random.Generator, spec: Any, batch: int, model: keras.Model) -> np.ndarray[Any, Any]:
    """Values in [0, 1), or ids that every table of the model has, for an input of it."""
    open_size = 8 + least_steps(model) + batch % 3
    shape = (batch, *(size or open_size for size in spec.shape[1:]))
    if spec.dtype.is_floating:
        return rng.random(shape).astype(spec.dtype.as_numpy_dtype)
    return rng.integers(0, min(table_sizes(model), default=2), shape).astype(spec.dtype.as_numpy_dtype)


def least_steps(model: keras.Model) -> int:
    """The length up to which a sequence is too short: for a season, or for a convolution's window."""
    windows = [layer.kernel_size[0] - 1 for layer in model.layers if isinstance(layer, keras.layers.Conv1D)]
    return int(max([0, *windows, *(getattr(layer, "season", 0) for layer in model.layers)]))


def _kind(shape: tuple[int | None, ...], dtype: str) -> str:
    if dtype == "int32":
        return "ids"
    if len(shape) == 3:
        return "image"
    return "sequence" if len(shape) == 2 and shape[0] is None else "features"


def table_sizes(model: keras.Model) -> list[int]:
    """How many ids each `Embedding` has, those of sub-models too."""
    found = [layer.input_dim for layer in model.layers if isinstance(layer, keras.layers.Embedding)]
    return found + [size for layer in model.layers if isinstance(layer, keras.Model) for size in table_sizes(layer)]
