"""Endpoints of models with an `encoder` and a `decoder`."""

from __future__ import annotations

from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ...preparation.description import Pictures
from ..steps.normal import NormalCodes
from .base import Arrays, Data, Endpoint, Part, Tensors, check_count, graph_part, joined
from .halves import Halves
from .image_files import image_file_endpoints

MAX_COUNT = 1024  # images per `generate` request


def autoencoder(model: keras.Model, data: Data, halves: Halves) -> dict[str, Endpoint]:
    """Returns the endpoints of an autoencoder. The model's output must have the same shape as its input.

    `serving_default` calls the model. If the decoder of the model reads a random sample, the other endpoints decode
    the mean, so that the same input always has the same reconstruction.
    """
    encoder, decoder = halves.encoder, halves.decoder
    threshold = data.preparation.threshold if data.preparation else None
    spec = encoder.outputs[0]
    code = [tf.TensorSpec((None, *spec.shape[1:]), keras.backend.standardize_dtype(spec.dtype), name="code")]

    def codes(batch: int) -> Arrays:
        return {"code": np.asarray(encoder(data.example(batch)[data.kind], training=False))}

    def whole(x: Any) -> Tensors:
        return {"reconstruction": model(x, training=False)}

    def reconstruction(x: Any) -> Any:
        return decoder(encoder(x, training=False), training=False) if halves.is_mean else model(x, training=False)

    def reconstruct(x: Any) -> Tensors:
        return {"reconstruction": reconstruction(x)}

    def encode(x: Any) -> Tensors:
        return {"code": encoder(x, training=False)}

    def encode_all(x: Any) -> Tensors:
        return dict(halves.outputs(x, training=False)) if halves.outputs else {}

    def decode(h: Any) -> Tensors:
        return {data.kind: decoder(h, training=False)}

    def score(x: Any) -> Tensors:
        """Returns the squared error Σ_j (x̂_j − x_j)² of each example, and whether it is above the threshold.

        The error is large for data unlike the training data. Without a threshold, there is only the error.
        """
        error = tf.square(tf.cast(reconstruction(x), x.dtype) - x)
        found = tf.reduce_sum(error, axis=list(range(1, len(data.shape) + 1)))
        return {"score": found} | ({"anomaly": found > threshold.value} if threshold else {})

    def denoise(x: Any) -> Tensors:
        return {"denoised": reconstruction(x)}

    decoded = graph_part(decode, *code)
    endpoints = {
        "serving_default": data.endpoint(whole),
        "reconstruct": data.endpoint(reconstruct),
        "encode": data.endpoint(encode),
        "decode": joined([decoded], code, codes),
        "score": data.endpoint(score, output_notes={"anomaly": threshold} if threshold else None),
    }
    if halves.outputs:
        endpoints["encode_all"] = data.endpoint(encode_all)
    if "corruption" in {layer.name for layer in model.layers}:
        endpoints["denoise"] = data.endpoint(denoise)
    if {"mean", "log_variance"} <= {layer.name for layer in getattr(model.get_layer("encoder"), "layers", [])}:
        endpoints["generate"] = _generator(decoded)
    # Without a preparation, clients can send such pictures as arrays: they have the size of the model's images.
    prepared = ("reconstruct", "score") if isinstance(data.preparation, Pictures) else ()
    return endpoints | image_file_endpoints(data, endpoints, ("encode", "denoise", *prepared))


def colorizer(model: keras.Model, data: Data, encoder: keras.Model) -> dict[str, Endpoint]:
    """Returns the endpoints of a model that colours grey images. Colour image files are converted to grey first."""

    def colorize(x: Any) -> Tensors:
        return {"colorized": model(x, training=False)}

    def encode(x: Any) -> Tensors:
        return {"code": encoder(x, training=False)}

    endpoints = {
        "serving_default": data.endpoint(colorize),
        "colorize": data.endpoint(colorize),
        "encode": data.endpoint(encode),
    }
    return endpoints | image_file_endpoints(data, endpoints, ("colorize", "encode"), make_grey=True)


def _generator(decode: Part) -> Endpoint:
    """Returns an endpoint that draws codes from N(0, 1) and decodes them. The same seed always gives the same data.

    The inputs are the scalars `seed` (int64) and `count` (int32, 1 to `MAX_COUNT`).

    Args:
        decode: the graph that decodes codes.
    """
    (code,) = decode.specs
    shape, dtype = tuple(code.shape[1:]), code.dtype

    def draw(seed: Any, count: Any) -> Tensors:
        size = tf.concat([[check_count(count, MAX_COUNT)], shape], 0)
        codes = tf.random.stateless_normal(size, tf.stack([seed, 0]), alg="philox")  # same numbers on every device
        return {code.name: tf.cast(codes, dtype)}

    scalars = [tf.TensorSpec((), tf.int64, name="seed"), tf.TensorSpec((), tf.int32, name="count")]
    step = partial(NormalCodes, "seed", "count", code.name, shape, dtype.name, MAX_COUNT)
    parts = [Part(draw, ("seed", "count"), step), decode]
    return joined(parts, scalars, lambda batch: {"seed": np.array(batch), "count": np.array(batch, np.int32)})
