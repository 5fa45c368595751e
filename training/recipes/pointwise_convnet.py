"""The convnet with fewer channels, by 1×1 convolutions, by pooling over channels, and not at all."""

from dataclasses import replace

from ..recipe import Recipe

_POINTWISE = Recipe(
    task="classify",
    dataset="mnist_5k",
    loss="crossentropy",
    optimizer="adamw",
    learning_rate=2e-3,
    epochs=20,
    batch_size=64,
    shift=True,
    xla=False,
)

RECIPES = {
    "mnist_5k": _POINTWISE,
    "mnist_5k_half": replace(_POINTWISE, hyperparameters={"factor": 2}),
    "mnist_5k_depth_pooling": replace(_POINTWISE, hyperparameters={"reduction": "depth_pooling"}),
    "mnist_5k_none": replace(_POINTWISE, hyperparameters={"reduction": "none"}),
}
