"""The network for semantic segmentation."""

import keras
from keras import layers

from ..hyperparameters import Count, Counts, ImageShape
from ..registry import register
from ._maps import check_multiple, convolution_layers


@register
def segmenter(
    *, image_shape: ImageShape = (64, 64, 1), classes: Count = 11, filters: Counts = (8, 16, 32, 64)
) -> keras.Model:
    """Labels each pixel of an image with a class: a small U-Net for semantic segmentation.

    The encoder reduces the image to small feature maps. The decoder enlarges these feature maps to the size of the
    image. Each step of the decoder also receives the encoder's feature maps of the same size. These feature maps
    preserve the edges of objects.

    Args:
        image_shape: height, width and channels of the images. Height and width must be multiples of 2ⁿ⁻¹, where n is
            the length of `filters`.
        classes: number of classes, including the background, which is the last class.
        filters: number of filters of the convolutions at each size of the feature maps, from the image size to the
            smallest size.

    Formula:
        down_1 = conv(image), down_l = conv(pool(down_{l−1}))
        up_n = down_n, up_l = conv([down_l, transposed conv(up_{l+1})])
        ŷ_{ij} = softmax(W up_{1,ij} + b)
        minimise L = −1/(height · width) Σ_{ij} w_{ij} log ŷ_{ij,c}, where c is the true class of pixel (i, j)
        w_{ij} = 1 if c is the background, otherwise 10, because few pixels belong to objects

    Source:
        Lecture notes 004, "Types of computer vision problems"; Ronneberger, Fischer and Brox 2015, "U-Net".

    Returns:
        A model from images `(batch, height, width, channels)` to class probabilities of each pixel
        `(batch, height, width, classes)`, float32.
    """
    check_multiple(image_shape, 2 ** (len(filters) - 1))

    # === Functional model ===
    image = keras.Input(image_shape, name="image")
    x = convolution_layers(image, filters[0], 2, "down_1")
    down = []
    for depth, count in enumerate(filters[1:], 2):
        down.append(x)
        x = layers.MaxPooling2D(2, name=f"pool_{depth}")(x)  # half the height and width
        x = convolution_layers(x, count, 2, f"down_{depth}")
    for depth, same_size in reversed(list(enumerate(down, 1))):
        count = filters[depth - 1]
        x = layers.Conv2DTranspose(count, 2, strides=2, name=f"grow_{depth}")(x)  # twice the height and width
        x = layers.Concatenate(name=f"join_{depth}")([same_size, x])
        x = convolution_layers(x, count, 2, f"up_{depth}")
    y_hat = layers.Conv2D(classes, 1, activation="softmax", name="pixel_probabilities")(x)
    return keras.Model(image, y_hat, name="segmenter")
