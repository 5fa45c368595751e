"""Layers of the user's own, as tutorials define them. The imports use `--classes tools.import_table.custom_layers`."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

_register = keras.saving.register_keras_serializable("tutorials")


@_register
class GaussianSample(keras.layers.Layer):
    """Draws a code from the normal distribution with the given mean and log variance."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.seed_generator = keras.random.SeedGenerator(1)

    def call(self, inputs: Any) -> Any:
        mean, log_variance = inputs
        noise = keras.random.normal(ops.shape(mean), seed=self.seed_generator)
        return mean + ops.exp(0.5 * log_variance) * noise


@_register
class PatchPositions(keras.layers.Layer):
    """Adds a learned position to each patch."""

    def build(self, shape: Any) -> None:
        self.positions = self.add_weight(shape=shape[1:], name="positions")

    def call(self, patches: Any) -> Any:
        return patches + self.positions


@_register
class TokensAndPositions(keras.layers.Layer):
    """Embeds tokens, and adds the embeddings of their positions."""

    def __init__(self, length: int, vocabulary: int, width: int, **options: Any) -> None:
        super().__init__(**options)
        self._options = {"length": length, "vocabulary": vocabulary, "width": width}
        self.tokens = keras.layers.Embedding(vocabulary, width)
        self.positions = keras.layers.Embedding(length, width)

    def call(self, ids: Any) -> Any:
        return self.tokens(ids) + self.positions(ops.arange(0, ops.shape(ids)[-1]))

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | self._options


@_register
class TransformerBlock(keras.layers.Layer):
    """Attention and two dense layers, each with a residual connection and a normalization."""

    def __init__(self, width: int, heads: int, hidden: int, **options: Any) -> None:
        super().__init__(**options)
        self._options = {"width": width, "heads": heads, "hidden": hidden}
        self.attention = keras.layers.MultiHeadAttention(heads, width // heads)
        self.dense = keras.Sequential([keras.layers.Dense(hidden, activation="relu"), keras.layers.Dense(width)])
        self.norms = [keras.layers.LayerNormalization(epsilon=1e-6) for _ in range(2)]

    def build(self, shape: Any) -> None:
        self.attention.build(shape, shape)
        self.dense.build(shape)
        for norm in self.norms:
            norm.build(shape)

    def call(self, x: Any) -> Any:
        x = self.norms[0](x + self.attention(x, x))
        return self.norms[1](x + self.dense(x))

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | self._options


@_register
class GatedAttention(keras.layers.Layer):
    """Computes the weights of the instances of a bag (multiple instance learning)."""

    def __init__(self, units: int, **options: Any) -> None:
        super().__init__(**options)
        self.units = units

    def build(self, shape: Any) -> None:
        self.value = self.add_weight(shape=(shape[-1], self.units), name="value")
        self.gate = self.add_weight(shape=(shape[-1], self.units), name="gate")
        self.score = self.add_weight(shape=(self.units, 1), name="score")

    def call(self, bag: Any) -> Any:
        gated = ops.tanh(bag @ self.value) * ops.sigmoid(bag @ self.gate)
        return ops.softmax(gated @ self.score, axis=1)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"units": self.units}
