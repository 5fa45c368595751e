"""Architectures of tutorials for images with attention, for points, and for bags of images."""

from __future__ import annotations

from typing import Any

from .cases import Tutorials

TUTORIALS = Tutorials()
CUSTOM = ("tools.import_table.custom_layers",)


@TUTORIALS.add(keras=(3,), classes=CUSTOM)
def vision_transformer(keras: Any) -> Any:
    """Patches by an operation of Keras, positions by a custom layer."""
    from .custom_layers import PatchPositions

    k = keras.layers
    inputs = keras.Input((24, 24, 3))
    patches = keras.ops.reshape(keras.ops.image.extract_patches(inputs, 6), (-1, 16, 108))
    x = PatchPositions()(k.Dense(16)(patches))
    for _ in range(2):
        y = k.LayerNormalization(epsilon=1e-6)(x)
        x = k.Add()([k.MultiHeadAttention(2, 8, dropout=0.1)(y, y), x])
        y = k.Dropout(0.1)(k.Dense(16, activation="gelu")(k.LayerNormalization(epsilon=1e-6)(x)))
        x = k.Add()([y, x])
    x = k.Dropout(0.5)(k.Flatten()(k.LayerNormalization(epsilon=1e-6)(x)))
    return keras.Model(inputs, k.Dense(10)(x))


@TUTORIALS.add()
def vision_transformer_of_plain_layers(keras: Any) -> Any:
    """Patches by a convolution, as in the compact convolutional transformer."""
    k = keras.layers
    inputs = keras.Input((24, 24, 3))
    x = k.Reshape((16, 16))(k.Conv2D(16, 6, strides=6)(inputs))
    for _ in range(2):
        y = k.LayerNormalization(epsilon=1e-5)(x)
        x = k.Add()([k.MultiHeadAttention(2, 8)(y, y), x])
        x = k.Add()([k.Dense(16, activation="gelu")(k.LayerNormalization(epsilon=1e-5)(x)), x])
    weights = k.Softmax(axis=1)(k.Dense(1)(x))
    x = k.Flatten()(k.Dot(axes=1)([weights, x]))
    return keras.Model(inputs, k.Dense(10)(x))


@TUTORIALS.add()
def mlp_mixer(keras: Any) -> Any:
    k = keras.layers
    inputs = keras.Input((24, 24, 3))
    x = k.Reshape((16, 16))(k.Conv2D(16, 6, strides=6)(inputs))
    for _ in range(2):
        y = k.Permute((2, 1))(k.LayerNormalization()(x))
        y = k.Permute((2, 1))(k.Dense(16)(k.Dense(8, activation="gelu")(y)))
        x = k.Add()([x, y])
        x = k.Add()([x, k.Dense(16)(k.Dense(8, activation="gelu")(k.LayerNormalization()(x)))])
    return keras.Model(inputs, k.Dense(10)(k.GlobalAveragePooling1D()(x)))


@TUTORIALS.add(keras=(3,))
def fourier_mixer(keras: Any) -> Any:
    """FNet: the real part of a Fourier transform instead of attention."""
    k = keras.layers
    inputs = keras.Input((16, 16))
    real, _ = keras.ops.fft2((inputs, keras.ops.zeros_like(inputs)))
    x = k.LayerNormalization()(inputs + real)
    x = k.LayerNormalization()(x + k.Dense(16)(k.Dense(32, activation="gelu")(x)))
    return keras.Model(inputs, k.Dense(4)(k.GlobalAveragePooling1D()(x)))


@TUTORIALS.add()
def conv_mixer(keras: Any) -> Any:
    k = keras.layers
    inputs = keras.Input((32, 32, 3))
    x = k.BatchNormalization()(k.Activation("gelu")(k.Conv2D(16, 4, strides=4)(k.Rescaling(1 / 255)(inputs))))
    for _ in range(2):
        y = k.BatchNormalization()(k.Activation("gelu")(k.DepthwiseConv2D(5, padding="same")(x)))
        x = k.BatchNormalization()(k.Activation("gelu")(k.Conv2D(16, 1)(k.Add()([y, x]))))
    return keras.Model(inputs, k.Dense(10, activation="softmax")(k.GlobalAvgPool2D()(x)))


@TUTORIALS.add()
def mobile_vit(keras: Any) -> Any:
    """Inverted residual blocks, then attention over unfolded patches."""
    k = keras.layers
    inputs = keras.Input((32, 32, 3))
    x = k.Conv2D(8, 3, strides=2, padding="same", activation="swish")(k.Rescaling(1 / 255)(inputs))
    y = k.Activation("swish")(k.BatchNormalization()(k.Conv2D(16, 1, use_bias=False)(x)))
    y = k.DepthwiseConv2D(3, strides=2, padding="valid", use_bias=False)(k.ZeroPadding2D(((0, 1), (0, 1)))(y))
    x = k.BatchNormalization()(k.Conv2D(16, 1, use_bias=False)(k.Activation("swish")(k.BatchNormalization()(y))))
    local = k.Conv2D(16, 1, activation="swish")(k.Conv2D(16, 3, padding="same", activation="swish")(x))
    unfolded = k.Reshape((4, 16, 16))(local)
    y = k.LayerNormalization(epsilon=1e-6)(unfolded)
    y = k.Add()([k.MultiHeadAttention(2, 8, dropout=0.1)(y, y), unfolded])
    y = k.Add()([k.Dense(16)(k.Dense(32, activation="swish")(k.LayerNormalization(epsilon=1e-6)(y))), y])
    x = k.Concatenate(axis=-1)([x, k.Conv2D(16, 1, activation="swish")(k.Reshape((8, 8, 16))(y))])
    x = k.Conv2D(16, 3, padding="same", activation="swish")(x)
    return keras.Model(inputs, k.Dense(5, activation="softmax")(k.GlobalAvgPool2D()(x)))


@TUTORIALS.add()
def squeeze_and_excitation(keras: Any) -> Any:
    k = keras.layers
    inputs = keras.Input((24, 24, 3))
    x = k.Conv2D(16, 3, padding="same", activation="relu")(inputs)
    y = k.GlobalAveragePooling2D(keepdims=True)(x)
    y = k.Dense(16, activation="sigmoid")(k.Dense(4, activation="relu")(y))
    return keras.Model(inputs, k.Dense(10)(k.Flatten()(k.Multiply()([x, y]))))


@TUTORIALS.add(keras=(3,), classes=CUSTOM)
def attention_over_a_bag(keras: Any) -> Any:
    """Multiple instance learning: the prediction, and the attention of each instance."""
    from .custom_layers import GatedAttention

    k = keras.layers
    bag = keras.Input((5, 28, 28, 1), name="bag")
    x = k.TimeDistributed(k.Flatten())(bag)
    x = k.Dense(16, activation="relu")(k.Dense(32, activation="relu")(x))
    weights = GatedAttention(8, name="alpha")(x)
    pooled = k.Flatten()(k.Dot(axes=1)([weights, x]))
    return keras.Model(bag, [k.Dense(2, activation="softmax", name="label")(pooled), weights])


@TUTORIALS.add()
def points_classifier(keras: Any) -> Any:
    """PointNet: learned transformations of points and features, then the maximum over all points."""
    k = keras.layers
    inputs = keras.Input((32, 3), name="points")

    def convolution(x: Any, width: int) -> Any:
        return k.Activation("relu")(k.BatchNormalization(momentum=0.0)(k.Conv1D(width, 1, padding="valid")(x)))

    def transformed(x: Any, features: int) -> Any:
        y = k.GlobalMaxPooling1D()(convolution(x, 16))
        y = k.Dense(features**2, kernel_initializer="zeros", bias_initializer="ones")(k.Dense(8, activation="relu")(y))
        return k.Dot(axes=(2, 1))([x, k.Reshape((features, features))(y)])

    x = convolution(transformed(inputs, 3), 8)
    x = convolution(transformed(x, 8), 16)
    x = k.Dropout(0.3)(k.Dense(16, activation="relu")(k.GlobalMaxPooling1D()(x)))
    return keras.Model(inputs, k.Dense(10, activation="softmax")(x))


@TUTORIALS.add(keras=(3,))
def radiance_field(keras: Any) -> Any:
    """NeRF: colours and densities of points on rays, with a skip connection."""
    k = keras.layers
    inputs = keras.Input((64, 9))
    x = inputs
    for number in range(4):
        x = k.Dense(16, activation="relu")(x)
        if number == 2:
            x = k.concatenate([x, inputs], axis=-1)
    raw = k.Dense(4)(x)
    colour, density = keras.ops.sigmoid(raw[..., :-1]), keras.ops.relu(raw[..., -1])
    return keras.Model(inputs, {"colour": colour, "density": density})


@TUTORIALS.add(keras=(3,))
def noise_of_a_diffusion_model(keras: Any) -> Any:
    """A U-Net with a sinusoidal embedding of the noise's variance."""
    k, ops = keras.layers, keras.ops
    images = keras.Input((16, 16, 3), name="noisy_images")
    variances = keras.Input((1, 1, 1), name="noise_variances")
    angles = variances * ops.reshape(ops.exp(ops.linspace(0.0, 3.0, 4)), (1, 1, 1, 4))
    embedding = k.UpSampling2D(16, interpolation="nearest")(ops.concatenate([ops.sin(angles), ops.cos(angles)], -1))
    skip = x = k.Concatenate()([k.Conv2D(8, 1)(images), embedding])
    x = k.Conv2D(16, 3, padding="same", activation="swish")(k.BatchNormalization(center=False, scale=False)(x))
    x = k.UpSampling2D(2, interpolation="bilinear")(k.AveragePooling2D(2)(x))
    x = k.Conv2D(8, 1, kernel_initializer="he_normal")(k.Concatenate()([x, skip]))
    return keras.Model([images, variances], k.Conv2D(3, 1)(x), name="residual_unet")


@TUTORIALS.add(keras=(3,), ids=30)
def image_and_text(keras: Any) -> Any:
    """CLIP: normalized embeddings of an image and a text, and their similarity."""
    k, ops = keras.layers, keras.ops
    image, text = keras.Input((24, 24, 3), name="image"), keras.Input((8,), dtype="int32", name="text")
    left = ops.normalize(k.Dense(8)(k.GlobalAveragePooling2D()(k.Conv2D(8, 3)(image))))
    right = ops.normalize(k.Dense(8)(k.GlobalAveragePooling1D()(k.Embedding(30, 8)(text))))
    similarity = ops.sum(left * right, axis=-1, keepdims=True)
    return keras.Model([image, text], {"image": left, "text": right, "similarity": similarity})


@TUTORIALS.add()
def visual_question_answering(keras: Any) -> Any:
    k = keras.layers
    image, question = keras.Input((24, 24, 3), name="image"), keras.Input((10,), dtype="int32", name="question")
    left = k.Dense(8, activation="tanh")(k.Flatten()(k.MaxPooling2D(2)(k.Conv2D(4, 3)(image))))
    right = k.Dense(8, activation="tanh")(k.LSTM(8)(k.Embedding(10, 8)(question)))
    return keras.Model([image, question], k.Dense(6, activation="softmax")(k.Multiply()([left, right])))


@TUTORIALS.add()
def class_activation_map(keras: Any) -> Any:
    """Grad-CAM: the feature maps and the prediction are two outputs."""
    k = keras.layers
    inputs = keras.Input((24, 24, 3))
    maps = k.Conv2D(8, 3, activation="relu", name="last_conv")(inputs)
    return keras.Model(inputs, [maps, k.Dense(4, activation="softmax")(k.GlobalAveragePooling2D()(maps))])
