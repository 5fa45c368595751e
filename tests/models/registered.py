"""Parameter counts, small variants and inputs of all models, for tests of every model. Add new models here."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras_gallery.models import create, describe, list_models
from keras_gallery.models.losses import BoxDistance, CellCrossentropy, SquaredError

# The parameter count of every model with its defaults. A dense layer with a inputs and b outputs has a·b + b of them.
# "norm" counts the normalisation layers. A layer for d features has d means, d variances and a count: 2d + 1.
PARAMETERS = {
    # encoder (9·1·32 + 32) + (9·32·64 + 64) + (9·64·128 + 128), decoder (9·128·64 + 64) + (9·64·32 + 32) + (9·32·3 + 3)
    "colorization_autoencoder": 185_795,
    "contractive_autoencoder": 50_992,  # (784·32 + 32) + (32·784 + 784)
    "conv1d_gru": 6_858,  # (5·32 + 32) + 3·32·(32 + 32 + 2) + (32·10 + 10)
    "conv_blocks": 220_234,  # 320 + 18,496 + (7·7·64·64 + 64) + 650
    "convnet": 93_322,  # 320 + 18,496 + 36,928 + 36,928 + 650, as in lecture notes 004
    # encoder 320 + 18,496 + (3,136·30 + 30), decoder (30·3,136 + 3,136) + (9·64·32 + 32) + (9·32 + 1)
    "convolutional_autoencoder": 228_895,
    "deep_rnn": 10_032,  # 3·32·(1 + 32 + 2) + 3·32·(32 + 32 + 2) + (32·10 + 10), norm 3 + 3
    "dense_autoencoder": 50_992,  # (784·32 + 32) + (32·784 + 784)
    "denoising_autoencoder": 111_521,  # encoder 160 + 4,640 + 50,208, decoder 51,744 + 4,624 + 145
    # (9·16 + 16) + (9·16·16 + 16), 4,640 + 9,248, 18,496 + 36,928, 2·36,928, (64·11 + 11) + (64·4 + 4)
    "detector": 146_623,
    # encoder 32·32 + 2·4·64·(32 + 64 + 1) (two directions), decoder 48·32 + 4·128·(32 + 128 + 1) + (128·48 + 48)
    "encoder_decoder": 140_848,
    "entity_embedding": 920,  # (14·2 + 63·8) + (10·32 + 32) + (32·1 + 1), norm 3
    "gru": 3_497,  # 3·32·(2 + 32 + 2) + (32·1 + 1), norm 5 + 3
    "linear_autoencoder": 50_992,  # (784·32 + 32) + (32·784 + 784)
    "lstm": 4_521,  # 4·32·(2 + 32 + 1) + (32·1 + 1), norm 5 + 3
    "mlp_classifier": 235_146,  # (784·256 + 256) + (256·128 + 128) + (128·10 + 10)
    "mlp_regressor": 5_087,  # (10·64 + 64) + (64·64 + 64) + (64·3 + 3), norm 21 + 7
    "overcomplete_autoencoder": 1_607_440,  # (784·1,024 + 1,024) + (1,024·784 + 784)
    "pointwise_convnet": 26_546,  # 320 + (32·8 + 8) + (9·8·64 + 64) + 1,040 + 9,280 + 1,040 + (144·64 + 64) + 650
    # stem 144, stages 6·2,304, 4,608 + 5·9,216 and 18,432 + 5·36,864, batch normalisation 4·(96 + 176 + 352 + 64), 650
    "residual_network": 270_810,
    # encoder 664 + 3,488 + 13,888 + 55,424, transposed convolutions 8,224 + 2,064 + 520, decoder convolutions
    # 27,712 + 6,944 + 1,744, output (8·11 + 11)
    "segmenter": 120_771,
    "sequence_tagger": 22_929,  # 29·32 + 3·64·(32 + 64 + 2) + (64·49 + 49)
    "sequence_to_sequence": 9_735,  # 3·32·(1 + 32 + 2) + 3·32·(32 + 32 + 2) + (32·1 + 1), norm 3 + 3
    "sequence_to_vector": 166_402,  # 5,000·32 + 3·32·(32 + 32 + 2) + (32·2 + 2)
    "simple_rnn": 1_161,  # 32·(2 + 32 + 1) + (32·1 + 1), norm 5 + 3
    "sparse_autoencoder": 157_684,  # (784·100 + 100) + (100·784 + 784)
    # kernels 2·(784·1,000 + 1,000·500 + 500·250 + 250·30), biases 1,000 + 500 + 250 + 30 + 250 + 500 + 1,000 + 784
    "stacked_autoencoder": 2_837_314,
    "swish_classifier": 1_180,  # (10·64 + 64) + (64·7 + 7), norm 21
    "thin_network": 45,  # (10 + 1) + 5·(1 + 1), norm 21 + 3
    "tied_autoencoder": 25_088,  # 784·32: encoder and decoder share the kernel
    # (784·200 + 200) + (200·200 + 200) + 2·(200·50 + 50), (50·200 + 200) + (200·200 + 200) + (200·784 + 784)
    "variational_autoencoder": 425_284,
    # encoder 160 + 4,640 + (7·7·32·64 + 64), decoder 19·16 + 3·64·(16 + 64 + 2) + (64·19 + 19)
    "vector_to_sequence": 122_499,
    "word2vec_cbow": 2_000_000,  # 2·10,000·100
    "word2vec_skipgram": 2_000_000,  # 2·10,000·100
}
every_model = pytest.mark.parametrize("name", list_models())
every_autoencoder = pytest.mark.parametrize(
    "name", [name for name in list_models() if describe(name).family == "autoencoders"]
)

# Hyperparameters of small models for fast tests. The default of `image_shape` here is (8, 8, 1).
SMALL: dict[str, dict[str, Any]] = {
    "colorization_autoencoder": {"image_shape": (8, 8, 3), "filters": (8, 12)},
    "contractive_autoencoder": {"code_dim": 8, "weight": 0.5},
    "conv1d_gru": {"filters": 6, "units": 8},
    "conv_blocks": {"filters": (4, 8), "units": 16},
    "convnet": {"image_shape": (18, 18, 1)},
    "convolutional_autoencoder": {"filters": (8, 12), "code_dim": 8},
    "deep_rnn": {"horizon": 2, "units": (8, 6)},
    "dense_autoencoder": {"code_dim": 8},
    "denoising_autoencoder": {"filters": (8, 12), "code_dim": 8},
    "detector": {"image_shape": (16, 16, 1), "filters": (4, 8, 8)},
    "encoder_decoder": {"tokens": 8, "output_tokens": 9, "embedding_dim": 6, "units": 10},
    "entity_embedding": {"categories": (6, 7), "dims": (2, 3), "hidden": (8, 6)},
    "gru": {"units": 8},
    "linear_autoencoder": {"code_dim": 8},
    "lstm": {"units": 8},
    "mlp_classifier": {"input_shape": (4, 4, 1), "hidden": (8, 8)},
    "mlp_regressor": {"input_shape": (6,), "hidden": (8, 8)},
    "overcomplete_autoencoder": {"code_dim": 70},
    "pointwise_convnet": {"image_shape": (18, 18, 1)},
    "residual_network": {"filters": (4, 8), "blocks": 1},
    "segmenter": {"filters": (4, 8)},
    "sequence_tagger": {"tokens": 6, "embedding_dim": 4, "units": 8, "tags": 3},
    "sequence_to_sequence": {"horizon": 2, "units": 8},
    "sequence_to_vector": {"tokens": 6, "embedding_dim": 4, "units": 8},
    "simple_rnn": {"units": 8},
    "sparse_autoencoder": {"code_dim": 8},
    "stacked_autoencoder": {"hidden": (16, 12), "code_dim": 8},
    "swish_classifier": {"input_shape": (6,), "hidden": 8},
    "thin_network": {"input_shape": (6,), "depth": 2, "activation": "tanh"},
    "tied_autoencoder": {"code_dim": 8},
    "variational_autoencoder": {"hidden": (16, 12), "filters": (8, 12), "code_dim": 4},
    "vector_to_sequence": {"output_tokens": 9, "filters": (4, 8), "embedding_dim": 6, "units": 10},
    "word2vec_cbow": {"tokens": 8, "dim": 6, "window": 2},
    "word2vec_skipgram": {"tokens": 8, "dim": 6},
}

# Hyperparameters that make a model use other layers than with its defaults.
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "conv1d_gru": [{"convolution": False}],
    "conv_blocks": [{"pooling": "average"}],
    "convnet": [{"dropout": 0.5}],
    "convolutional_autoencoder": [{"code": "maps"}],
    "deep_rnn": [{"cell": "simple_rnn"}, {"cell": "lstm", "season": 3}],
    "denoising_autoencoder": [{"code": "maps"}, {"network": "dense"}],
    "encoder_decoder": [{"cell": "gru"}, {"dropout": 0.5}],
    "gru": [{"reset_after": False}],
    "overcomplete_autoencoder": [{"regularizer": each} for each in ("none", "l1", "kl", "contractive")],
    "pointwise_convnet": [{"reduction": "depth_pooling"}, {"reduction": "none"}],
    "residual_network": [{"skips": False}, {"normalization": False}],
    "sequence_tagger": [{"cell": "lstm", "bidirectional": True}, {"cell": "simple_rnn", "dropout": 0.3}],
    "sequence_to_sequence": [{"cell": "lstm"}, {"season": 3}],
    "sequence_to_vector": [{"cell": "lstm", "bidirectional": True}, {"cell": "simple_rnn", "dropout": 0.3}],
    "simple_rnn": [{"activation": "relu", "recurrent_initializer": "identity"}],
    "sparse_autoencoder": [{"penalty": "l1"}, {"code_activation": "tanh"}, {"estimate": "full_pass"}],
    "stacked_autoencoder": [{"tied": True}],
    "tied_autoencoder": [{"activation": "sigmoid", "use_bias": True}],
    "variational_autoencoder": [{"network": "convolutional"}],
    "vector_to_sequence": [{"cell": "lstm"}, {"feed": "every_step"}],
}
every_variant = pytest.mark.parametrize(
    ("name", "variant"),
    [
        pytest.param(
            name,
            variant,
            id="-".join([name, *(f"{key}={value}" for key, value in variant.items())]),
            marks=[pytest.mark.variant] if variant else [],
        )
        for name in list_models()
        for variant in [{}, *VARIANTS.get(name, [])]
    ],
)

TIME = 8  # time steps in a sequence

default = functools.cache(create)  # for tests that do not change the model


def small(name: str, **variant: Any) -> keras.Model:
    takes_images = any(each.name == "image_shape" for each in describe(name).hyperparameters)
    image_shape = {"image_shape": (8, 8, 1)} if takes_images else {}
    return create(name, **{**image_shape, **SMALL.get(name, {}), **variant})


def pictures(shape: tuple[int | None, ...], batch: int) -> np.ndarray:
    """Returns random binary images for a model's `input_shape` or `output_shape`."""
    return (np.random.default_rng(0).random((batch, *sizes(shape))) > 0.7).astype(np.float32)


def sizes(shape: tuple[int | None, ...]) -> tuple[int, ...]:
    """Returns `shape` without the batch axis and with `TIME` in place of None."""
    return tuple(TIME if size is None else size for size in shape[1:])


def inputs(model: keras.Model, batch: int) -> Any:
    """Returns inputs in the structure of the model's inputs: `pictures` if float32, otherwise IDs from 1 to 4."""

    def values(tensor: Any) -> np.ndarray:
        if tensor.dtype == "float32":
            return pictures(tuple(tensor.shape), batch)
        return np.random.default_rng(0).integers(1, 5, (batch, *sizes(tuple(tensor.shape))), np.int32)

    return keras.tree.map_structure(values, model.input)


# Maps the name of an output to its loss. All other outputs use the squared error.
LOSSES = {
    "probabilities": keras.losses.SparseCategoricalCrossentropy,
    "token_probabilities": keras.losses.SparseCategoricalCrossentropy,
    "scores": keras.losses.BinaryCrossentropy,
    "pixel_probabilities": keras.losses.SparseCategoricalCrossentropy,
    "tag_probabilities": keras.losses.SparseCategoricalCrossentropy,
    "cell_probabilities": CellCrossentropy,
    "cell_boxes": BoxDistance,
}


def per_output(model: keras.Model, make: Callable[[str, tuple[int | None, ...]], Any]) -> Any:
    """Calls `make` with the name and the shape of each output. Returns the results in the structure of the outputs."""
    if isinstance(model.output, dict):
        return {name: make(name, tuple(tensor.shape)) for name, tensor in model.output.items()}
    return make(model.layers[-1].name, model.output_shape)


def losses(model: keras.Model) -> Any:
    return per_output(model, lambda name, shape: LOSSES.get(name, SquaredError)())


def targets(model: keras.Model, batch: int) -> Any:
    def target(name: str, shape: tuple[int | None, ...]) -> np.ndarray:
        if name.endswith("probabilities"):
            *positions, classes = sizes(shape)
            return np.random.default_rng(0).integers(classes, size=(batch, *positions))
        return pictures((*shape[:-1], 5) if name == "cell_boxes" else shape, batch)

    return per_output(model, target)
