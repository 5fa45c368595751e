"""Architectures of tutorials for structured data, recommendations and reinforcement learning."""

from __future__ import annotations

from typing import Any

from .cases import Tutorials

TUTORIALS = Tutorials()
COLOURS = ("red", "green", "blue")


@TUTORIALS.add()
def fuel_consumption(keras: Any) -> Any:
    k = keras.layers
    normalization = k.Normalization(mean=[0.2, 0.5, 0.1], variance=[1.0, 0.3, 2.0])
    return keras.Sequential([keras.Input((3,)), normalization, k.Dense(16, activation="relu"), k.Dense(1)])


@TUTORIALS.add()
def imbalanced_classification(keras: Any) -> Any:
    k = keras.layers
    layers: list[Any] = [keras.Input((12,))]
    for _ in range(2):
        layers += [k.Dense(16, activation="relu"), k.Dropout(0.3)]
    return keras.Sequential([*layers, k.Dense(1, activation="sigmoid")])


@TUTORIALS.add(texts={"colour": COLOURS})
def structured_data_with_strings(keras: Any) -> Any:
    """Numbers, integers and strings, each with its own preprocessing, as a dictionary of inputs."""
    k = keras.layers
    inputs = {
        "age": keras.Input((1,), name="age"),
        "size": keras.Input((1,), name="size"),
        "sex": keras.Input((1,), dtype="int64", name="sex"),
        "colour": keras.Input((1,), dtype="string", name="colour"),
    }
    features = [
        k.Normalization(mean=0.5, variance=2.0)(inputs["age"]),
        k.Discretization(bin_boundaries=[0.2, 0.6], output_mode="one_hot")(inputs["size"]),
        k.IntegerLookup(vocabulary=[0, 1], output_mode="one_hot")(inputs["sex"]),
        k.StringLookup(vocabulary=list(COLOURS), output_mode="one_hot")(inputs["colour"]),
    ]
    x = k.Dropout(0.5)(k.Dense(8, activation="relu")(k.Concatenate()(features)))
    return keras.Model(inputs, k.Dense(1, activation="sigmoid")(x))


@TUTORIALS.add()
def structured_data_with_numbers(keras: Any) -> Any:
    k = keras.layers
    inputs = [keras.Input((1,), name=name) for name in ("age", "income", "hours")]
    x = k.Dense(8, activation="relu")(
        k.Concatenate()([k.Normalization(mean=0.4, variance=1.5)(each) for each in inputs])
    )
    return keras.Model(inputs, k.Dense(1, activation="sigmoid")(x))


@TUTORIALS.add(keras=(3,), texts={"colour": COLOURS, "shape": ("round", "flat")})
def crossed_features(keras: Any) -> Any:
    k = keras.layers
    inputs = [keras.Input((1,), dtype="string", name=name) for name in ("colour", "shape")]
    x = k.HashedCrossing(num_bins=16, output_mode="one_hot")(inputs)
    return keras.Model(inputs, k.Dense(1, activation="sigmoid")(x))


@TUTORIALS.add()
def wide_and_deep(keras: Any) -> Any:
    k = keras.layers
    wide, deep = keras.Input((5,), name="wide"), keras.Input((8,), name="deep")
    x = k.Dense(8, activation="relu")(k.Dense(16, activation="relu")(k.BatchNormalization()(deep)))
    merged = k.Concatenate()([k.BatchNormalization()(wide), x])
    return keras.Model([wide, deep], k.Dense(3, activation="softmax")(merged))


@TUTORIALS.add()
def deep_and_cross(keras: Any) -> Any:
    k = keras.layers
    first = cross = keras.Input((8,))
    for _ in range(2):
        cross = k.Add()([k.Multiply()([first, k.Dense(8)(cross)]), cross])
    deep = k.ReLU()(k.BatchNormalization()(k.Dense(16)(first)))
    return keras.Model(first, k.Dense(3, activation="softmax")(k.Concatenate()([cross, deep])))


@TUTORIALS.add()
def gated_residual_network(keras: Any) -> Any:
    """A gated unit with a residual connection, of the network that selects variables."""
    k = keras.layers
    inputs = keras.Input((8,))
    x = k.Dropout(0.1)(k.Dense(16)(k.Dense(16, activation="elu")(inputs)))
    gated = k.Multiply()([k.Dense(16)(x), k.Dense(16, activation="sigmoid")(x)])
    x = k.LayerNormalization()(k.Add()([k.Dense(16)(inputs), gated]))
    return keras.Model(inputs, k.Dense(1, activation="sigmoid")(x))


@TUTORIALS.add(ids=20)
def tab_transformer(keras: Any) -> Any:
    """Embeddings of categories through attention, next to normalized numbers."""
    k = keras.layers
    categories = keras.Input((4,), dtype="int32", name="categories")
    numbers = keras.Input((3,), name="numbers")
    x = k.Embedding(20, 8)(categories)
    x = k.LayerNormalization()(k.Add()([x, k.MultiHeadAttention(2, 4)(x, x)]))
    x = k.Concatenate()([k.Flatten()(x), k.LayerNormalization()(numbers)])
    return keras.Model([categories, numbers], k.Dense(1, activation="sigmoid")(k.Dense(16, activation="selu")(x)))


@TUTORIALS.add(ids=30)
def collaborative_filtering(keras: Any) -> Any:
    """Embeddings of users and films, with a bias for each."""
    k = keras.layers
    user, film = (keras.Input((1,), dtype="int32", name=name) for name in ("user", "film"))
    embedded = [k.Flatten()(k.Embedding(30, 8, embeddings_regularizer="l2")(each)) for each in (user, film)]
    biases = [k.Flatten()(k.Embedding(30, 1)(each)) for each in (user, film)]
    x = k.Add()([k.Dot(axes=1)(embedded), *biases])
    return keras.Model([user, film], k.Activation("sigmoid")(x))


@TUTORIALS.add(texts={"user": ("1", "2", "99"), "film": ("a", "b", "z")})
def recommender_from_strings(keras: Any) -> Any:
    k = keras.layers
    inputs = {name: keras.Input((), dtype="string", name=name) for name in ("user", "film")}
    user = k.Embedding(4, 8)(k.StringLookup(vocabulary=["1", "2"])(inputs["user"]))
    film = k.Embedding(4, 8)(k.StringLookup(vocabulary=["a", "b"])(inputs["film"]))
    return keras.Model(inputs, k.Dot(axes=1)([user, film]))


@TUTORIALS.add(ids=30)
def behaviour_sequence_transformer(keras: Any) -> Any:
    """The films that a user has watched, their ratings, and the next film."""
    k = keras.layers
    films = keras.Input((6,), dtype="int32", name="films")
    ratings = keras.Input((6, 1), name="ratings")
    target = keras.Input((1,), dtype="int32", name="target")
    embedding = k.Embedding(30, 8)
    x = k.Concatenate(axis=1)([k.Multiply()([embedding(films), ratings]), embedding(target)])
    x = k.LayerNormalization()(k.Add()([x, k.MultiHeadAttention(2, 4)(x, x)]))
    return keras.Model([films, ratings, target], k.Dense(1)(k.LeakyReLU()(k.Flatten()(x))))


@TUTORIALS.add()
def actor_and_critic(keras: Any) -> Any:
    k = keras.layers
    inputs = keras.Input((4,))
    x = k.Dense(16, activation="relu")(inputs)
    return keras.Model(inputs, [k.Dense(2, activation="softmax")(x), k.Dense(1)(x)])


@TUTORIALS.add(keras=(3,), scale=255.0)
def deep_q_network(keras: Any) -> Any:
    """Four frames of a game, first moved to the last axis."""
    k = keras.layers
    inputs = keras.Input((4, 42, 42))
    x = keras.ops.transpose(inputs, [0, 2, 3, 1]) / 255.0
    x = k.Flatten()(k.Conv2D(8, 4, strides=2, activation="relu")(k.Conv2D(8, 8, strides=4, activation="relu")(x)))
    return keras.Model(inputs, k.Dense(4)(k.Dense(16, activation="relu")(x)))


@TUTORIALS.add()
def continuous_actions(keras: Any) -> Any:
    """The critic of DDPG: state and action are two inputs."""
    k = keras.layers
    state, action = keras.Input((3,), name="state"), keras.Input((1,), name="action")
    x = k.Concatenate()([k.Dense(16, activation="relu")(state), k.Dense(8, activation="relu")(action)])
    return keras.Model([state, action], k.Dense(1)(k.Dense(16, activation="relu")(x)))


@TUTORIALS.add()
def two_tasks(keras: Any) -> Any:
    """Customer issues: a title, a text and tags, with a priority and a department as outputs."""
    k = keras.layers
    title, text = (keras.Input((None,), dtype="int32", name=name) for name in ("title", "text"))
    tags = keras.Input((12,), name="tags")
    x = k.Concatenate()([k.LSTM(8)(k.Embedding(10, 8)(title)), k.LSTM(4)(k.Embedding(10, 8)(text)), tags])
    return keras.Model([title, text, tags], [k.Dense(1, name="priority")(x), k.Dense(4, name="department")(x)])


@TUTORIALS.add()
def mixture_of_experts(keras: Any) -> Any:
    k = keras.layers
    inputs = keras.Input((8,))
    experts = [k.Reshape((1, 4))(k.Dense(4, activation="relu")(inputs)) for _ in range(3)]
    gate = k.Dense(3, activation="softmax")(inputs)
    return keras.Model(inputs, k.Dot(axes=1)([gate, k.Concatenate(axis=1)(experts)]))
