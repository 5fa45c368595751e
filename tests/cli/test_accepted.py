"""Tests of the error messages for a model that takes other inputs than the command has sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.cli import files
from keras_gallery.cli.main import main
from keras_gallery.serving.wire.signature import SignatureDef
from PIL import Image

from .fake_client import FLOAT, TEXT, FakeClient, signature

CLASSES = ("probabilities", "label", "score")
PICTURES = [
    signature("classify", {"image": ((-1, 8, 8, 3), FLOAT)}, CLASSES),
    signature("classify_png", {"image_bytes": TEXT}, CLASSES),
    signature("serving_default", {"image": ((-1, 8, 8, 3), FLOAT)}, CLASSES),
]
TABLE = [
    signature("classify", {"features": ((-1, 2), FLOAT)}, CLASSES),
    signature("classify_rows", {"age": ((-1,), FLOAT), "size": ((-1,), FLOAT)}, CLASSES),
    signature("classify_example", {"inputs": TEXT}, CLASSES),
]
TEXTS = [
    signature("classify", {"ids": ((-1, 40), FLOAT)}, CLASSES),
    signature("classify_text", {"text": TEXT}, CLASSES),
]
WORDS = [
    signature("nearest", {"word": TEXT, "count": ((), FLOAT)}, ["words"]),
    signature("generate", {"count": ((), FLOAT), "seed": ((), FLOAT)}, ["image"]),
    signature("analogy", {"a": TEXT, "b": TEXT, "c": TEXT, "count": ((), FLOAT)}, ["names"]),
]
TAGS = [
    signature("tag", {"ids": ((-1, -1), FLOAT)}, CLASSES),
    signature("tag_text", {"text": TEXT}, CLASSES),
    signature("step", {"ids": ((-1,), FLOAT), "state_1": ((-1, 8), FLOAT)}, CLASSES),
    signature("step_text", {"text": TEXT, "state_1": ((-1, 8), FLOAT)}, CLASSES),
]
OF_TABLE = "a table with the columns age, size, or arrays of shape (n, 2)"


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[list[SignatureDef]], None]:
    """Makes the commands use a model with these signatures, which answers no request."""
    monkeypatch.chdir(tmp_path)

    def refuse(name: str, inputs: Any) -> dict[str, Any]:
        raise AssertionError("a request was sent")

    return lambda found: monkeypatch.setattr(files, "connect", lambda values: FakeClient(found, refuse))


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        (TABLE, "classify m a.png", f"m takes {OF_TABLE}. Received: the picture a.png."),
        (TABLE, "score m t.csv", "m has no signature score. It has: classify (a table, or arrays of shape (n, 2))."),
        (
            TABLE,
            "score m t.csv --output s.csv",
            "m has no signature score. It has: classify (a table, or arrays of shape (n, 2)).",
        ),
        (
            TABLE,
            "forecast m t.csv",
            "m has no signature forecast. It has: classify (a table, or arrays of shape (n, 2)).",
        ),
        (
            TABLE,
            "classify-text m hello",
            "m has no signature classify_text. It has: classify (a table, or arrays of shape (n, 2)).",
        ),
        (TABLE, "generate m", "m has no signature generate. It has: classify (a table, or arrays of shape (n, 2))."),
        (TABLE, "nearest m king", "m has no signature nearest. It has: classify (a table, or arrays of shape (n, 2))."),
        (
            PICTURES,
            "classify m t.csv",
            "Expected 192 columns of numbers in t.csv. Received: 1. m takes pictures, or arrays of shape (n, 8, 8, 3).",
        ),
        (
            TEXTS,
            "classify m t.csv",
            "Expected 40 columns of numbers in t.csv. Received: 1. m takes texts, or arrays of shape (n, 40).",
        ),
        (TEXTS, "classify m a.png", "m takes texts, or arrays of shape (n, 40). Received: the picture a.png."),
        (
            TAGS,
            "translate m hello",
            "m has no signature translate. "
            "It has: step (one step of a sequence, and the states after the step before); "
            "tag (texts, or arrays of shape (n, any)).",
        ),
        (
            WORDS,
            "score m a.png",
            "m has no signature score. It has: analogy (three words); generate (no input); nearest (texts).",
        ),
        (PICTURES[2:], "classify m a.png", "m has no signature classify. It has: serving_default (arrays of shape"),
    ],
)
def test_a_model_that_takes_other_inputs(
    serve: Callable[[list[SignatureDef]], None],
    model: list[SignatureDef],
    arguments: str,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    serve(model)
    Image.new("RGB", (8, 8)).save("a.png")
    Path("t.csv").write_text("note\nhello\n")
    assert main(arguments.split()) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"gallery: {message}") and error.count("\n") == 1, error


def test_many_signatures_are_cut_short(
    serve: Callable[[list[SignatureDef]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    serve([signature(f"task_{n}", {"x": ((-1, 2), FLOAT)}, ["y"]) for n in range(50)])
    np.save("a.npy", np.zeros((1, 2)))
    assert main(["score", "m", "a.npy"]) == 2
    assert capsys.readouterr().err.endswith("task_15 (arrays of shape (n, 2)) and 42 more.\n")
