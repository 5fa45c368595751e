"""Fixtures: a small exported autoencoder, and a server that serves the autoencoder.

The server is the embedded server (serving/server). If the environment variable TF_MODEL_SERVER is set, the server is
the TensorFlow Serving program at that path.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.serving.launcher import ServerProcess
from keras_gallery.serving.ports import free_port
from keras_gallery.serving.quiet import quiet_import

MODEL = "denoiser"


@pytest.fixture(scope="session")
def keras_model() -> Any:
    """Returns the gallery's denoising autoencoder with fixed random weights."""
    with quiet_import():
        import keras
        from keras_gallery.models import create
    keras.utils.set_random_seed(7)
    return create("denoising_autoencoder", image_shape=(8, 8, 1), filters=(4,), code_dim=5)


@pytest.fixture(scope="session")
def saved_models(tmp_path_factory: pytest.TempPathFactory, keras_model: Any) -> Path:
    """Returns the path of a `saved_models` folder with one version of `keras_model`."""
    from keras_gallery.serving.export.writing import export

    root = tmp_path_factory.mktemp("saved_models")
    export(keras_model, MODEL, root)
    return root


@pytest.fixture(scope="session")
def images() -> Any:
    """Returns float32 images (7, 8, 8, 1) in [0, 1]. All values are multiples of 1/255, so PNG files can store them."""
    return np.random.default_rng(1).integers(0, 256, (7, 8, 8, 1)).astype(np.float32) / 255


@pytest.fixture(scope="session")
def png_files(images: Any) -> list[bytes]:
    """Returns the images as PNG files."""
    import tensorflow as tf

    return [tf.io.encode_png(np.rint(image * 255).astype(np.uint8)).numpy() for image in images]


@pytest.fixture(scope="session")
def server_kind() -> str:
    return "tensorflow-model-server" if os.environ.get("TF_MODEL_SERVER") else "embedded"


@pytest.fixture(scope="session")
def server(saved_models: Path, server_kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Starts a server that writes its output to `server.log`."""
    log = tmp_path_factory.mktemp("server") / "server.log"
    ports = {"port": free_port(), "rest_port": free_port()}
    with ServerProcess(server_kind, {MODEL: saved_models / MODEL}, log=log, **ports) as running:
        try:
            running.wait_until_ready()
        except Exception as error:
            raise RuntimeError(log.read_text()) from error
        yield running


def embedded_only() -> pytest.MarkDecorator:
    """Returns a mark for tests of the embedded server. The mark skips the test if TF_MODEL_SERVER is set."""
    return pytest.mark.skipif(bool(os.environ.get("TF_MODEL_SERVER")), reason="needs the embedded server")
