"""Categories as vectors, learnt inside a network for real values."""

from typing import Any

import keras
from keras import layers, ops

from ..errors import BadHyperparameter
from ..hyperparameters import Count, Counts
from ..registry import register


@register
def entity_embedding(
    *,
    categories: Counts = (14, 63),
    dims: Counts = (2, 8),
    hidden: Counts = (32,),
    outputs: Count = 1,
) -> keras.Model:
    """Real values from categories, each of which becomes a vector on the way.

    A category's vector is a row of its field's table: the one-hot vector times a matrix, without the multiplication.
    It is learnt with everything else, so that categories with a like effect on the values come to lie close
    together. An unknown category keeps the row it began with, near 0.

    Args:
        categories: ids of each field, with 0 for padding and 1 for an unknown category.
        dims: length of a vector of each field.
        hidden: units of each hidden layer.
        outputs: how many values are predicted.

    Formula:
        e_f = Eᶠᵀ onehot(c_f)
        h_0 = [e_1, …, e_F],  h_l = relu(W_l h_{l−1} + b_l)
        ŷ = mean y + std y · (W_O h_L + b_O)
        L = 1/N Σ_i Σ_j (ŷ_ij − y_ij)²

    Source:
        Notes 004, "Embeddings" and "Training an embedding as part of a larger model"; Guo and Berkhahn 2016,
        "Entity Embeddings of Categorical Variables", arXiv:1604.06737.

    Returns:
        A model of ids, int32 `(batch, fields)`, to `(batch, outputs)`, float32, in the targets' units; its layers
        `field_1`, `field_2`, … hold the vectors of each field's categories.
    """
    if len(dims) != len(categories):
        raise BadHyperparameter(f"Expected dims to be {len(categories)} integers, one a field. Received: {dims}.")

    # === Functional model ===
    ids = keras.Input((len(categories),), dtype="int32", name="ids")
    vectors: list[Any] = []
    for number, (column, size, dim) in enumerate(
        zip(ops.split(ids, len(categories), axis=1), categories, dims, strict=True), 1
    ):
        vectors.append(layers.Embedding(size, dim, name=f"field_{number}")(column))  # (batch, 1, dim)
    x = layers.Flatten(name="vectors")(ops.concatenate(vectors, axis=-1))  # (batch, sum of dims)
    for depth, units in enumerate(hidden, 1):
        x = layers.Dense(units, activation="relu", name=f"hidden_{depth}")(x)
    y = layers.Dense(outputs, name="output")(x)
    y = layers.Normalization(invert=True, name="prediction")(y)
    return keras.Model(ids, y, name="entity_embedding")
