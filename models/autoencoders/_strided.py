"""Strided convolutions for an encoder, and transposed convolutions for a decoder that restore the same sizes."""

from typing import Any

from keras import layers

Shape = tuple[int, int, int]  # (height, width, channels)


def down(image: Any, filters: tuple[int, ...], activation: str = "relu") -> tuple[Any, list[Shape]]:
    """Applies a 3×3 convolution for each number in `filters`; each convolution halves height and width.

    Returns:
        The last feature maps, and a list with the shapes of the image and of each convolution's output, in this order.
    """
    x, shapes = image, [image.shape[1:]]
    for count in filters:
        x = layers.Conv2D(count, 3, strides=2, padding="same", activation=activation)(x)
        shapes.append(x.shape[1:])  # (⌈height / 2⌉, ⌈width / 2⌉, count)
    return x, shapes


def up(x: Any, shapes: list[Shape], output_activation: str, activation: str = "relu") -> Any:
    """Applies transposed convolutions that restore the sizes in `shapes`, from the last shape to the first.

    Args:
        x: feature maps with the shape `shapes[-1]`.
        shapes: the shapes that `down` returned.
        output_activation: activation of the last transposed convolution, whose output is the image.
        activation: activation of all other transposed convolutions.
    """
    for depth, (height, width, count) in reversed(list(enumerate(shapes[:-1]))):
        x = layers.Conv2DTranspose(
            count,
            3,
            strides=2,
            padding="same",
            output_padding=(1 - height % 2, 1 - width % 2),  # restores odd sizes, which `down` rounded up
            activation=activation if depth else output_activation,
        )(x)
    return x
