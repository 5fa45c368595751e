"""Defines samples: a small model for each layer of Keras, and for each option that some runtimes might not support.

`measure.py` runs each sample in every runtime.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import layers as k
from keras import ops


@dataclass(frozen=True)
class Sample:
    """A model to measure.

    Attributes:
        make: returns the layer, or a function from the inputs to the outputs.
        inputs: shape (without the batch) and dtype of each input.
        when: names of the layer's options that the sample measures.
    """

    make: Callable[[], Any]
    inputs: Sequence[tuple[tuple[int | None, ...], str]]
    when: tuple[str, ...] = ()


def _of(*shapes: tuple[int | None, ...], dtype: str = "float32") -> list[tuple[tuple[int | None, ...], str]]:
    return [(shape, dtype) for shape in shapes]


VECTOR, SEQUENCE, IMAGE, VOLUME = _of((6,)), _of((8, 4)), _of((8, 8, 4)), _of((6, 6, 6, 2))
PAIR, PAIR_OF_SEQUENCES = _of((6,), (6,)), _of((8, 4), (8, 4))
IMAGES_OF_TIME, IDS, TEXTS = _of((5, 8, 8, 2)), _of((8,), dtype="int32"), _of((1,), dtype="string")
PHOTO, WAVE, WAVES = _of((16, 16, 3)), _of((512,)), _of((512, 1))


def sample(inputs: Any, make: Callable[[], Any], *when: str) -> Sample:
    return Sample(make, inputs, when)


_BASIC = [
    sample(VECTOR, lambda: k.Dense(5, activation="relu")),
    sample(SEQUENCE, lambda: k.Dense(5)),
    sample(SEQUENCE, lambda: k.EinsumDense("abc,cd->abd", output_shape=(None, 5), bias_axes="d")),
    sample(IDS, lambda: k.Embedding(10, 4)),
    sample(IDS, lambda: k.ReversibleEmbedding(10, 4)),
    sample(SEQUENCE, lambda: k.Flatten()),
    sample(SEQUENCE, lambda: k.Reshape((4, 8))),
    sample(SEQUENCE, lambda: k.Permute((2, 1))),
    sample(VECTOR, lambda: k.RepeatVector(3)),
    sample(VECTOR, lambda: k.Identity()),
    sample(VECTOR, lambda: k.ActivityRegularization(0.1)),
    sample(VECTOR, lambda: k.Dropout(0.3)),
    sample(VECTOR, lambda: k.AlphaDropout(0.3)),
    sample(VECTOR, lambda: k.GaussianDropout(0.3)),
    sample(VECTOR, lambda: k.GaussianNoise(0.3)),
    sample(SEQUENCE, lambda: k.SpatialDropout1D(0.3)),
    sample(IMAGE, lambda: k.SpatialDropout2D(0.3)),
    sample(VOLUME, lambda: k.SpatialDropout3D(0.3)),
    sample(SEQUENCE, lambda: k.TimeDistributed(k.Dense(3)), "of"),
    sample(IMAGES_OF_TIME, lambda: k.TimeDistributed(k.Conv2D(3, 3)), "of"),
    sample(VECTOR, lambda: k.SpectralNormalization(k.Dense(3))),
    sample(VECTOR, lambda: k.Pipeline([k.Rescaling(0.5), k.Rescaling(2.0)])),
]

_ACTIVATIONS = [
    *(
        sample(VECTOR, partial(k.Activation, name), "activation")
        for name in (
            *("relu", "relu6", "elu", "selu", "celu", "silu", "gelu", "mish", "softmax", "log_softmax", "softplus"),
            *("softsign", "sigmoid", "log_sigmoid", "tanh", "exponential", "linear", "hard_sigmoid", "hard_silu"),
            *("hard_tanh", "hard_shrink", "soft_shrink", "tanh_shrink", "squareplus", "sparse_plus", "sparsemax"),
            *("sparse_sigmoid", "glu", "leaky_relu"),
        )
    ),
    sample(VECTOR, lambda: k.ReLU()),
    sample(VECTOR, lambda: k.ReLU(max_value=0.5), "max_value"),
    sample(VECTOR, lambda: k.ReLU(negative_slope=0.1, threshold=0.5), "negative_slope"),
    sample(VECTOR, lambda: k.ReLU(threshold=0.5), "threshold"),
    sample(VECTOR, lambda: k.LeakyReLU(0.2)),
    sample(VECTOR, lambda: k.PReLU()),
    sample(IMAGE, lambda: k.PReLU(shared_axes=[1, 2]), "shared_axes"),
    sample(VECTOR, lambda: k.ELU()),
    sample(VECTOR, lambda: k.ELU(0.7), "alpha"),
    sample(VECTOR, lambda: k.Softmax()),
]

_MERGING = [
    *(sample(PAIR, make) for make in (k.Add, k.Subtract, k.Multiply, k.Average, k.Maximum, k.Minimum, k.Concatenate)),
    sample(PAIR_OF_SEQUENCES, lambda: k.Concatenate(axis=1), "axis"),
    sample(PAIR, lambda: k.Dot(1)),
    sample(PAIR_OF_SEQUENCES, lambda: k.Dot((2, 2), normalize=True), "normalize"),
]

_NORMALIZATION = [
    sample(VECTOR, lambda: k.BatchNormalization()),
    sample(IMAGE, lambda: k.BatchNormalization(axis=1), "axis"),
    sample(IMAGE, lambda: k.BatchNormalization(renorm=True), "renorm"),
    sample(VECTOR, lambda: k.LayerNormalization()),
    sample(IMAGE, lambda: k.LayerNormalization(axis=[1, 2]), "axis"),
    sample(IMAGE, lambda: k.GroupNormalization(2)),
    sample(VECTOR, lambda: k.RMSNormalization()),
    sample(VECTOR, lambda: k.UnitNormalization()),
    sample(VECTOR, lambda: k.Normalization(mean=[0.1] * 6, variance=[0.5] * 6)),
    sample(VECTOR, lambda: k.Rescaling(0.5, 0.1)),
]

_ATTENTION = [
    sample(PAIR_OF_SEQUENCES, lambda: k.Attention()),
    sample(PAIR_OF_SEQUENCES, lambda: k.Attention(use_scale=True, score_mode="concat"), "score_mode"),
    sample(PAIR_OF_SEQUENCES, lambda: k.AdditiveAttention()),
    sample(PAIR_OF_SEQUENCES, lambda: _unpacked(k.MultiHeadAttention(2, 3))),
    sample(PAIR_OF_SEQUENCES, lambda: _unpacked(k.MultiHeadAttention(2, 3, use_gate=True)), "use_gate"),
    sample(PAIR_OF_SEQUENCES, lambda: _unpacked(k.MultiHeadAttention(2, 3, sliding_window=2)), "sliding_window"),
    sample(PAIR_OF_SEQUENCES, lambda: _unpacked(k.GroupQueryAttention(3, 4, 2))),
]


def _unpacked(layer: Any) -> Any:
    """Returns a function that calls the layer with separate arguments instead of a list."""
    layer.name = "sample"
    return lambda inputs: layer(*inputs)


def _functional(call: Callable[[Any], Any]) -> Callable[[], Any]:
    return lambda: call


def _from_state(inputs: Any) -> Any:
    return k.LSTM(3)(inputs[0], initial_state=inputs[1:])


def _nested(x: Any) -> Any:
    inner = keras.Input((6,), name="code")
    return keras.Model(inner, k.Dense(3)(inner), name="encoder")(x)


def _sequential(x: Any) -> Any:
    return keras.Sequential([keras.Input((6,)), k.Dense(3)], name="encoder")(x)


def _shared(x: Any) -> Any:
    layer = k.Dense(6)
    return layer(layer(x))


DTYPES = (
    *("float16", "bfloat16", "float64", "mixed_float16", "mixed_bfloat16"),
    *("int8_from_float32", "int4_from_float32", "float8_from_float32"),
)

OPERATIONS: dict[str, Callable[[Any], Any]] = {  # operations of keras.ops; a functional model stores them like layers
    "Add": lambda x: ops.add(x, 0.5),
    "Subtract": lambda x: ops.subtract(x, 0.5),
    "Multiply": lambda x: ops.multiply(x, 0.5),
    "Divide": lambda x: ops.divide(x, 0.5),
    "TrueDivide": lambda x: ops.true_divide(x, 0.5),
    "Power": lambda x: ops.power(x, 2.0),
    "Negative": ops.negative,
    "Absolute": ops.absolute,
    "Square": ops.square,
    "Sqrt": ops.sqrt,
    "Exp": ops.exp,
    "Log": ops.log,
    "Clip": lambda x: ops.clip(x, 0.2, 0.6),
    "Maximum": lambda x: ops.maximum(x, 0.5),
    "Minimum": lambda x: ops.minimum(x, 0.5),
    "Mean": lambda x: ops.mean(x, axis=1),
    "Sum": lambda x: ops.sum(x, axis=1),
    "Max": lambda x: ops.max(x, axis=1),
    "Min": lambda x: ops.min(x, axis=1),
    "Argmax": lambda x: ops.argmax(x, axis=1),
    "Reshape": lambda x: ops.reshape(x, (-1, 2, 3)),
    "Transpose": lambda x: ops.transpose(x, (1, 0)),
    "ExpandDims": lambda x: ops.expand_dims(x, 1),
    "Concatenate": lambda x: ops.concatenate([x, x], 1),
    "Stack": lambda x: ops.stack([x, x], 1),
    "GetItem": lambda x: x[:, 1:3],
    "Matmul": lambda x: ops.matmul(x, np.ones((6, 2), np.float32)),
    "Einsum": lambda x: ops.einsum("ab,cb->ac", x, x),
    "Where": lambda x: ops.where(x > 0.5, x, 0.0),
    "Cast": lambda x: ops.cast(x, "int32"),
    "Pad": lambda x: ops.pad(x, ((0, 0), (1, 1))),
    "Roll": lambda x: ops.roll(x, 1, axis=1),
    "Split": lambda x: ops.split(x, 2, axis=1)[0],
    "Squeeze": lambda x: ops.squeeze(ops.expand_dims(x, 1), 1),
    "Take": lambda x: ops.take(x, np.array([0, 2]), axis=1),
    "Repeat": lambda x: ops.repeat(x, 2, axis=1),
    "Tile": lambda x: ops.tile(x, (1, 2)),
    "Flip": lambda x: ops.flip(x, axis=1),
    "Equal": lambda x: ops.equal(x, 0.5),
    "NotEqual": lambda x: ops.not_equal(x, 0.5),
    "Greater": lambda x: ops.greater(x, 0.5),
    "Less": lambda x: ops.less(x, 0.5),
    "LogicalNot": lambda x: ops.logical_not(ops.greater(x, 0.5)),
    "Any": lambda x: ops.any(ops.greater(x, 0.5), axis=1),
    "Prod": lambda x: ops.prod(x, axis=1),
    "Std": lambda x: ops.std(x, axis=1),
    "Var": lambda x: ops.var(x, axis=1),
    "Log1p": ops.log1p,
    "Sign": ops.sign,
    "Floor": ops.floor,
    "Relu": ops.relu,
    "Sigmoid": ops.sigmoid,
    "Tanh": ops.tanh,
    "Softmax": ops.softmax,
    "Normalize": ops.normalize,
    "OneHot": lambda x: ops.one_hot(ops.cast(x, "int32"), 3),
}

MODELS: dict[str, Sample] = {  # samples of whole models; the key is layer:option or layer:option=value
    "Functional:nested": Sample(_functional(_nested), VECTOR),
    "Sequential:nested": Sample(_functional(_sequential), VECTOR),
    "Layer:shared": Sample(_functional(_shared), VECTOR),
    "Layer:odd_name": Sample(lambda: k.Dense(3, name="größe 1.0 (a+b)"), VECTOR),
    "Model:several_inputs": Sample(lambda: k.Concatenate(), PAIR),
    "Model:several_outputs": Sample(_functional(lambda x: [k.Dense(2)(x), k.Dense(3)(x)]), VECTOR),
    "Model:named_outputs": Sample(_functional(lambda x: {"a": k.Dense(2)(x), "b": k.Dense(3)(x)}), VECTOR),
    "InputLayer:open_sizes": Sample(lambda: k.Conv1D(3, 2), _of((None, 4))),
    "InputLayer:open_images": Sample(lambda: k.Conv2D(3, 2), _of((None, None, 3))),
    "InputLayer:dtype=int32": Sample(lambda: k.Embedding(10, 4), IDS),
    "InputLayer:dtype=int64": Sample(lambda: k.Embedding(10, 4), _of((8,), dtype="int64")),
    "InputLayer:dtype=uint8": Sample(lambda: k.Rescaling(1 / 255), _of((8, 8, 3), dtype="uint8")),
    "InputLayer:dtype=bool": Sample(lambda: k.Rescaling(1.0), _of((8,), dtype="bool")),
    "InputLayer:dtype=float16": Sample(lambda: k.Dense(3), _of((8,), dtype="float16")),
    "InputLayer:dtype=float64": Sample(lambda: k.Dense(3), _of((8,), dtype="float64")),
    "InputLayer:dtype=string": Sample(lambda: k.StringLookup(vocabulary=["a", "b"]), TEXTS),
    **{f"Layer:dtype={name}": Sample(partial(k.Dense, 5, dtype=name), VECTOR) for name in DTYPES},
    "Layer:initial_state": Sample(_functional(_from_state), _of((8, 4), (3,), (3,))),
    "Embedding:mask_zero": Sample(_functional(lambda x: k.LSTM(3)(k.Embedding(10, 4, mask_zero=True)(x))), IDS),
    "Masking:": Sample(_functional(lambda x: k.LSTM(3)(k.Masking()(x))), SEQUENCE),
    **{f"ops.{name}:": Sample(_functional(call), VECTOR) for name, call in OPERATIONS.items()},
}

GROUPS = [*_BASIC, *_ACTIVATIONS, *_MERGING, *_NORMALIZATION, *_ATTENTION]
