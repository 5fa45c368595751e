"""Answers drawn for people: masks in colours, boxes over pictures."""

from __future__ import annotations

import colorsys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from ..serving.client import Detection

Array = np.ndarray[Any, Any]
GOLDEN = 0.618034  # of the circle of hues: no two of the first colours are alike
ORANGE = (255, 140, 0)
LEAST_SIDE = 256  # pixels: a box and its label can be made out


def coloured(mask: Array, background: int) -> Array:
    """A mask of classes (…, height, width) as an image (…, height, width, 3) in [0, 1], the background black."""
    colours = [colorsys.hsv_to_rgb(number * GOLDEN % 1, 0.75, 1) for number in range(256)]
    colours[background] = (0, 0, 0)
    return np.array(colours)[mask]


def with_boxes(source: Path, found: Detection) -> Array:
    """The picture in a file, enlarged where it is small, with boxes, labels and scores (height, width, 3) in [0, 1]."""
    with Image.open(source) as opened:
        picture = opened.convert("RGB")
    times = -(-LEAST_SIDE // min(picture.size))
    picture = picture.resize((picture.width * times, picture.height * times), Image.Resampling.NEAREST)
    draw = ImageDraw.Draw(picture)
    for (top, left, bottom, right), score, label in zip(found.boxes * times, found.scores, found.labels, strict=True):
        draw.rectangle((left, top, right, bottom), outline=ORANGE, width=2)
        at, text = (left + 4, top + 3), f"{label} {score:.2f}"
        draw.rectangle(draw.textbbox(at, text), fill="black")
        draw.text(at, text, fill=ORANGE)
    return np.asarray(picture) / 255
