"""Classifies digits with fewer channels by 1×1 convolutions or by depth pooling, and without such a reduction.

The training settings are those of `convnet`, to compare the models.
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
