"""The regression network that learns a vector for each category."""

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
    """Predicts numbers from fields with categories, such as a month, and learns a vector for each category.

    Each field (such as the month) has an embedding: a matrix with a row for each category. A look-up of a row equals
    the product of a one-hot vector and the matrix. The rows are trained with the rest of the network, so categories
    with a similar effect on the prediction have similar vectors. The vector of an unknown category is not trained. It
    stays near 0.

    Args:
        categories: number of ids of each field, including id 0 for padding and id 1 for an unknown category.
        dims: length of the vectors of each field: one integer per field.
        hidden: number of units of each hidden layer.
        outputs: number of predicted values.

    Formula:
        e_f = Eᶠᵀ onehot(c_f)
        h_0 = [e_1, …, e_F],  h_l = relu(W_l h_{l−1} + b_l)
        ŷ = mean y + std y · (W_O h_L + b_O)
        minimise L = 1/N Σ_i Σ_j (ŷ_ij − y_ij)², for N examples

    Source:
        Lecture notes 004, "Embeddings" and "Training an embedding as part of a larger model"; Guo and Berkhahn 2016,
        "Entity Embeddings of Categorical Variables", arXiv:1604.06737.

    Returns:
        A model from ids, int32 `(batch, fields)`, to `(batch, outputs)`, float32, in the units of the targets. The
        layers `field_1`, `field_2`, … contain the vectors of the categories of each field.
    """
    if len(dims) != len(categories):
        raise BadHyperparameter(f"Expected dims to be {len(categories)} integers, one per field. Received: {dims}.")

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
