"""Which signatures a Keras model is exported with, found by convention: data in, named data out.

A model with sub-models (or layers) named `encoder` and `decoder`

- whose output has its input's shape gets `reconstruct`, `encode`, `decode` and `score`; with a layer named
  `corruption` it was trained to denoise and gets `denoise` too; with layers `mean` and `log_variance` in its encoder
  its codes are normally distributed and it gets `generate`;
- that makes colour images of grey ones gets `colorize` and `encode`.

Images of one or three channels come as PNG or JPEG bytes as well. Any other model gets `serving_default` under the
names of its inputs and outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .image_files import decode_images

MAX_COUNT = 1024  # images of one `generate`

Tensors = dict[str, Any]
Arrays = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Endpoint:
    """A function to export.

    Attributes:
        function: tensors in (in the order of `inputs`), a dict of tensors out.
        inputs: a named `tf.TensorSpec` for each input; the first dimension is the batch, a scalar has none.
        example: makes inputs for a batch size, to check and to warm up with.
    """

    function: Callable[..., Tensors]
    inputs: list[Any]
    example: Callable[[int], Arrays]


def endpoints(model: keras.Model, seed: int = 0) -> dict[str, Endpoint]:
    """The endpoints of a model by signature name, `serving_default` first."""
    names = {layer.name for layer in model.layers}
    if {"encoder", "decoder"} <= names and len(model.inputs) == len(model.outputs) == 1:
        before, after = tuple(model.inputs[0].shape[1:]), tuple(model.outputs[0].shape[1:])
        if before == after:
            return _autoencoder(model, before, seed)
        if len(before) == 3 and (before, after) == ((*before[:2], 1), (*before[:2], 3)):
            return _colorizer(model, before, seed)
    return {"serving_default": _plain(model, seed)}


def _autoencoder(model: keras.Model, shape: tuple[int, ...], seed: int) -> dict[str, Endpoint]:
    """What gives back data of its input's shape."""
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")
    kind = "image" if len(shape) == 3 else "features"
    data, images = _batches(kind, shape, seed)
    code = [tf.TensorSpec((None, *encoder.output_shape[1:]), tf.float32, name="code")]

    def codes(batch: int) -> Arrays:
        return {"code": np.asarray(encoder(images(batch)[kind], training=False))}

    def reconstruct(x: Any) -> Tensors:
        return {"reconstruction": model(x, training=False)}

    def encode(x: Any) -> Tensors:
        return {"code": encoder(x, training=False)}

    def decode(h: Any) -> Tensors:
        return {kind: decoder(h, training=False)}

    def score(x: Any) -> Tensors:
        """Squared error Σ_j (x̂_j − x_j)² of each example: large for what is unlike the training data."""
        error = tf.square(model(x, training=False) - x)
        return {"score": tf.reduce_sum(error, axis=list(range(1, len(shape) + 1)))}

    def denoise(x: Any) -> Tensors:
        return {"denoised": model(x, training=False)}

    found = {
        "serving_default": Endpoint(reconstruct, data, images),
        # TensorFlow wants a function of its own for each signature.
        "reconstruct": Endpoint(lambda x: reconstruct(x), data, images),
        "encode": Endpoint(encode, data, images),
        "decode": Endpoint(decode, code, codes),
        "score": Endpoint(score, data, images),
    }
    if "corruption" in {layer.name for layer in model.layers}:
        found["denoise"] = Endpoint(denoise, data, images)
    if {"mean", "log_variance"} <= {layer.name for layer in getattr(encoder, "layers", [])}:
        found["generate"] = _generator(decoder, kind, tuple(encoder.output_shape[1:]))
    if kind == "image" and shape[-1] in (1, 3) and None not in shape:
        found |= _over_files({name: found[name] for name in ("encode", "denoise") if name in found}, shape)
    return found


def _colorizer(model: keras.Model, shape: tuple[int, ...], seed: int) -> dict[str, Endpoint]:
    """What makes colour images of grey ones; colour files count as the grey ones that they would be."""
    encoder = model.get_layer("encoder")
    grey, images = _batches("image", shape, seed)

    def colorize(x: Any) -> Tensors:
        return {"colorized": model(x, training=False)}

    def encode(x: Any) -> Tensors:
        return {"code": encoder(x, training=False)}

    found = {
        "serving_default": Endpoint(colorize, grey, images),
        "colorize": Endpoint(lambda x: colorize(x), grey, images),
        "encode": Endpoint(encode, grey, images),
    }
    if None not in shape:
        files = {name: found[name] for name in ("colorize", "encode")}
        found |= _over_files(files, shape, make_grey=True)
    return found


def _generator(decoder: Any, kind: str, code_shape: tuple[int, ...]) -> Endpoint:
    """New data: codes drawn from N(0, 1), decoded. The same seed draws the same ones, whoever else draws."""

    def generate(seed: Any, count: Any) -> Tensors:
        refusal = tf.strings.format(f"Expected a count from 1 to {MAX_COUNT}. Received: {{}}", count)
        right = tf.logical_and(count >= 1, count <= MAX_COUNT)
        with tf.control_dependencies([tf.debugging.Assert(right, [refusal])]):  # before any memory is asked for
            size = tf.concat([[count], code_shape], 0)
        codes = tf.random.stateless_normal(size, tf.stack([seed, 0]), alg="philox")  # the same on every device
        return {kind: decoder(codes, training=False)}

    scalars = [tf.TensorSpec((), tf.int64, name="seed"), tf.TensorSpec((), tf.int32, name="count")]
    return Endpoint(generate, scalars, lambda batch: {"seed": np.array(batch), "count": np.array(batch, np.int32)})


def _plain(model: keras.Model, seed: int) -> Endpoint:
    """The model as it is, inputs and outputs under their Keras names."""
    rng = np.random.default_rng(seed)
    specs = [
        tf.TensorSpec((None, *each.shape[1:]), keras.backend.standardize_dtype(each.dtype), name=each.name)
        for each in model.inputs
    ]

    def example(batch: int) -> Arrays:
        arrays = {}
        for spec in specs:
            size = tuple(batch if i == 0 else (d or 3) for i, d in enumerate(spec.shape.as_list()))
            arrays[spec.name] = rng.random(size).astype(spec.dtype.as_numpy_dtype)
        return arrays

    def call(*values: Any) -> Tensors:
        result = model(list(values) if len(values) > 1 else values[0], training=False)
        if isinstance(result, dict):
            return dict(result)
        results = result if isinstance(result, list | tuple) else [result]
        return dict(zip(model.output_names, results, strict=True))

    return Endpoint(call, specs, example)


def _batches(kind: str, shape: tuple[int, ...], seed: int) -> tuple[list[Any], Callable[[int], Arrays]]:
    """The one input `kind` (batch, *shape), float32, and its examples."""
    rng = np.random.default_rng(seed)
    inputs = [tf.TensorSpec((None, *shape), tf.float32, name=kind)]
    return inputs, lambda batch: {kind: rng.random((batch, *(size or 8 for size in shape)), np.float32)}


def _over_files(found: dict[str, Endpoint], shape: tuple[int, ...], *, make_grey: bool = False) -> dict[str, Endpoint]:
    """`encode` as `encode_png` and so on: the same function on files instead of arrays."""
    height, width, channels = shape
    inputs = [tf.TensorSpec((None,), tf.string, name="image_bytes")]
    rng = np.random.default_rng(0)

    def example(batch: int) -> Arrays:
        images = rng.integers(0, 256, (batch, *shape), np.uint8)
        return {"image_bytes": np.array([tf.io.encode_png(image).numpy() for image in images], object)}

    def over_files(function: Callable[..., Tensors]) -> Callable[..., Tensors]:
        return lambda files: function(decode_images(files, (height, width, channels), make_grey=make_grey))

    return {f"{name}_png": Endpoint(over_files(each.function), inputs, example) for name, each in found.items()}
