"""Exports the models for the benchmarks: `python benchmarks/serve_models.py FOLDER`.

The weights of the models are random with a fixed seed, because the speed does not depend on the weights. The export is
a separate program so that the process that measures does not import TensorFlow.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

SEED = 7


def dense() -> Any:
    """Returns a dense network 784-400-20-400-784 from (batch, 784) to (batch, 784)."""
    from keras import Input, Model, layers

    x = pixels = Input((784,), name="x")
    for width in (400, 20, 400):
        x = layers.Dense(width, activation="relu")(x)
    return Model(pixels, layers.Dense(784, activation="sigmoid", name="y")(x))


def conv() -> Any:
    """Returns a convolutional network from (batch, 28, 28, 1) to (batch, 28, 28, 1).

    It has strided convolutions with 32 and 64 filters, then transposed convolutions with 64 and 32 filters.
    """
    from keras import Input, Model, layers

    x = image = Input((28, 28, 1), name="x")
    for filters in (32, 64):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(x)
    for filters in (64, 32):
        x = layers.Conv2DTranspose(filters, 3, strides=2, padding="same", activation="relu")(x)
    return Model(image, layers.Conv2D(1, 3, padding="same", activation="sigmoid", name="y")(x))


def lstm() -> Any:
    """Returns an LSTM with 64 units, from (batch, 50, 8) to (batch, 1)."""
    from keras import Input, Model, layers

    series = Input((50, 8), name="x")
    return Model(series, layers.Dense(1, name="y")(layers.LSTM(64)(series)))


def images() -> Any:
    """Returns the gallery's denoising autoencoder. Its signature `encode_png` decodes picture files."""
    from keras_gallery.models import create

    return create("denoising_autoencoder")


MODELS: dict[str, Callable[[], Any]] = {"dense": dense, "conv": conv, "lstm": lstm, "images": images}


def prepare_models(folder: Path | None) -> Path:
    """Exports the models that `folder` lacks, and returns the folder.

    Args:
        folder: folder of the models. The default is a temporary folder of this user. The name of the temporary folder
            depends on the source code of the exporter, of the engines and of this file.
    """
    if folder is None:
        serving = Path(__file__).parents[1] / "serving"
        packages = ("export", "signatures", "engines")
        sources = [Path(__file__), *(file for each in packages for file in sorted((serving / each).rglob("*.py")))]
        key = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:8]
        root = Path(tempfile.gettempdir(), f"keras-gallery-benchmarks-{os.getuid()}")
        root.mkdir(mode=0o700, exist_ok=True)
        if root.stat().st_uid != os.getuid():
            sys.exit(f"{root} belongs to another user: choose another folder with --models")
        folder = root / key
    if not all((folder / name / "1").exists() for name in MODELS):
        print(f"exporting {', '.join(MODELS)} to {folder}", file=sys.stderr)
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}
        done = subprocess.run([sys.executable, __file__, str(folder)], env=environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"The export failed:\n{done.stderr[-2000:]}")
    return folder


def main() -> None:
    import keras
    from keras_gallery.serving.export.writing import export

    folder = Path(sys.argv[1])
    for name, make in MODELS.items():
        if not (folder / name / "1").exists():
            keras.utils.set_random_seed(SEED)
            export(make(), name, folder, version=1)


if __name__ == "__main__":
    main()
