"""The endpoints of models with an `encoder` and a `decoder`."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .base import Arrays, Data, Endpoint, Tensors, bounded

MAX_COUNT = 1024  # images of one `generate`


def autoencoder(model: keras.Model, data: Data) -> dict[str, Endpoint]:
    """What gives back data of its input's shape."""
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
        """Squared error Σ_j (x̂_j − x_j)² of each example: large for what is unlike the training data."""
        error = tf.square(model(x, training=False) - x)
        return {"score": tf.reduce_sum(error, axis=list(range(1, len(data.shape) + 1)))}

    def denoise(x: Any) -> Tensors:
        return {"denoised": model(x, training=False)}

    found = {
        "serving_default": data.endpoint(reconstruct),
        "reconstruct": data.endpoint(reconstruct),
        "encode": data.endpoint(encode),
        "decode": Endpoint(decode, code, codes),
        "score": data.endpoint(score),
    }
    if "corruption" in {layer.name for layer in model.layers}:
        found["denoise"] = data.endpoint(denoise)
    if {"mean", "log_variance"} <= {layer.name for layer in getattr(encoder, "layers", [])}:
        found["generate"] = _generator(decoder, data.kind, tuple(encoder.output_shape[1:]))
    return found | data.over_files(found, ("encode", "denoise"))


def colorizer(model: keras.Model, data: Data) -> dict[str, Endpoint]:
    """What makes colour images of grey ones; colour files count as the grey ones that they would be."""
    encoder = model.get_layer("encoder")

    def colorize(x: Any) -> Tensors:
        return {"colorized": model(x, training=False)}

    def encode(x: Any) -> Tensors:
        return {"code": encoder(x, training=False)}

    found = {
        "serving_default": data.endpoint(colorize),
        "colorize": data.endpoint(colorize),
        "encode": data.endpoint(encode),
    }
    return found | data.over_files(found, ("colorize", "encode"), make_grey=True)


def _generator(decoder: Any, kind: str, code_shape: tuple[int, ...]) -> Endpoint:
    """New data: codes drawn from N(0, 1), decoded. The same seed draws the same ones, whoever else draws."""

    def generate(seed: Any, count: Any) -> Tensors:
        size = tf.concat([[bounded(count, MAX_COUNT)], code_shape], 0)
        codes = tf.random.stateless_normal(size, tf.stack([seed, 0]), alg="philox")  # the same on every device
        return {kind: decoder(codes, training=False)}

    scalars = [tf.TensorSpec((), tf.int64, name="seed"), tf.TensorSpec((), tf.int32, name="count")]
    return Endpoint(generate, scalars, lambda batch: {"seed": np.array(batch), "count": np.array(batch, np.int32)})
