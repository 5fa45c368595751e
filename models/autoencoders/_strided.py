"""Strided convolutions down, and transposed ones up again to just the same sizes."""

from typing import Any

from keras import layers

Shape = tuple[int, int, int]  # (height, width, channels)


def down(image: Any, filters: tuple[int, ...], activation: str = "relu") -> tuple[Any, list[Shape]]:
    """One 3×3 convolution for each of `filters`, each halving height and width.

    Returns:
        The last feature maps, and the shapes before and after each convolution.
    """
    x, shapes = image, [image.shape[1:]]
    for count in filters:
        x = layers.Conv2D(count, 3, strides=2, padding="same", activation=activation)(x)
        shapes.append(x.shape[1:])  # (⌈height / 2⌉, ⌈width / 2⌉, count)
    return x, shapes


def up(x: Any, shapes: list[Shape], output_activation: str, activation: str = "relu") -> Any:
    """The way back through `shapes` from the last one to the first, which takes `output_activation`."""
    for depth, (height, width, count) in reversed(list(enumerate(shapes[:-1]))):
        x = layers.Conv2DTranspose(
            count,
            3,
            strides=2,
            padding="same",
            output_padding=(1 - height % 2, 1 - width % 2),  # undoes the ⌈ ⌉: odd sizes come back odd
            activation=activation if depth else output_activation,
        )(x)
    return x
