"""Random changes of training images by layers of Keras. The layers are not a part of the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from .batches import ImageChange, Images, binarize, mirror, shift

LARGEST_SHIFT = 0.1  # as a fraction of the height and the width
LARGEST_ROTATION = 15 / 360  # as a fraction of a full turn
LARGEST_CROP = 0.2  # as a fraction of the height and the width
LARGEST_SEED = 2**31 - 1


def augment(names: Sequence[str]) -> ImageChange:
    """Returns a function that changes each image of a batch at random.

    Args:
        names: the changes, which are made in this order: `flip` mirrors left to right with probability 1/2, `shift`
            moves by up to 10 % of the height and the width, `rotate` turns by up to 15°, and `crop` cuts off up to
            20 % of the height and the width around the centre, and enlarges the rest to the old size. New pixels at the
            edges have the value of the nearest pixel.
    """
    layers = [_layer(name) for name in names]

    def change(images: Images, rng: np.random.Generator) -> Images:
        changed: Any = images
        for layer in layers:
            # With an explicit seed, the layers do not use their own generators, whose state depends on earlier calls.
            transformation = layer.get_random_transformation(changed, seed=int(rng.integers(LARGEST_SEED)))
            changed = layer.transform_images(changed, transformation)
        return np.clip(np.asarray(keras.ops.convert_to_numpy(changed), np.float32), 0, 1)

    return change


def _layer(name: str) -> Any:
    options: dict[str, Any] = {"fill_mode": "nearest", "dtype": "float32"}
    if name == "flip":
        return keras.layers.RandomFlip("horizontal", dtype="float32")
    if name == "shift":
        return keras.layers.RandomTranslation(LARGEST_SHIFT, LARGEST_SHIFT, **options)
    if name == "rotate":
        return keras.layers.RandomRotation(LARGEST_ROTATION, **options)
    return keras.layers.RandomZoom((-LARGEST_CROP, 0.0), **options)


def image_changes(recipe: Any) -> ImageChange | None:
    """Returns the random changes of the training images that a recipe names, or None if it names none."""
    changes: list[ImageChange] = [augment(recipe.augment)] if recipe.augment else []
    changes += [change for change in (mirror, shift, binarize) if getattr(recipe, change.__name__)]

    def change(images: Images, rng: np.random.Generator) -> Images:
        for each in changes:
            images = each(images, rng)
        return images

    return change if changes else None
