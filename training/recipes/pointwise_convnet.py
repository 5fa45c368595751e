"""Classifies digits with fewer channels, by 1×1 convolutions, by pooling, or not at all; trained like `convnet`."""

from dataclasses import replace

from .convnet import RECIPES as CONVNET

_DIGITS = CONVNET["mnist_5k"]

RECIPES = {
    "mnist_5k": _DIGITS,
    "mnist_5k_half": replace(_DIGITS, hyperparameters={"factor": 2}),
    "mnist_5k_depth_pooling": replace(_DIGITS, hyperparameters={"reduction": "depth_pooling"}),
    "mnist_5k_none": replace(_DIGITS, hyperparameters={"reduction": "none"}),
}
