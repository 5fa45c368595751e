"""Convolutions in a row, and what feature maps must measure for the next layer."""

from typing import Any, Literal

from keras import layers

from ..errors import BadHyperparameter


def convolution_layers(
    x: Any,
    count: int,
    number: int,
    name: str,
    kernel_size: int = 3,
    strides: int = 1,
    padding: Literal["valid", "same"] = "same",
) -> Any:
    """`number` convolutions with ReLU, of `count` filters each, named `<name>_1`, `<name>_2`, …"""
    for index in range(1, number + 1):
        if padding == "valid":
            check_room(x, kernel_size)
        x = layers.Conv2D(
            count, kernel_size, strides=strides, padding=padding, activation="relu", name=f"{name}_{index}"
        )(x)
    return x


def check_room(maps: Any, window: int) -> None:
    """Refuses feature maps `(batch, height, width, channels)` on which a window has no place."""
    height, width = maps.shape[1:3]
    if min(height, width) < window:
        raise BadHyperparameter(
            f"Expected an image_shape whose maps hold a window of {window} × {window}. "
            f"Received: maps of {height} × {width}."
        )


def check_multiple(image_shape: tuple[int, int, int], step: int) -> None:
    """Refuses images whose sides are not multiples of `step`."""
    if image_shape[0] % step or image_shape[1] % step:
        raise BadHyperparameter(
            f"Expected image_shape to have a height and a width that are multiples of {step}. Received: {image_shape}."
        )
