"""Which signatures a Keras model is exported with, found by convention: data in, named data out.

A model with sub-models (or layers) named `encoder` and `decoder` gets `reconstruct`, `encode`, `decode` and `score`;
one with a layer named `corruption` was trained to denoise and gets `denoise` too; images of one or three channels
come as PNG or JPEG bytes as well. Any other model gets `serving_default` under the names of its inputs and outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

Tensors = dict[str, Any]


@dataclass(frozen=True)
class Endpoint:
    """A function to export.

    Attributes:
        function: tensors in (in the order of `inputs`), a dict of tensors out.
        inputs: a named `tf.TensorSpec` for each input; the first dimension is the batch.
        example: makes input arrays for a batch size, to check and to warm up with.
        same_as: another signature, before this one, with the same function, inputs and outputs.
    """

    function: Callable[..., Tensors]
    inputs: list[Any]
    example: Callable[[int], dict[str, np.ndarray[Any, Any]]]
    same_as: str = ""


def endpoints(model: keras.Model, seed: int = 0) -> dict[str, Endpoint]:
    """The endpoints of a model by signature name, `serving_default` first."""
    names = {layer.name for layer in model.layers}
    if not {"encoder", "decoder"} <= names:
        return {"serving_default": _plain(model, seed)}
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")
    shape = tuple(model.input_shape[1:])
    kind = "image" if len(shape) == 3 else "features"
    rng = np.random.default_rng(seed)
    data = [tf.TensorSpec((None, *shape), tf.float32, name=kind)]
    code = [tf.TensorSpec((None, *encoder.output_shape[1:]), tf.float32, name="code")]

    def images(batch: int) -> dict[str, np.ndarray[Any, Any]]:
        return {kind: rng.random((batch, *shape), np.float32)}

    def codes(batch: int) -> dict[str, np.ndarray[Any, Any]]:
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
        "reconstruct": Endpoint(lambda x: reconstruct(x), data, images, same_as="serving_default"),
        "encode": Endpoint(encode, data, images),
        "decode": Endpoint(decode, code, codes),
        "score": Endpoint(score, data, images),
    }
    if "corruption" in names:
        found["denoise"] = Endpoint(denoise, data, images)
    if kind == "image" and shape[-1] in (1, 3) and None not in shape:
        found |= _image_endpoints({name: found[name] for name in ("encode", "denoise") if name in found}, shape)
    return found


def _plain(model: keras.Model, seed: int) -> Endpoint:
    """The model as it is, inputs and outputs under their Keras names."""
    rng = np.random.default_rng(seed)
    specs = [
        tf.TensorSpec((None, *each.shape[1:]), keras.backend.standardize_dtype(each.dtype), name=each.name)
        for each in model.inputs
    ]

    def example(batch: int) -> dict[str, np.ndarray[Any, Any]]:
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


def _image_endpoints(found: dict[str, Endpoint], shape: tuple[int, int, int]) -> dict[str, Endpoint]:
    """`encode` as `encode_png` and so on: the same function on files instead of arrays."""
    files = [tf.TensorSpec((None,), tf.string, name="image_bytes")]
    rng = np.random.default_rng(0)

    def example(batch: int) -> dict[str, np.ndarray[Any, Any]]:
        images = rng.integers(0, 256, (batch, *shape), np.uint8)
        return {"image_bytes": np.array([tf.io.encode_png(image).numpy() for image in images], object)}

    def over_files(function: Callable[..., Tensors]) -> Callable[..., Tensors]:
        return lambda image_bytes: function(decode_images(image_bytes, shape))

    return {f"{name}_png": Endpoint(over_files(each.function), files, example) for name, each in found.items()}


def decode_images(files: Any, shape: tuple[int, int, int]) -> Any:
    """PNG or JPEG files (batch,) as images (batch, height, width, channels), float32 in [0, 1].

    The size is read from the file's header first, so that a small file can't claim a huge picture.

    Raises (as the graph runs): InvalidArgumentError for anything but a PNG or JPEG of just this size and number of
        channels.
    """

    def one(file: Any) -> Any:
        is_jpeg = tf.equal(tf.strings.substr(file, 0, 3), b"\xff\xd8\xff")
        size = tf.cond(is_jpeg, lambda: tf.image.extract_jpeg_shape(file)[:2], lambda: _png_size(file))
        expected = f"Expected a picture of {shape[0]}x{shape[1]} pixels (height x width). Received:"
        with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(size == shape[:2]), [expected, size])]):
            pixels = tf.io.decode_image(file, expand_animations=False)
        channels = tf.shape(pixels)[-1]
        wanted = f"Expected a picture of {shape[2]} channel(s). Received:"
        with tf.control_dependencies([tf.debugging.Assert(channels == shape[2], [wanted, channels])]):
            return tf.reshape(tf.cast(pixels, tf.float32) / 255.0, shape)

    return tf.map_fn(one, files, fn_output_signature=tf.TensorSpec(shape, tf.float32))


def _png_size(file: Any) -> Any:
    """(height, width) from a PNG's header; (−1, −1) for other bytes."""
    is_png = tf.equal(tf.strings.substr(file, 0, 8), b"\x89PNG\r\n\x1a\n")
    long_enough = tf.strings.length(file) >= 24

    def read() -> Any:
        width_height = tf.io.decode_raw(tf.strings.substr(file, 16, 8), tf.int32, little_endian=False)
        return tf.reverse(width_height, [0])

    return tf.cond(tf.logical_and(is_png, long_enough), read, lambda: tf.constant([-1, -1]))
