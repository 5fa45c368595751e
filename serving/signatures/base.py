"""What an exported function is, and the forms in which all kinds of models take their data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..errors import InvalidArgument
from ..heads import INPUTS
from ..image_files import decode_images

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
    """

    function: Callable[..., Tensors]
    inputs: list[Any]
    example: Callable[[int], Arrays]
    method: str = PREDICT


class Data:
    """The one input of a model, float32: `image` (batch, height, width, channels), else `features` (batch, …).

    Args:
        shape: its shape without the batch.
        seed: of the examples, which are uniform in [0, 1).
    """

    def __init__(self, shape: tuple[int | None, ...], seed: int) -> None:
        self.kind = "image" if len(shape) == 3 else "features"
        self.shape = shape
        self._rng = np.random.default_rng(seed)

    def example(self, batch: int) -> Arrays:
        """Data for `batch` examples; 8 for a size that is left open."""
        return {self.kind: self._rng.random((batch, *(size or 8 for size in self.shape)), np.float32)}

    def endpoint(self, function: Callable[[Any], Tensors]) -> Endpoint:
        """A function of such data, to export. TensorFlow wants one of its own for each signature."""
        inputs = [tf.TensorSpec((None, *self.shape), tf.float32, name=self.kind)]
        return Endpoint(lambda x: function(x), inputs, self.example)

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

        None where a size is left open: there is no telling how a list is to be folded.
        """
        if None in self.shape:
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
    """`embed`: what the layer `embedding` gives, the features before the head (batch, n). None without such a layer."""
    if "embedding" not in {layer.name for layer in model.layers}:
        return {}
    below = keras.Model(model.inputs, model.get_layer("embedding").output)
    return {"embed": data.endpoint(lambda x: {"embedding": below(x, training=False)})}


def label_names(labels: Sequence[str] | None, count: int) -> list[str]:
    """A label for each class; by default "0", "1" and so on. Raises InvalidArgument where there are not `count`."""
    if labels is None:
        return [str(number) for number in range(count)]
    if len(labels) != count:
        raise InvalidArgument(f"Expected {count} labels, one for each class. Received: {len(labels)}")
    return list(labels)
