"""Lists the layers of Keras, with the arguments that people use. Each line is the Python code of a small model.

If the code returns a layer, the model applies this layer to the inputs. In the code, `x` is the input, or the list of
inputs. Keras 2 builds the same models, except those with layers or arguments that it does not have.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from .cases import Case, NotInThisVersion
from .layers_images import IMAGES
from .layers_sequences import SEQUENCES

Inputs = tuple[tuple[tuple[int | None, ...], str], ...]

INPUTS: dict[str, Inputs] = {  # kind of input → shape (without the batch) and dtype of each input
    "vector": (((6,), "float32"),),
    "sequence": (((8, 4), "float32"),),
    "open sequence": (((None, 4), "float32"),),
    "image": (((8, 8, 4), "float32"),),
    "photo": (((16, 16, 3), "float32"),),
    "open photo": (((None, None, 3), "float32"),),
    "bytes": (((8, 8, 3), "uint8"),),
    "volume": (((6, 6, 6, 2), "float32"),),
    "clip": (((5, 8, 8, 2), "float32"),),
    "line of clips": (((5, 8, 2), "float32"),),
    "clip of volumes": (((4, 6, 6, 6, 2), "float32"),),
    "ids": (((8,), "int32"),),
    "id": (((1,), "int32"),),
    "two ids": (((1,), "int32"),) * 2,
    "text": (((1,), "string"),),
    "wave": (((512,), "float32"),),
    "waves": (((512, 1), "float32"),),
    "two vectors": (((6,), "float32"),) * 2,
    "two sequences": (((8, 4), "float32"),) * 2,
    "sequence and state": (((8, 4), "float32"), ((3,), "float32"), ((3,), "float32")),
}

# Public classes that no model of the table has, with the reason.
EXCLUDED = {
    "Layer": "base class",
    "Wrapper": "base class",
    "InputLayer": "part of every model",
    "InputSpec": "not a layer: describes the input of a layer",
    "TFSMLayer": "runs a SavedModel from a path, which the import refuses as a vulnerability",
    "JaxLayer": "needs JAX, and runs code from the file",
    "FlaxLayer": "needs Flax, and runs code from the file",
    "TorchModuleWrapper": "needs PyTorch, and runs code from the file",
    "MaxNumBoundingBoxes": "processes bounding boxes in data pipelines, not in models",
}

_CODE = {
    "vector": """
        Dense(5)
        Dense(5, activation="relu")
        Dense(1, activation="sigmoid")
        Dense(3, activation="softmax")
        Dense(5, use_bias=False, kernel_regularizer="l2")
        Dense(5, kernel_initializer="he_normal", kernel_constraint="max_norm", activation="gelu")
        Dense(5, activation="leaky_relu")
        Dense(5, dtype="float64")
        Dense(5, dtype="mixed_float16")
        RepeatVector(3)
        Identity()
        ActivityRegularization(l2=0.1)
        Dropout(0.3)
        AlphaDropout(0.3)
        GaussianDropout(0.3)
        GaussianNoise(0.3)
        SpectralNormalization(Dense(3))
        Pipeline([Rescaling(0.5), Rescaling(2.0)])
        ReLU()
        ReLU(max_value=6.0)
        ReLU(negative_slope=0.1, threshold=0.5)
        LeakyReLU()
        LeakyReLU(0.2)
        PReLU()
        ELU()
        ELU(alpha=0.7)
        Softmax()
        BatchNormalization()
        BatchNormalization(momentum=0.9, epsilon=1e-5)
        BatchNormalization(center=False, scale=False)
        LayerNormalization()
        LayerNormalization(epsilon=1e-6, center=False)
        RMSNormalization()
        UnitNormalization()
        Normalization(mean=[0.1] * 6, variance=[0.5] * 6)
        Normalization(axis=None, mean=0.1, variance=0.5)
        Rescaling(1 / 255)
        Rescaling(0.5, offset=-1)
        Discretization(bin_boundaries=[0.2, 0.5, 0.8])
        Discretization(bin_boundaries=[0.2, 0.5], output_mode="one_hot")(x[:, :1])
        Lambda(lambda x: x * 2)
    """,
    "two vectors": """
        Add()
        Subtract()
        Multiply()
        Average()
        Maximum()
        Minimum()
        Concatenate()
        Dot(axes=1)
        Dot(axes=1, normalize=True)
        Add()([Dense(3)(x[0]), Dense(3)(x[1])])
    """,
    "two sequences": """
        Concatenate(axis=1)
        Dot(axes=2)
        Dot(axes=(2, 2), normalize=True)
        Attention()
        Attention(use_scale=True, dropout=0.1)
        Attention(score_mode="concat")
        Attention()(x, return_attention_scores=True)
        Attention()(x, use_causal_mask=True)
        AdditiveAttention()
        AdditiveAttention(use_scale=False)
        MultiHeadAttention(2, 3)(x[0], x[1])
        MultiHeadAttention(2, 3, value_dim=5, output_shape=6, dropout=0.1)(x[0], x[1])
        MultiHeadAttention(2, 3, use_bias=False)(x[0], x[1], x[1])
        GroupQueryAttention(3, 4, 2)(x[0], x[1])
    """,
    "ids": """
        Embedding(10, 4)
        Embedding(10, 4, name="tokens")
        LSTM(3)(Embedding(10, 4, mask_zero=True)(x))
        Bidirectional(LSTM(3, return_sequences=True))(Embedding(10, 4, mask_zero=True)(x))
        GlobalAveragePooling1D()(Embedding(10, 4, mask_zero=True)(x))
        MultiHeadAttention(2, 3)(*[Embedding(10, 4, mask_zero=True)(x)] * 2)
        ReversibleEmbedding(10, 4)
        CategoryEncoding(num_tokens=10, output_mode="multi_hot")
        CategoryEncoding(num_tokens=10, output_mode="count")
        Hashing(num_bins=5)
        IntegerLookup(vocabulary=[1, 3, 5])
        IntegerLookup(vocabulary=[1, 3, 5], output_mode="multi_hot")
    """,
    "id": """
        CategoryEncoding(num_tokens=10, output_mode="one_hot")
        IntegerLookup(vocabulary=[1, 3, 5], output_mode="one_hot", num_oov_indices=2)
        Flatten()(Embedding(10, 4)(x))
    """,
    "two ids": """
        HashedCrossing(num_bins=5)
        HashedCrossing(num_bins=5, output_mode="one_hot")
        Dot(axes=2)([Embedding(10, 4)(x[0]), Embedding(10, 4)(x[1])])
    """,
    "text": """
        StringLookup(vocabulary=["red", "green"])
        StringLookup(vocabulary=["red", "green"], output_mode="one_hot")
        StringLookup(vocabulary=["red", "green"], mask_token="", num_oov_indices=2)
        Hashing(num_bins=5)
        Hashing(num_bins=5, salt=3)
        TextVectorization(vocabulary=["red", "green"], output_sequence_length=4)
        TextVectorization(vocabulary=["red", "green"], output_mode="multi_hot")
        TextVectorization(vocabulary=["re", "ed"], ngrams=2, split="character", output_sequence_length=6)
        Dense(3)(StringLookup(vocabulary=["red", "green"], output_mode="one_hot")(x))
    """,
    "wave": "MelSpectrogram(fft_length=64, sequence_stride=32, num_mel_bins=8)",
    "waves": "STFTSpectrogram(frame_length=64, frame_step=32)",
    **SEQUENCES,
    **IMAGES,
}

_ACTIVATIONS = """
    relu relu6 elu selu celu silu gelu mish softmax log_softmax softplus softsign sigmoid log_sigmoid tanh exponential
    linear hard_sigmoid hard_silu hard_tanh hard_shrink soft_shrink tanh_shrink squareplus sparse_plus sparsemax
    sparse_sigmoid glu leaky_relu swish
""".split()

# Layers and arguments that only Keras 2 has.
_KERAS2_ONLY = {
    "vector": """
        ThresholdedReLU(theta=0.5)
        SyncBatchNormalization()
        BatchNormalization(synchronized=True)
        Dense(5, input_shape=(6,))
    """,
    "sequence": """
        LocallyConnected1D(3, 3)
        LSTM(3, implementation=1)
        LSTM(3, time_major=False)
    """,
    "image": """
        LocallyConnected2D(3, 3)
        BatchNormalization(fused=False)
        LayerNormalization(axis=-1)
    """,
}


def codes() -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """Yields the kind of input, the code, and the versions of Keras of each model."""
    for kind, text in _CODE.items():
        for line in filter(None, map(str.strip, text.splitlines())):
            yield kind, line, (3, 2)
    for name in _ACTIVATIONS:
        yield "vector", f'Activation("{name}")', (3, 2)
    for kind, text in _KERAS2_ONLY.items():
        for line in filter(None, map(str.strip, text.splitlines())):
            yield kind, line, (2,)


def build(kind: str, code: str, keras: Any) -> Any:
    """Returns the model of a line of code. Raises NotInThisVersion if Keras does not have the layer or an argument."""
    inputs = [keras.Input(shape, dtype=dtype, name=f"x{at}") for at, (shape, dtype) in enumerate(INPUTS[kind])]
    x = inputs if len(inputs) > 1 else inputs[0]
    try:
        result = eval(code, vars(keras.layers) | {"x": x})
    except (NameError, TypeError, ValueError) as error:
        if keras.__name__ == "tf_keras":
            raise NotInThisVersion(str(error)) from None
        raise
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], result(x) if callable(result) else result)


def cases() -> Iterator[Case]:
    """Yields each layer as `.keras` file of Keras 3, and as `.h5` file of Keras 2. Every sixth also has other formats.

    The other formats are `.h5` for Keras 3, and `.keras` for Keras 2.
    """
    for number, (kind, code, versions) in enumerate(codes()):
        name = code if kind == "vector" else f"{code} of {kind}"
        for version in versions:
            formats = ("keras", "h5") if version == 3 else ("h5", "keras")
            for each in formats if number % 6 == 0 else formats[:1]:
                yield Case("layers", name, partial(build, kind, code), version, each)
