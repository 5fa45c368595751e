"""Architectures of tutorials for models that write images: autoencoders, generators, super-resolution."""

from __future__ import annotations

from typing import Any

from .cases import Tutorials

TUTORIALS = Tutorials()


@TUTORIALS.add()
def convolutional_autoencoder(keras: Any) -> Any:
    k = keras.layers
    inputs = keras.Input((28, 28, 1))
    x = k.MaxPooling2D(2, padding="same")(k.Conv2D(8, 3, activation="relu", padding="same")(inputs))
    x = k.MaxPooling2D(2, padding="same")(k.Conv2D(4, 3, activation="relu", padding="same")(x))
    x = k.Conv2DTranspose(4, 3, strides=2, activation="relu", padding="same")(x)
    x = k.Conv2DTranspose(8, 3, strides=2, activation="relu", padding="same")(x)
    return keras.Model(inputs, k.Conv2D(1, 3, activation="sigmoid", padding="same")(x))


@TUTORIALS.add()
def dense_autoencoder(keras: Any) -> Any:
    """Nested models named encoder and decoder."""
    k = keras.layers
    encoder = keras.Sequential([keras.Input((64,)), k.Dense(16, activation="relu"), k.Dense(4)], name="encoder")
    decoder = keras.Sequential(
        [keras.Input((4,)), k.Dense(16, activation="relu"), k.Dense(64, activation="sigmoid")], name="decoder"
    )
    inputs = keras.Input((64,))
    return keras.Model(inputs, decoder(encoder(inputs)), name="autoencoder")


@TUTORIALS.add(keras=(3,), classes=("tools.import_table.custom_layers",), random=True)
def variational_autoencoder(keras: Any) -> Any:
    """Mean, log variance and a random code, from which the decoder computes the image."""
    from .custom_layers import GaussianSample

    k = keras.layers
    inputs = keras.Input((28, 28, 1))
    x = k.Conv2D(8, 3, activation="relu", strides=2, padding="same")(inputs)
    x = k.Dense(16, activation="relu")(k.Flatten()(x))
    mean, log_variance = k.Dense(2, name="z_mean")(x), k.Dense(2, name="z_log_var")(x)
    code = GaussianSample(name="z")([mean, log_variance])
    x = k.Reshape((14, 14, 8))(k.Dense(14 * 14 * 8, activation="relu")(code))
    image = k.Conv2DTranspose(1, 3, activation="sigmoid", strides=2, padding="same", name="image")(x)
    return keras.Model(inputs, [mean, log_variance, image])


@TUTORIALS.add()
def encoder_of_a_variational_autoencoder(keras: Any) -> Any:
    k = keras.layers
    inputs = keras.Input((28, 28, 1))
    x = k.Dense(16, activation="relu")(k.Flatten()(k.Conv2D(8, 3, strides=2, activation="relu")(inputs)))
    return keras.Model(inputs, [k.Dense(2, name="z_mean")(x), k.Dense(2, name="z_log_var")(x)], name="encoder")


@TUTORIALS.add(keras=(3,))
def super_resolution_with_depth_to_space(keras: Any) -> Any:
    k, factor = keras.layers, 2
    inputs = keras.Input((None, None, 1))
    x = k.Conv2D(16, 5, activation="relu", padding="same", kernel_initializer="orthogonal")(inputs)
    x = k.Conv2D(factor**2, 3, padding="same")(x)
    return keras.Model(inputs, keras.ops.depth_to_space(x, factor))


@TUTORIALS.add()
def super_resolution_with_residual_blocks(keras: Any) -> Any:
    """EDSR with up-sampling."""
    k = keras.layers
    inputs = keras.Input((None, None, 3))
    first = x = k.Conv2D(8, 3, padding="same")(k.Rescaling(1 / 255)(inputs))
    for _ in range(2):
        x = k.Add()([k.Conv2D(8, 3, padding="same")(k.Conv2D(8, 3, padding="same", activation="relu")(x)), x])
    x = k.UpSampling2D(2)(k.Add()([k.Conv2D(8, 3, padding="same")(x), first]))
    return keras.Model(inputs, k.Rescaling(255)(k.Conv2D(3, 3, padding="same")(x)))


@TUTORIALS.add()
def low_light_enhancement(keras: Any) -> Any:
    """Zero-DCE: curves for each pixel, from convolutions with skip connections."""
    k = keras.layers
    inputs = keras.Input((None, None, 3))
    first = k.Conv2D(8, 3, activation="relu", padding="same")(inputs)
    second = k.Conv2D(8, 3, activation="relu", padding="same")(first)
    third = k.Conv2D(8, 3, activation="relu", padding="same")(second)
    joined = k.Concatenate()([second, third])
    fourth = k.Conv2D(8, 3, activation="relu", padding="same")(joined)
    return keras.Model(inputs, k.Conv2D(24, 3, activation="tanh", padding="same")(k.Concatenate()([first, fourth])))


@TUTORIALS.add()
def generator_of_a_gan(keras: Any) -> Any:
    k = keras.layers
    return keras.Sequential(
        [
            keras.Input((16,)),
            k.Dense(7 * 7 * 8),
            k.LeakyReLU(0.2),
            k.Reshape((7, 7, 8)),
            k.Conv2DTranspose(8, 4, strides=2, padding="same"),
            k.BatchNormalization(),
            k.LeakyReLU(0.2),
            k.Conv2DTranspose(8, 4, strides=2, padding="same"),
            k.LeakyReLU(0.2),
            k.Conv2D(1, 7, padding="same", activation="tanh"),
        ],
        name="generator",
    )


@TUTORIALS.add()
def discriminator_of_a_gan(keras: Any) -> Any:
    k = keras.layers
    layers = [keras.Input((28, 28, 1))]
    for width in (8, 16):
        layers += [k.Conv2D(width, 3, strides=2, padding="same"), k.LeakyReLU(0.2), k.Dropout(0.3)]
    return keras.Sequential([*layers, k.GlobalMaxPooling2D(), k.Dense(1)], name="discriminator")


@TUTORIALS.add()
def conditional_generator(keras: Any) -> Any:
    """Noise and a class, whose embedding becomes a channel."""
    k = keras.layers
    noise, label = keras.Input((16,), name="noise"), keras.Input((1,), dtype="int32", name="label")
    channel = k.Reshape((7, 7, 1))(k.Dense(49)(k.Flatten()(k.Embedding(10, 8)(label))))
    x = k.Concatenate()([k.Reshape((7, 7, 8))(k.Dense(7 * 7 * 8, activation="relu")(noise)), channel])
    x = k.Conv2DTranspose(8, 4, strides=4, padding="same", activation="relu")(x)
    return keras.Model([noise, label], k.Conv2D(1, 3, padding="same", activation="sigmoid")(x))


@TUTORIALS.add()
def next_frame_of_a_video(keras: Any) -> Any:
    k = keras.layers
    x = inputs = keras.Input((None, 16, 16, 1))
    for size in (5, 3):
        x = k.BatchNormalization()(k.ConvLSTM2D(8, size, padding="same", return_sequences=True)(x))
    return keras.Model(inputs, k.Conv3D(1, 3, activation="sigmoid", padding="same")(x))
