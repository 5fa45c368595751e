"""Draws the answers of models: the classes of pixels as colours, and objects as boxes."""

from __future__ import annotations

import colorsys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from ..preparation.headers import PILLOW_FORMATS
from ..serving.client import Detection

Array = np.ndarray[Any, Any]
GOLDEN = 0.618034  # the step between the hues of two classes, so that the colours of the first classes differ clearly
ORANGE = (255, 140, 0)
MIN_SIDE = 256  # pixels, so that boxes and labels are readable


def colour_classes(mask: Array, background: int) -> Array:
    """Returns an image (…, height, width, 3) in [0, 1] with a colour for each class of a mask (…, height, width).

    The class `background` is black.
    """
    colours = [colorsys.hsv_to_rgb(number * GOLDEN % 1, 0.75, 1) for number in range(256)]
    colours[background] = (0, 0, 0)
    return np.array(colours)[mask]


def draw_boxes(source: Path, found: Detection) -> Array:
    """Returns the image in a file with boxes, labels and scores, as (height, width, 3) in [0, 1].

    A small image is enlarged by an integer factor.
    """
    with Image.open(source, formats=PILLOW_FORMATS) as opened:
        image = opened.convert("RGB")
    times = -(-MIN_SIDE // min(image.size))
    image = image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
    draw = ImageDraw.Draw(image)
    for (top, left, bottom, right), score, label in zip(found.boxes * times, found.scores, found.labels, strict=True):
        draw.rectangle((left, top, right, bottom), outline=ORANGE, width=2)
        corner, text = (left + 4, top + 3), f"{label} {score:.2f}"
        draw.rectangle(draw.textbbox(corner, text), fill="black")
        draw.text(corner, text, fill=ORANGE)
    return np.asarray(image) / 255
