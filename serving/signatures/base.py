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
from . import lookups
from .halves import tensor
from .image_files import decode_images
from .sizes import example_size, too_short_length

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
        pixels: range of the pixel values in images or image files, such as "0..255". None if there are no images, or
            if the range is not known.
    """

    function: Callable[..., Tensors]
    inputs: list[Any]
    example: Callable[[int], Arrays]
    method: str = PREDICT
    tables: Sequence[Any] = field(default=(), kw_only=True)
    pixels: str | None = field(default=None, kw_only=True)


class Data:
    """The input of a model with one input.

    The name of the input in signatures depends on its shape and dtype: `ids` for int32 and int64, `text` for one string
    for each example, `image` for (batch, height, width, channels), `sequence` for (batch, time, features) of any
    length, and otherwise `features`.

    Args:
        model: the model.
        seed: seed of the examples.
        kind: a name for the input. If None, the name depends on the shape and the dtype.
        pixels: if the input is images: the range of the pixel values, such as "0..255". None if it is not known.

    Attributes:
        shape: shape of an example, without the batch. None means any size.
        kind: name of the input in signatures.
        too_short: the result of `too_short_length`.
    """

    def __init__(self, model: keras.Model, seed: int, kind: str | None = None, *, pixels: str | None = "0..1") -> None:
        (x,) = model.inputs
        self.shape: tuple[int | None, ...] = tuple(x.shape[1:])
        self.dtype = keras.backend.standardize_dtype(x.dtype)
        self.kind = kind or _kind(self.shape, self.dtype)
        self.pixels = pixels if len(self.shape) == 3 and self.shape[-1] in (1, 3) else None
        self.too_short = too_short_length(model)
        self._model = model
        self._rng = np.random.default_rng(seed)

    @property
    def spec(self) -> Any:
        return tf.TensorSpec((None, *self.shape), self.dtype, name=self.kind)

    def example(self, batch: int) -> Arrays:
        """Returns random data for `batch` examples, for images with values in the range of `pixels`.

        The size of dynamic dimensions depends on the batch size.
        """
        return {self.kind: random(self._rng, self.spec, batch, self._model, self._model.inputs[0], self.pixels)}

    def endpoint(self, function: Callable[[Any], Tensors]) -> Endpoint:
        """Returns an endpoint that applies `function` to this input.

        The endpoint has a new function, because TensorFlow needs a different function for each signature.
        """
        return Endpoint(lambda x: function(x), [self.spec], self.example, pixels=self.pixels)

    def image_file_endpoints(
        self, endpoints: dict[str, Endpoint], names: Iterable[str], *, make_grey: bool = False
    ) -> dict[str, Endpoint]:
        """Returns endpoints that take PNG or JPEG files instead of arrays, such as `encode_png` for `encode`.

        Returns an empty dict if the input is not an image of fixed size with one or three channels, or if the range of
        the pixel values is not known.

        Args:
            endpoints: endpoints on arrays.
            names: names of the endpoints to convert. Names that are not in `endpoints` are ignored.
            make_grey: whether to convert colour files to grey.
        """
        if self.pixels is None:
            return {}
        height, width, channels = self.shape
        if height is None or width is None or channels is None:
            return {}
        pixels, dtype = self.pixels, self.dtype
        shape = (height, width, channels)
        inputs = [tf.TensorSpec((None,), tf.string, name="image_bytes")]
        rng = np.random.default_rng(0)

        def example(batch: int) -> Arrays:
            images = rng.integers(0, 256, (batch, *shape), np.uint8)
            return {"image_bytes": np.array([tf.io.encode_png(image).numpy() for image in images], object)}

        def on_files(function: Callable[..., Tensors]) -> Callable[..., Tensors]:
            return lambda files: function(decode_images(files, shape, make_grey=make_grey, pixels=pixels, dtype=dtype))

        return {
            f"{name}_png": Endpoint(on_files(endpoints[name].function), inputs, example, pixels=pixels)
            for name in names
            if name in endpoints
        }

    def example_endpoint(self, name: str, function: Callable[[Any], Tensors], method: str) -> dict[str, Endpoint]:
        """Returns an endpoint that takes serialized tf.Examples.

        A tf.Example must have one feature with the name of the input: a list with all floats of the input. Returns an
        empty dict if the input has ids, texts or dynamic dimensions.

        Args:
            name: name of the signature.
            function: computes the outputs from the parsed input.
            method: method name of the signature.
        """
        if None in self.shape or not self.spec.dtype.is_floating:
            return {}
        parsing = {self.kind: tf.io.FixedLenFeature(self.shape, tf.float32)}

        def serialized(row: Any) -> bytes:
            feature = tf.train.Feature(float_list=tf.train.FloatList(value=row.ravel()))
            features = tf.train.Features(feature={self.kind: feature})
            return bytes(tf.train.Example(features=features).SerializeToString())

        def example(batch: int) -> Arrays:
            return {INPUTS: np.array([serialized(row) for row in self.example(batch)[self.kind]], object)}

        def on_examples(examples: Any) -> Tensors:
            return function(tf.cast(tf.io.parse_example(examples, parsing)[self.kind], self.dtype))

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


def random(
    rng: np.random.Generator, spec: Any, batch: int, model: keras.Model, source: Any = None, pixels: str | None = None
) -> np.ndarray[Any, Any]:
    """Returns random values for an input of the model.

    Floats are in [0, 1), or in the range of the pixel values. Ids are known to all `Embedding` layers. Texts and
    categories are known to the layers with a vocabulary, or are an unknown word if the layer allows it.

    Args:
        rng: the source of random numbers.
        spec: the `tf.TensorSpec` of the input.
        batch: the batch size.
        model: the model.
        source: the input in the model. Required for texts and categories.
        pixels: if the input is images: the range of the pixel values, such as "0..255". None if it is not known.
    """
    dynamic_size = example_size(model, batch) if None in spec.shape[1:] else 8 + batch % 3
    shape = (batch, *(size or dynamic_size for size in spec.shape[1:]))
    if spec.dtype.is_floating:
        low, high = map(float, (pixels or "0..1").split(".."))
        return (low + (high - low) * rng.random(shape)).astype(spec.dtype.as_numpy_dtype)
    layers = lookups.lookup_layers(model, source) if source is not None else []
    if layers or spec.dtype == tf.string:
        return lookups.example_values(rng, layers, shape, dynamic_size).astype(spec.dtype.as_numpy_dtype)
    most = min(table_sizes(model), default=256 if spec.dtype == tf.uint8 else 2)
    return rng.integers(0, most, shape).astype(spec.dtype.as_numpy_dtype)


def _kind(shape: tuple[int | None, ...], dtype: str) -> str:
    if dtype in ("int32", "int64"):
        return "ids"
    if dtype == "string":
        return "text" if shape in ((), (1,)) else "features"
    if len(shape) == 3:
        return "image"
    return "sequence" if len(shape) == 2 and shape[0] is None else "features"


def table_sizes(model: keras.Model) -> list[int]:
    """Returns the number of ids of each `Embedding` layer, including the layers of sub-models."""
    sizes = [layer.input_dim for layer in model.layers if isinstance(layer, keras.layers.Embedding)]
    return sizes + [size for layer in model.layers if isinstance(layer, keras.Model) for size in table_sizes(layer)]
