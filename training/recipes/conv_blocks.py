"""Classifies digits with one or two convolutions before each pooling layer.

The training settings are the same as for `convnet`, so that the two models can be compared.
"""

from dataclasses import replace

from .convnet import RECIPES as CONVNET

_DIGITS = CONVNET["mnist_5k"]

RECIPES = {
    "mnist_5k": _DIGITS,
    "mnist_5k_twice": replace(_DIGITS, hyperparameters={"filters": (16, 32), "convolutions": 2}),
    # The yardstick of `vector_to_sequence` on digit_scenes: a class for each sentence.
    "digit_scene_classes": replace(
        _DIGITS,
        dataset="digit_scene_classes",
        shift=False,
        hyperparameters={"filters": (16, 32, 64), "units": 128},
    ),
}
