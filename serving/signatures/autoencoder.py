"""Endpoints of models with an `encoder` and a `decoder`."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .base import Arrays, Data, Endpoint, Tensors, check_count

MAX_COUNT = 1024  # images per `generate` request


def autoencoder(model: keras.Model, data: Data) -> dict[str, Endpoint]:
    """Returns the endpoints of an autoencoder. The model's output must have the same shape as its input."""
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")
    code = [tf.TensorSpec((None, *encoder.output_shape[1:]), tf.float32, name="code")]

    def codes(batch: int) -> Arrays:
        return {"code": np.asarray(encoder(data.example(batch)[data.kind], training=False))}

    def reconstruct(x: Any) -> Tensors:
        return {"reconstruction": model(x, training=False)}

    def encode(x: Any) -> Tensors:
        return {"code": encoder(x, training=False)}

    def decode(h: Any) -> Tensors:
        return {data.kind: decoder(h, training=False)}

    def score(x: Any) -> Tensors:
        """Returns the squared error Σ_j (x̂_j − x_j)² of each example.

        The error is large for data unlike the training data.
        """
        error = tf.square(model(x, training=False) - x)
        return {"score": tf.reduce_sum(error, axis=list(range(1, len(data.shape) + 1)))}

    def denoise(x: Any) -> Tensors:
        return {"denoised": model(x, training=False)}

    endpoints = {
        "serving_default": data.endpoint(reconstruct),
        "reconstruct": data.endpoint(reconstruct),
        "encode": data.endpoint(encode),
        "decode": Endpoint(decode, code, codes),
        "score": data.endpoint(score),
    }
    if "corruption" in {layer.name for layer in model.layers}:
        endpoints["denoise"] = data.endpoint(denoise)
    if {"mean", "log_variance"} <= {layer.name for layer in getattr(encoder, "layers", [])}:
        endpoints["generate"] = _generator(decoder, data.kind, tuple(encoder.output_shape[1:]))
    return endpoints | data.image_file_endpoints(endpoints, ("encode", "denoise"))


def colorizer(model: keras.Model, data: Data) -> dict[str, Endpoint]:
    """Returns the endpoints of a model that colours grey images. Colour image files are converted to grey first."""
    encoder = model.get_layer("encoder")

    def colorize(x: Any) -> Tensors:
        return {"colorized": model(x, training=False)}

    def encode(x: Any) -> Tensors:
        return {"code": encoder(x, training=False)}

    endpoints = {
        "serving_default": data.endpoint(colorize),
        "colorize": data.endpoint(colorize),
        "encode": data.endpoint(encode),
    }
    return endpoints | data.image_file_endpoints(endpoints, ("colorize", "encode"), make_grey=True)


def _generator(decoder: Any, kind: str, code_shape: tuple[int, ...]) -> Endpoint:
    """Returns an endpoint that draws codes from N(0, 1) and decodes them. The same seed always gives the same data.

    The inputs are the scalars `seed` (int64) and `count` (int32, 1 to `MAX_COUNT`).
    """

    def generate(seed: Any, count: Any) -> Tensors:
        size = tf.concat([[check_count(count, MAX_COUNT)], code_shape], 0)
        codes = tf.random.stateless_normal(size, tf.stack([seed, 0]), alg="philox")  # same numbers on every device
        return {kind: decoder(codes, training=False)}

    scalars = [tf.TensorSpec((), tf.int64, name="seed"), tf.TensorSpec((), tf.int32, name="count")]
    return Endpoint(generate, scalars, lambda batch: {"seed": np.array(batch), "count": np.array(batch, np.int32)})
