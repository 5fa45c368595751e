"""Classifies digits. 1×1 convolutions or depth pooling reduce the number of channels, or the channels are not reduced.

The training settings are the same as for `convnet`, so that the two models can be compared.
"""

from dataclasses import replace

from .convnet import RECIPES as CONVNET

_DIGITS = CONVNET["mnist_5k"]

RECIPES = {
    "mnist_5k": _DIGITS,
    "mnist_5k_half": replace(_DIGITS, hyperparameters={"factor": 2}),
    "mnist_5k_depth_pooling": replace(_DIGITS, hyperparameters={"reduction": "depth_pooling"}),
    "mnist_5k_none": replace(_DIGITS, hyperparameters={"reduction": "none"}),
}
