"""Chooses the size and the channels of images from the headers of a folder's pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...models.errors import BadHyperparameter
from ...models.registry import builder, describe
from ...preparation.description import FITS, Pictures
from ...preparation.pillow_images import BadPicture
from ..errors import BadData
from ..recipe import Recipe
from .pictures_files import Header, Shape, read_header
from .source import Source

LOOKED_AT = 1_000  # pictures
LARGEST_COMMON = 128  # pixels: a common size is kept up to this length of the longer side
SIDES = (64, 48, 32, 24, 16, 8)
STEP = 8  # the sides of images that are not square are multiples of this number
MOST_VALUES = 1 << 21  # of an image
FITTING = {
    "crop": "Pictures of another shape are cut to their middle part",
    "pad": "Pictures of another shape get black edges",
}
SAME = 0.9  # share of pictures that must have the same shape, to be decoded as pictures of one shape


class Choice(NamedTuple):
    """How pictures become images.

    Attributes:
        pictures: size and kind of the images.
        note: a line that says what was chosen, and from what.
        plain: shape of most of the pictures, or None if the pictures have different shapes.
        file_bytes: typical length of a file.
    """

    pictures: Pictures
    note: str
    plain: Shape | None
    file_bytes: int


def choose(source: Source, model: str, recipe: Recipe, paths: Sequence[bytes], seed: int) -> Choice:
    """Chooses the size and the channels of the images, and checks that the model takes them.

    Args:
        source: options; a given size, channels or fit are kept.
        model: name of the model.
        recipe: the recipe.
        paths: full paths of the pictures. The headers of at most 1,000 of them are read.
        seed: seed of the selection.

    Raises:
        BadData: no picture can be read, or the model does not take images of this size or kind.
    """
    _check(source)
    headers, error = _headers(paths, seed)
    if not headers:
        raise BadData(f"None of {min(len(paths), LOOKED_AT):,} pictures can be read: {error}.")
    shapes = [each.shape for each in headers]
    common, count = Counter(shapes).most_common(1)[0]
    channels, why_channels = _channels(source, recipe, shapes, model)
    size, why_size = _size(source, model, recipe, shapes, channels)
    pictures = Pictures(*size, channels, source.fit or "crop", "0..1")
    note = f"images of {size[0]} × {size[1]} × {channels}: {why_size}, {why_channels}"
    if len(headers) < len(paths):
        note += f" ({len(headers):,} of {len(paths):,} pictures were looked at)"
    if any(shape.height * size[1] != shape.width * size[0] for shape in shapes):
        note += f". {FITTING[pictures.fit]} (--fit {pictures.fit})"
    plain = common if count >= SAME * len(shapes) else None
    return Choice(pictures, note, plain, int(np.median([each.bytes for each in headers])))


def _check(source: Source) -> None:
    if source.channels not in (None, 1, 3):
        raise BadData(f"Expected channels to be 1 (grey) or 3 (colour). Received: {source.channels!r}.")
    if source.fit not in (None, *FITS):
        raise BadData(f"Expected fit to be crop or pad. Received: {source.fit!r}.")
    if source.size is not None:
        sides = tuple(source.size) if isinstance(source.size, tuple | list) else ()
        if len(sides) != 2 or not all(isinstance(side, int) and 1 <= side <= 4096 for side in sides):
            raise BadData(f"Expected size as (height, width), each from 1 to 4096. Received: {source.size!r}.")
        if sides[0] * sides[1] * 3 > MOST_VALUES:
            raise BadData(f"Images of {sides[0]} × {sides[1]} are too large: at most {MOST_VALUES:,} values are used.")


def _headers(paths: Sequence[bytes], seed: int) -> tuple[list[Header], str]:
    """Returns the headers of at most 1,000 pictures, and the reason of the last broken one."""
    chosen = np.sort(np.random.default_rng(seed).permutation(len(paths))[:LOOKED_AT])
    headers, reason = [], ""
    for index in chosen:
        try:
            headers.append(read_header(paths[index]))
        except BadPicture as error:
            reason = str(error)
    return headers, reason


def _channels(source: Source, recipe: Recipe, shapes: Sequence[Shape], model: str) -> tuple[int, str]:
    all_grey = all(shape.channels == 1 for shape in shapes)
    if recipe.task == "colorize":
        if source.channels == 1 or (all_grey and source.channels is None):
            raise BadData(f"{model} learns from colour pictures. Received: grey pictures.")
        return 3, "in colour"
    if source.channels is not None:
        return source.channels, "grey as given" if source.channels == 1 else "in colour as given"
    return (1, "all are grey") if all_grey else (3, "in colour")


def _size(
    source: Source, model: str, recipe: Recipe, shapes: Sequence[Shape], channels: int
) -> tuple[tuple[int, int], str]:
    if source.size is not None:
        size = (int(source.size[0]), int(source.size[1]))
        problem = _problem(model, recipe, (*size, channels))
        if problem:
            least = next((side for side in range(1, 65) if not _problem(model, recipe, (side, side, channels))), None)
            remedy = f" Try --size {least}x{least} or larger." if least and least > min(size) else ""
            raise BadData(f"{model} does not take images of {size[0]} × {size[1]} × {channels}. {problem}{remedy}")
        return size, "the given size"
    problem = None
    for size, why in _candidates(shapes):
        problem = _problem(model, recipe, (*size, channels))
        if not problem:
            return size, why
    raise BadData(f"{model} takes none of the sizes that were tried, up to {SIDES[0]} × {SIDES[0]}. {problem}")


def _candidates(shapes: Sequence[Shape]) -> list[tuple[tuple[int, int], str]]:
    """Returns sizes for pictures of these shapes, the best first, each with the reason."""
    heights, widths = (np.array([shape[axis] for shape in shapes]) for axis in (0, 1))
    candidates = []
    if np.ptp(heights) == np.ptp(widths) == 0:
        height, width = int(heights[0]), int(widths[0])
        if max(height, width) <= LARGEST_COMMON:
            candidates.append(((height, width), "all pictures have this size"))
        elif max(height, width) <= 4 * min(height, width):
            scale = SIDES[0] / max(height, width)
            small = [max(STEP, round(side * scale / STEP) * STEP) for side in (height, width)]
            candidates.append(((small[0], small[1]), f"all pictures have {height} × {width}"))
    shorter = float(np.median(np.minimum(heights, widths)))
    fitting = [side for side in SIDES if side <= shorter] or [SIDES[-1]]
    larger = [side for side in reversed(SIDES) if side > fitting[0]]
    why = "the pictures have different sizes"
    if candidates or np.ptp(heights) == np.ptp(widths) == 0:
        why = f"all pictures have {heights[0]} × {widths[0]}"
    return candidates + [((side, side), why) for side in (*fitting, *larger)]


def _problem(model: str, recipe: Recipe, shape: tuple[int, int, int]) -> str | None:
    """Returns why a model does not take images of a shape, or None. Builds the model, because it checks its layers."""
    names = [name for name in ("image_shape", "input_shape") if name in describe(model).parameters]
    given: dict[str, Any] = {**recipe.hyperparameters, **dict.fromkeys(names, shape)}
    try:
        builder(model)(**given)
    except BadHyperparameter as error:
        return str(error)
    return None
