"""A fake model for the tests of commands with many inputs: its signatures, its answers, and pictures for it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.wire.tensor import string_array
from PIL import Image

from .fake_client import FLOAT, TEXT, signature

IMAGE = {"image": ((-1, 2, 2, 1), FLOAT)}
SIGNATURES = [
    signature("encode", IMAGE, ["code"], "0..1"),
    signature("encode_png", {"image_bytes": TEXT}, ["code"], "0..1"),
    signature("score", IMAGE, ["score"], "0..1"),
    signature("regress", {"features": ((-1, 3), FLOAT)}, ["prediction"]),
    signature("classify_rows", {"size": ((-1,), FLOAT), "colour": TEXT}, ["label", "score", "probabilities"]),
    signature("embed_text", {"text": TEXT}, ["embedding"]),
]
BAD = 250  # a grey value that the server refuses


def answer(name: str, inputs: Any) -> dict[str, Any]:
    """The code of a picture is its grey value and its half."""
    if name == "encode_png":
        try:
            grey = np.array([np.asarray(Image.open(io.BytesIO(each)))[0, 0] for each in inputs], np.float32)
        except OSError:
            raise InvalidArgument("Invalid PNG data.") from None
    elif name == "classify_rows":
        pairs = zip(inputs["size"], inputs["colour"], strict=True)
        labels = [colour.decode() + ("+" if size > 1 else "-") for size, colour in pairs]
        return {
            "probabilities": np.tile(np.float32([0.1, 0.9]), (len(labels), 1)),
            "label": string_array([each.encode() for each in labels]),
            "score": np.full(len(labels), 0.9, np.float32),
        }
    elif name == "embed_text":
        return {"embedding": np.array([[len(each)] for each in inputs], np.float16)}
    elif name == "regress":
        return {"prediction": inputs.sum(1, keepdims=True)}
    elif name == "score":
        return {"score": inputs.sum((1, 2, 3))}
    else:
        grey = inputs[:, 0, 0, 0] * 255
    if (grey == BAD).any():
        raise InvalidArgument("Expected another picture.")
    return {"code": np.stack([grey, grey / 2], 1)}


def pictures(count: int, folder: str = "in") -> None:
    """Writes pictures whose grey values are 0, 1, 2 and so on."""
    for number in range(count):
        file = Path(folder, f"{number:03}.png")
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (2, 2), number).save(file)
