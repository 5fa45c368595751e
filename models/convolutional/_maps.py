"""Stacks of convolutions, and checks of the sizes of images and feature maps."""

from typing import Any, Literal

from keras import layers

from ..errors import BadHyperparameter


def convolution_layers(
    x: Any,
    filters: int,
    number: int,
    name: str,
    kernel_size: int = 3,
    strides: int = 1,
    padding: Literal["valid", "same"] = "same",
) -> Any:
    """Applies `number` convolutions with ReLU and `filters` filters each. The layers are named `<name>_1`, …

    Raises BadHyperparameter if the feature maps are smaller than the kernel and `padding` is `valid`.
    """
    for index in range(1, number + 1):
        if padding == "valid":
            check_size(x, kernel_size)
        x = layers.Conv2D(
            filters, kernel_size, strides=strides, padding=padding, activation="relu", name=f"{name}_{index}"
        )(x)
    return x


def check_size(maps: Any, window: int) -> None:
    """Raises BadHyperparameter if the maps `(batch, height, width, channels)` are smaller than `window` × `window`."""
    height, width = maps.shape[1:3]
    if min(height, width) < window:
        raise BadHyperparameter(
            f"image_shape is too small: a window of {window} × {window} does not fit on feature maps of "
            f"{height} × {width}."
        )


def check_multiple(image_shape: tuple[int, int, int], step: int) -> None:
    """Raises BadHyperparameter if the height or the width of the images is not a multiple of `step`."""
    if image_shape[0] % step or image_shape[1] % step:
        raise BadHyperparameter(
            f"Expected image_shape to have a height and a width that are multiples of {step}. Received: {image_shape}."
        )
