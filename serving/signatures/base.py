"""The class `Endpoint`, and helpers for all model types: inputs, image files, tf.Examples, labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..core.predictions import INPUTS
from ..errors import InvalidArgument
from .halves import tensor
from .image_files import decode_images

PREDICT = "tensorflow/serving/predict"

Tensors = dict[str, Any]
Arrays = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Endpoint:
    """A function to export.

    Attributes:
        function: takes tensors in the order of `inputs`, and returns a dict of tensors.
        inputs: a named `tf.TensorSpec` for each input. The first dimension is the batch, except for scalars.
        example: returns example inputs for a batch size. Checks and warm-up requests use them.
        method: method name of the signature in TensorFlow Serving. Predict requests can use any signature.
        tables: look-up tables that the function uses. The SavedModel must track them.
    """

    function: Callable[..., Tensors]
    inputs: list[Any]
    example: Callable[[int], Arrays]
    method: str = PREDICT
    tables: Sequence[Any] = field(default=(), kw_only=True)


class Data:
    """The input of a model with one input.

    The name of the input in signatures depends on its shape and dtype: `ids` for int32, `image` for (batch, height,
    width, channels), `sequence` for (batch, time, features) of any length, and otherwise `features`.

    Args:
        model: the model.
        seed: seed of the examples.
        kind: a name for the input. If None, the name depends on the shape and the dtype.

    Attributes:
        shape: shape of an example, without the batch. None means any size.
        kind: name of the input in signatures.
        too_short: the result of `too_short_length`.
    """

    def __init__(self, model: keras.Model, seed: int, kind: str | None = None) -> None:
        (x,) = model.inputs
        self.shape: tuple[int | None, ...] = tuple(x.shape[1:])
        self.kind = kind or _kind(self.shape, x.dtype)
        self.too_short = too_short_length(model)
        self._model = model
        self._rng = np.random.default_rng(seed)

    @property
    def spec(self) -> Any:
        return tf.TensorSpec((None, *self.shape), self._model.inputs[0].dtype, name=self.kind)

    def example(self, batch: int) -> Arrays:
        """Returns random data for `batch` examples. The size of dynamic dimensions depends on the batch size."""
        return {self.kind: random(self._rng, self.spec, batch, self._model)}

    def endpoint(self, function: Callable[[Any], Tensors]) -> Endpoint:
        """Returns an endpoint that applies `function` to this input.

        The endpoint has a new function, because TensorFlow needs a different function for each signature.
        """
        return Endpoint(lambda x: function(x), [self.spec], self.example)

    def image_file_endpoints(
        self, endpoints: dict[str, Endpoint], names: Iterable[str], *, make_grey: bool = False
    ) -> dict[str, Endpoint]:
        """Returns endpoints that take PNG or JPEG files instead of arrays, such as `encode_png` for `encode`.

        Returns an empty dict if the input is not an image of fixed size with one or three channels.

        Args:
            endpoints: endpoints on arrays.
            names: names of the endpoints to convert. Names that are not in `endpoints` are ignored.
            make_grey: whether to convert colour files to grey.
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

        def on_files(function: Callable[..., Tensors]) -> Callable[..., Tensors]:
            return lambda files: function(decode_images(files, shape, make_grey=make_grey))

        return {
            f"{name}_png": Endpoint(on_files(endpoints[name].function), inputs, example)
            for name in names
            if name in endpoints
        }

    def example_endpoint(self, name: str, function: Callable[[Any], Tensors], method: str) -> dict[str, Endpoint]:
        """Returns an endpoint that takes serialized tf.Examples.

        A tf.Example must have one feature with the name of the input: a list with all floats of the input. Returns an
        empty dict if the input has ids or dynamic dimensions.

        Args:
            name: name of the signature.
            function: computes the outputs from the parsed input.
            method: method name of the signature.
        """
        if None in self.shape or self.kind == "ids":
            return {}
        parsing = {self.kind: tf.io.FixedLenFeature(self.shape, tf.float32)}

        def serialized(row: Any) -> bytes:
            feature = tf.train.Feature(float_list=tf.train.FloatList(value=row.ravel()))
            features = tf.train.Features(feature={self.kind: feature})
            return bytes(tf.train.Example(features=features).SerializeToString())

        def example(batch: int) -> Arrays:
            return {INPUTS: np.array([serialized(row) for row in self.example(batch)[self.kind]], object)}

        def on_examples(examples: Any) -> Tensors:
            return function(tf.io.parse_example(examples, parsing)[self.kind])

        return {name: Endpoint(on_examples, [tf.TensorSpec((None,), tf.string, name=INPUTS)], example, method)}


def embed(model: keras.Model, data: Data) -> dict[str, Endpoint]:
    """Returns the endpoint `embed`: the output (batch, n) of the layer named `embedding`.

    Returns an empty dict if no layer has this name. Also returns an empty dict if the layer is a
    `keras.layers.Embedding`, because `embedding` is the default name of such layers.
    """
    layer = {layer.name: layer for layer in model.layers}.get("embedding")
    if layer is None or isinstance(layer, keras.layers.Embedding):
        return {}
    try:
        output = tensor(model, "embedding", "output")
    except InvalidArgument:  # the model calls the layer more than once, or the layer has several outputs
        return {}
    features = keras.Model(model.inputs[0], output)
    return {"embed": data.endpoint(lambda x: {"embedding": features(x, training=False)})}


def label_names(labels: Sequence[str] | None, count: int) -> list[str]:
    """Returns a label for each class, by default "0", "1" and so on.

    Raises InvalidArgument if the number of labels is not `count`.
    """
    if labels is None:
        return [str(number) for number in range(count)]
    if len(labels) != count:
        raise InvalidArgument(f"Expected {count} labels, one for each class. Received: {len(labels)}")
    return list(labels)


def check_count(count: Any, most: int) -> Any:
    """Returns `count`. If `count` is not from 1 to `most`, the graph fails before it allocates memory."""
    message = tf.strings.format(f"Expected a count from 1 to {most}. Received: {{}}", count)
    is_valid = tf.logical_and(count >= 1, count <= most)
    with tf.control_dependencies([tf.debugging.Assert(is_valid, [message])]):
        return tf.identity(count)


def random(rng: np.random.Generator, spec: Any, batch: int, model: keras.Model) -> np.ndarray[Any, Any]:
    """Returns random values for an input of the model: floats in [0, 1), or ids that all `Embedding` layers know."""
    dynamic_size = 8 + too_short_length(model) + batch % 3
    shape = (batch, *(size or dynamic_size for size in spec.shape[1:]))
    if spec.dtype.is_floating:
        return rng.random(shape).astype(spec.dtype.as_numpy_dtype)
    return rng.integers(0, min(table_sizes(model), default=2), shape).astype(spec.dtype.as_numpy_dtype)


def too_short_length(model: keras.Model) -> int:
    """Returns the largest sequence length that is too short for the model's convolution kernels or seasonal period."""
    windows = [layer.kernel_size[0] - 1 for layer in model.layers if isinstance(layer, keras.layers.Conv1D)]
    return int(max([0, *windows, *(getattr(layer, "season", 0) for layer in model.layers)]))


def _kind(shape: tuple[int | None, ...], dtype: str) -> str:
    if dtype == "int32":
        return "ids"
    if len(shape) == 3:
        return "image"
    return "sequence" if len(shape) == 2 and shape[0] is None else "features"


def table_sizes(model: keras.Model) -> list[int]:
    """Returns the number of ids of each `Embedding` layer, including the layers of sub-models."""
    sizes = [layer.input_dim for layer in model.layers if isinstance(layer, keras.layers.Embedding)]
    return sizes + [size for layer in model.layers if isinstance(layer, keras.Model) for size in table_sizes(layer)]
