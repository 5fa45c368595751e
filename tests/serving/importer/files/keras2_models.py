"""Small models for `make_keras2.py`. Together they have the features that Keras 2 files can have."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers


def dense_autoencoder() -> keras.Model:
    """Returns a model with two nested models, trained with Adam for one step."""
    encoder = keras.Sequential(
        [
            layers.Dense(6, "relu", input_shape=(8,), kernel_initializer="he_normal"),
            layers.Dense(3, "swish", kernel_initializer=keras.initializers.VarianceScaling(2.0)),
        ],
        name="encoder",
    )
    code = keras.Input((3,))
    hidden = layers.Dense(6, "elu", kernel_regularizer="l2", bias_initializer="ones")(code)
    decoder = keras.Model(code, layers.Dense(8, "sigmoid")(hidden), name="decoder")
    image = keras.Input((8,), name="image")
    model = keras.Model(image, decoder(encoder(image)), name="autoencoder")
    model.compile(keras.optimizers.Adam(learning_rate=0.01), "mean_squared_error", ["mae"])
    model.fit(np.ones((2, 8)), np.ones((2, 8)), verbose=0)
    return model


def flat_autoencoder() -> keras.Model:
    """Returns a model without nested models, with a custom metric and with an optimizer in the old format (`lr`)."""

    def closeness(true: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
        return -tf.reduce_mean(tf.abs(true - predicted))

    model = keras.Sequential(
        [
            layers.InputLayer((8,), name="features"),
            layers.Dense(5, "tanh", kernel_initializer="glorot_normal"),
            layers.Dense(2, name="code", activity_regularizer=keras.regularizers.l1(1e-4)),
            layers.Dense(5, "softplus", kernel_constraint="max_norm"),
            layers.Dense(8, name="reconstruction"),
        ]
    )
    model.compile(keras.optimizers.legacy.SGD(lr=0.1, decay=1e-3), keras.losses.mean_absolute_error, [closeness])
    return model


def convnet() -> keras.Model:
    return keras.Sequential(
        [
            layers.Conv2D(3, 3, strides=2, padding="same", use_bias=False, input_shape=(8, 8, 2)),
            layers.BatchNormalization(),
            layers.ReLU(max_value=6.0),
            layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2),
            layers.ZeroPadding2D(((1, 0), (0, 1))),
            layers.SeparableConv2D(4, 2, activation="selu"),
            layers.Conv2DTranspose(2, 3, strides=2, padding="same", output_padding=1),
            layers.UpSampling2D(2, interpolation="bilinear"),
            layers.Cropping2D(1),
            layers.MaxPooling2D(),
            layers.SpatialDropout2D(0.1),
            layers.GlobalAveragePooling2D(keepdims=False),
            layers.Dropout(0.5),
            layers.Dense(3, "softmax"),
        ],
        name="convnet",
    )


def recurrent() -> keras.Model:
    ids = keras.Input((7,), dtype="int32", name="ids")
    words = layers.Embedding(11, 4, mask_zero=True, input_length=7)(ids)
    lstm = layers.LSTM(3, implementation=1)(words)
    one = layers.Bidirectional(layers.GRU(2, return_sequences=True), merge_mode="concat")(words)
    two = layers.GRU(2, reset_after=False, recurrent_activation="hard_sigmoid")(one)
    three = layers.TimeDistributed(layers.Dense(2, "relu"))(words)
    four = layers.SimpleRNN(2, go_backwards=True)(three)
    five = layers.RNN(layers.StackedRNNCells([layers.LSTMCell(2), layers.GRUCell(3)]))(words)
    return keras.Model(ids, layers.Concatenate(name="all")([lstm, two, four, five]))


def sequence_to_sequence() -> keras.Model:
    """Returns a model with initial states, attention, and layers that are called with keyword arguments."""
    history = keras.Input((5, 3), name="history")
    previous = keras.Input((4, 2), name="previous")
    encoded, h, c = layers.LSTM(4, return_sequences=True, return_state=True)(history)
    decoded = layers.LSTM(4, return_sequences=True)(previous, initial_state=[h, c])
    context = layers.Attention(use_scale=True)([decoded, encoded])
    more = layers.AdditiveAttention()([decoded, encoded])
    heads = layers.MultiHeadAttention(2, 3)(decoded, value=encoded)
    both = layers.Concatenate()([decoded, context, more])
    return keras.Model([history, previous], [layers.Dense(2, name="steps")(both), layers.LayerNormalization()(heads)])


def time_major() -> keras.Model:
    return keras.Sequential(
        [
            layers.LSTM(
                3,
                time_major=True,
                recurrent_activation="hard_sigmoid",
                return_sequences=True,
                batch_input_shape=(5, 2, 4),
            )
        ]
    )


def several() -> keras.Model:
    """Returns a model with two inputs, three outputs, shared layers and models, and a slash in a name."""
    left, right = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    shared = layers.Dense(4, "relu", name="block/shared")
    tower = keras.Sequential([layers.Dense(3, input_shape=(4,)), layers.Dense(4)], name="tower")
    part = keras.Input((4,))
    deep = keras.Model(part, tower(tower(layers.Dense(4, trainable=False)(part))), name="deep")
    other = keras.Input((4,))
    wide = keras.Model(other, [tower(other), layers.BatchNormalization()(other)], name="wide")
    a, b = shared(left), shared(right)
    total = layers.Add()([a, b])
    merged = layers.Concatenate(axis=1)(
        [layers.Multiply()([a, b]), layers.Subtract()([a, b]), layers.Maximum()([a, b]), layers.Average()([a, total])]
    )
    cosine = layers.Dot(axes=1, normalize=True, name="cosine")([a, b])
    towers = layers.Add(name="towers")([*wide(a), deep(b), deep(total)])
    return keras.Model([left, right], [cosine, layers.Dense(1, name="merged")(merged), towers], name="several")


def activations() -> keras.Model:
    return keras.Sequential(
        [
            layers.Reshape((4, 3), input_shape=(12,)),
            layers.Permute((2, 1)),
            layers.Conv1D(3, 2, padding="causal", dilation_rate=2, activation="swish"),
            layers.LeakyReLU(alpha=0.1),
            layers.PReLU(shared_axes=[1]),
            layers.GaussianNoise(0.1),
            layers.LayerNormalization(axis=[1, 2], epsilon=1e-4),
            layers.ELU(alpha=0.7),
            layers.Flatten(),
            layers.Dense(6),
            layers.ThresholdedReLU(theta=0.1),
            layers.RepeatVector(2),
            layers.Dense(4, tf.nn.gelu),
            layers.Dense(4, tf.nn.relu6),
            layers.Dense(4, "exponential"),
            layers.Activation("softsign"),
            layers.ActivityRegularization(l1=0.01),
            layers.Softmax(),
        ]
    )


def operations() -> keras.Model:
    """Returns a model with TensorFlow functions and Python operators as layers."""
    x = keras.Input((4, 3), name="x")
    y = layers.Dense(3)(x * 2.0 + 1.0)
    z = 1.0 - tf.nn.relu(y) / 2.0
    mean = tf.reduce_mean(z, axis=1, keepdims=True)
    centred = z - mean
    first = tf.concat([centred[:, 0], -x[:, -1, :2]], axis=-1)
    second = tf.reshape(tf.transpose(tf.matmul(y, x, transpose_b=True), [0, 2, 1]), [-1, 16])
    third = tf.math.sqrt(tf.math.maximum(tf.math.abs(second), 0.5)) ** 2.0
    fourth = tf.expand_dims(tf.stack([first, tf.clip_by_value(first, -0.5, 0.5)], axis=1), -1)
    return keras.Model(x, [layers.Dense(2)(third), tf.squeeze(fourth, -1), tf.cast(y > 0.0, tf.float32)])


def preprocessing() -> keras.Model:
    normalize = layers.Normalization(axis=-1)
    normalize.adapt(np.random.default_rng(3).normal(2.0, 3.0, (50, 6, 6, 1)))
    return keras.Sequential(
        [
            layers.Rescaling(1 / 255, offset=-0.5, input_shape=(6, 6, 1)),
            layers.Resizing(4, 4),
            layers.RandomFlip("horizontal"),
            layers.CenterCrop(3, 3),
            normalize,
            layers.Flatten(),
            layers.Dense(2),
        ]
    )


def mixed_precision() -> keras.Model:
    return keras.Sequential(
        [layers.Dense(4, dtype="mixed_float16", input_shape=(3,)), layers.Dense(2, dtype="float32")]
    )


def code() -> keras.Model:
    """Returns a model with a Lambda layer, whose Python code Keras stores in the model's file."""
    return keras.Sequential([layers.Dense(4, input_shape=(3,)), layers.Lambda(lambda x: x * 2, name="sampler")])


def variational_autoencoder() -> keras.Model:
    """Returns a model with a loss in the graph, and with hard_sigmoid, which Keras 3 defines differently.

    Some functions in the graph are needed only for the loss.
    """
    x = keras.Input((6,), name="x")
    hidden = layers.Dense(5, "hard_sigmoid")(x)
    mean, log_variance = layers.Dense(2, name="mean")(hidden), layers.Dense(2, name="log_variance")(hidden)
    hidden = layers.Activation("hard_sigmoid")(layers.Dense(5)(mean))
    model = keras.Model(x, layers.Dense(6)(hidden))
    noise = tf.random.normal(tf.shape(mean), seed=1)
    model.add_loss(tf.reduce_mean(tf.exp(log_variance) * tf.square(noise) + tf.square(mean) - log_variance - 1.0))
    return model


class Subclassed(keras.Model):
    """A model of a custom class. Without the code of the class, only the graph can be served."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(2)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return self.dense(x) * 2.0


def subclassed() -> keras.Model:
    model = Subclassed()
    model(keras.Input((3,), name="x"))
    return model
