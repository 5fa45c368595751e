"""Helpers for all model types: inputs, tf.Examples, labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ...preparation.description import Pictures, Preparation, Series, Table
from ...preparation.notes import Noted
from ..core.predictions import INPUTS
from ..errors import InvalidArgument
from ..steps.arrays import Count
from ..steps.examples import Examples
from ..steps.ids import Ids
from . import lookups
from .endpoint import PREDICT as PREDICT
from .endpoint import Arrays as Arrays
from .endpoint import Endpoint as Endpoint
from .endpoint import Part as Part
from .endpoint import Tensors as Tensors
from .endpoint import graph_part as graph_part
from .endpoint import joined as joined
from .halves import tensor
from .sizes import example_size, too_short_length


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
        preparation: how training made the inputs from the data. None if it is not known.
        counts: if the input is ids: the number of ids, or of the ids at each position. By default, it is that of the
            `Embedding` layers that read the input, if no other layers do.

    Raises:
        InvalidArgument: the input does not have the shape that the preparation makes.

    Attributes:
        shape: shape of an example, without the batch. None means any size.
        kind: name of the input in signatures.
        too_short: the result of `too_short_length`.
    """

    def __init__(
        self,
        model: keras.Model,
        seed: int,
        kind: str | None = None,
        *,
        pixels: str | None = "0..1",
        preparation: Preparation | None = None,
        counts: Sequence[int] = (),
    ) -> None:
        (x,) = model.inputs
        self.shape: tuple[int | None, ...] = tuple(x.shape[1:])
        self.dtype = keras.backend.standardize_dtype(x.dtype)
        self.kind = kind or _kind(self.shape, self.dtype)
        self.pixels = pixels if len(self.shape) == 3 and self.shape[-1] in (1, 3) else None
        self.too_short = too_short_length(model)
        self.preparation = preparation
        self._check_preparation()
        self._model = model
        self._rng = np.random.default_rng(seed)
        self._graphs: dict[Any, Part] = {}
        known = lookups.id_counts(model, x) if self.kind == "ids" else set()
        self._counts = tuple(counts) or ((min(known),) if known else ())

    @property
    def spec(self) -> Any:
        return tf.TensorSpec((None, *self.shape), self.dtype, name=self.kind)

    def example(self, batch: int) -> Arrays:
        """Returns random data for `batch` examples, for images with values in the range of `pixels`.

        The size of dynamic dimensions depends on the batch size.
        """
        return {self.kind: random(self._rng, self.spec, batch, self._model, self._model.inputs[0], self.pixels)}

    def endpoint(
        self,
        function: Callable[[Any], Tensors],
        *after: Part,
        output_notes: Mapping[str, Noted] | None = None,
    ) -> Endpoint:
        """Returns an endpoint that applies `function` to this input.

        Args:
            function: the model, or a part of it.
            after: parts that compute the outputs from the results of `function`.
            output_notes: what the signature says about its outputs.
        """
        return joined(
            (*self.graph(function), *after),
            [self.spec],
            self.example,
            pixels=self.pixels,
            notes=self.notes,
            output_notes=output_notes or {},
        )

    def graph(self, function: Callable[[Any], Tensors]) -> list[Part]:
        """Returns the parts that apply `function` to this input: a graph, and before it a check of ids."""
        limits = {self.kind: min(self._counts)} if self._counts else {}
        part = self._graphs.setdefault(function, graph_part(function, self.spec, limits=limits))
        return [ids_check(self.kind, self._counts), part] if self._counts else [part]

    @property
    def notes(self) -> dict[str, Noted]:
        """What the signatures for arrays say about the input."""
        return {self.kind: self.preparation} if isinstance(self.preparation, Series | Table) else {}

    def example_endpoint(
        self, name: str, function: Callable[[Any], Tensors], *after: Part, method: str
    ) -> dict[str, Endpoint]:
        """Returns an endpoint that takes serialized tf.Examples.

        A tf.Example must have one feature with the name of the input: a list with all floats of the input. Returns an
        empty dict if the input has ids, texts or dynamic dimensions.

        Args:
            name: name of the signature.
            function: the model, or a part of it.
            after: parts that compute the outputs from the results of `function`.
            method: method name of the signature.
        """
        shape = tuple(size for size in self.shape if size is not None)
        if shape != self.shape or not self.spec.dtype.is_floating:
            return {}
        parsing = {self.kind: tf.io.FixedLenFeature(shape, tf.float32)}

        def serialized(row: Any) -> bytes:
            feature = tf.train.Feature(float_list=tf.train.FloatList(value=row.ravel()))
            features = tf.train.Features(feature={self.kind: feature})
            return bytes(tf.train.Example(features=features).SerializeToString())

        def example(batch: int) -> Arrays:
            return {INPUTS: np.array([serialized(row) for row in self.example(batch)[self.kind]], object)}

        def parse(examples: Any) -> Tensors:
            return {self.kind: tf.cast(tf.io.parse_example(examples, parsing)[self.kind], self.dtype)}

        inputs = [tf.TensorSpec((None,), tf.string, name=INPUTS)]
        step = partial(Examples, INPUTS, self.kind, shape, self.dtype)
        parts = (Part(parse, (INPUTS,), step), *self.graph(function), *after)
        return {name: joined(parts, inputs, example, method=method)}

    def _check_preparation(self) -> None:
        """Raises InvalidArgument if the input does not have the shape that the preparation makes."""
        match self.preparation:
            case Pictures(height=height, width=width):
                wanted: tuple[int | None, ...] = (height, width, *self.shape[2:])
            case Table(encoding="one_hot", width=inputs):
                wanted = (inputs,)
            case Series(columns=columns):
                wanted = (*self.shape[:-1], len(columns))
            case _:
                return
        if len(wanted) != len(self.shape) or any(b not in (None, a) for a, b in zip(wanted, self.shape, strict=True)):
            raise InvalidArgument(f"The preparation makes inputs of shape {wanted}, but the model takes {self.shape}.")


def ids_check(name: str, counts: Sequence[int]) -> Part:
    """Returns the part that refuses unknown ids: see `Ids`. The operations of the TensorFlow graph refuse them, too."""
    return Part(lambda ids: {}, (name,), partial(Ids, name, tuple(counts)))


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


def count_check(most: int, name: str = "count") -> Part:
    """Returns the part that refuses an input `name` that is not from 1 to `most`."""
    return Part(lambda count: {name: check_count(count, most, name)}, (name,), partial(Count, name, most))


def check_count(count: Any, most: int, name: str = "count") -> Any:
    """Returns `count`. If `count` is not from 1 to `most`, the graph fails before it allocates memory."""
    message = tf.strings.format(f"Expected a {name} from 1 to {most}. Received: {{}}", count)
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
