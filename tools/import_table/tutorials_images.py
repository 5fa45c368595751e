"""Architectures of tutorials for images and video."""

from __future__ import annotations

from typing import Any

from .cases import Tutorials

TUTORIALS = Tutorials()


@TUTORIALS.add()
def digit_convnet(keras: Any) -> Any:
    k = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            k.Conv2D(8, 3, activation="relu"),
            k.MaxPooling2D(2),
            k.Conv2D(16, 3, activation="relu"),
            k.MaxPooling2D(2),
            k.Flatten(),
            k.Dropout(0.5),
            k.Dense(10, activation="softmax"),
        ]
    )


@TUTORIALS.add(scale=255.0)
def cats_and_dogs(keras: Any) -> Any:
    """Separable convolutions with residual connections, after augmentation."""
    k = keras.layers
    inputs = keras.Input((48, 48, 3))
    x = k.Rescaling(1 / 255)(k.RandomRotation(0.1)(k.RandomFlip("horizontal")(inputs)))
    x = k.Activation("relu")(k.BatchNormalization()(k.Conv2D(16, 3, strides=2, padding="same")(x)))
    for width in (16, 24):
        skip = k.Conv2D(width, 1, strides=2, padding="same")(x)
        for _ in range(2):
            x = k.BatchNormalization()(k.SeparableConv2D(width, 3, padding="same")(k.Activation("relu")(x)))
        x = k.add([k.MaxPooling2D(3, strides=2, padding="same")(x), skip])
    x = k.Dropout(0.25)(k.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, k.Dense(1, activation="sigmoid")(x))


@TUTORIALS.add()
def residual_network(keras: Any) -> Any:
    k = keras.layers
    inputs = keras.Input((32, 32, 3))
    x = k.Conv2D(8, 3, padding="same", activation="relu")(inputs)
    for width, stride in ((8, 1), (16, 2), (32, 2)):
        y = k.ReLU()(k.BatchNormalization()(k.Conv2D(width, 3, stride, "same", use_bias=False)(x)))
        y = k.BatchNormalization()(k.Conv2D(width, 3, padding="same", use_bias=False)(y))
        x = k.ReLU()(k.Add()([y, k.Conv2D(width, 1, stride)(x)]))
    return keras.Model(inputs, k.Dense(10)(k.GlobalAveragePooling2D()(x)))


@TUTORIALS.add()
def u_net(keras: Any) -> Any:
    k = keras.layers
    x = inputs = keras.Input((32, 32, 3))
    skips = []
    for width in (8, 16):
        x = k.BatchNormalization()(k.Conv2D(width, 3, padding="same", activation="relu")(x))
        skips.append(x)
        x = k.MaxPooling2D(2)(x)
    x = k.Conv2D(32, 3, padding="same", activation="relu")(x)
    for width, skip in zip((16, 8), reversed(skips), strict=True):
        x = k.concatenate([k.Conv2DTranspose(width, 2, strides=2, padding="same")(x), skip])
        x = k.Conv2D(width, 3, padding="same", activation="relu")(x)
    return keras.Model(inputs, k.Conv2D(3, 1, padding="same", activation="softmax")(x))


@TUTORIALS.add()
def segmentation_with_dilated_convolutions(keras: Any) -> Any:
    """DeepLabV3+: a pyramid of dilated convolutions and of the mean of the image."""
    k = keras.layers
    inputs = keras.Input((64, 64, 3))
    low = k.Conv2D(8, 3, strides=4, padding="same", activation="relu")(inputs)
    x = k.Conv2D(16, 3, strides=2, padding="same", activation="relu")(low)
    pooled = k.Conv2D(8, 1, activation="relu")(k.AveragePooling2D(8)(x))
    branches = [k.UpSampling2D(8, interpolation="bilinear")(pooled), k.Conv2D(8, 1, activation="relu")(x)]
    branches += [k.Conv2D(8, 3, padding="same", dilation_rate=rate, activation="relu")(x) for rate in (2, 4)]
    x = k.UpSampling2D(2, interpolation="bilinear")(k.Concatenate()(branches))
    x = k.Conv2D(8, 3, padding="same", activation="relu")(k.Concatenate()([x, k.Conv2D(4, 1)(low)]))
    return keras.Model(inputs, k.Conv2D(5, 1)(k.UpSampling2D(4, interpolation="bilinear")(x)))


@TUTORIALS.add()
def siamese_network(keras: Any) -> Any:
    """Two images through the same network, and the distance of their embeddings."""
    k = keras.layers
    tower = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            k.BatchNormalization(),
            k.Conv2D(4, 5, activation="tanh"),
            k.AveragePooling2D(2),
            k.Conv2D(8, 5, activation="tanh"),
            k.AveragePooling2D(2),
            k.Flatten(),
            k.Dense(10, activation="tanh"),
        ],
        name="tower",
    )
    left, right = keras.Input((28, 28, 1), name="left"), keras.Input((28, 28, 1), name="right")
    x = k.Subtract()([tower(left), tower(right)])
    x = k.Dot(axes=1)([x, x])
    return keras.Model([left, right], k.Dense(1, activation="sigmoid")(k.BatchNormalization()(x)))


@TUTORIALS.add()
def embeddings_of_three_images(keras: Any) -> Any:
    """Anchor, positive and negative image: three outputs of one shared network."""
    k = keras.layers
    tower = keras.Sequential([keras.Input((16, 16, 3)), k.Conv2D(4, 3), k.Flatten(), k.Dense(4)], name="embedding")
    inputs = [keras.Input((16, 16, 3), name=name) for name in ("anchor", "positive", "negative")]
    return keras.Model(inputs, [tower(each) for each in inputs])


@TUTORIALS.add()
def captcha_reader(keras: Any) -> Any:
    """OCR: convolutions, then LSTMs in both directions over the columns of the image."""
    k = keras.layers
    inputs = keras.Input((64, 16, 1), name="image")
    x = k.MaxPooling2D(2)(k.Conv2D(8, 3, activation="relu", padding="same", kernel_initializer="he_normal")(inputs))
    x = k.MaxPooling2D(2)(k.Conv2D(16, 3, activation="relu", padding="same")(x))
    x = k.Dropout(0.2)(k.Dense(16, activation="relu")(k.Reshape((16, 64))(x)))
    for units in (16, 8):
        x = k.Bidirectional(k.LSTM(units, return_sequences=True, dropout=0.25))(x)
    return keras.Model(inputs, k.Dense(12, activation="softmax", name="characters")(x))


@TUTORIALS.add()
def object_localisation(keras: Any) -> Any:
    """A class and a box, as a dictionary of outputs."""
    k = keras.layers
    inputs = keras.Input((32, 32, 3), name="image")
    x = k.GlobalAveragePooling2D()(k.Conv2D(16, 3, strides=2, activation="relu")(inputs))
    outputs = {"label": k.Dense(4, activation="softmax", name="label")(x), "box": k.Dense(4, name="box")(x)}
    return keras.Model(inputs, outputs)


@TUTORIALS.add()
def video_classifier(keras: Any) -> Any:
    """A convolutional network on each frame, then a GRU with a mask of the frames."""
    k = keras.layers
    frames = keras.Input((6, 24, 24, 3), name="frames")
    mask = keras.Input((6,), dtype="bool", name="mask")
    network = keras.Sequential([keras.Input((24, 24, 3)), k.Conv2D(8, 3, strides=2), k.GlobalAveragePooling2D()])
    x = k.GRU(8, return_sequences=True)(k.TimeDistributed(network)(frames), mask=mask)
    return keras.Model([frames, mask], k.Dense(5, activation="softmax")(k.Dropout(0.4)(k.GRU(4)(x))))


@TUTORIALS.add()
def scan_classifier_3d(keras: Any) -> Any:
    k = keras.layers
    x = inputs = keras.Input((16, 16, 16, 1))
    for width in (8, 16):
        x = k.BatchNormalization()(k.MaxPooling3D(2)(k.Conv3D(width, 3, activation="relu")(x)))
    return keras.Model(inputs, k.Dense(1, activation="sigmoid")(k.Dropout(0.3)(k.GlobalAveragePooling3D()(x))))
