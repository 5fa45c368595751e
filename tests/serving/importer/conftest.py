"""Fixtures: a small model, its files, and a function that reads model files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from keras_gallery.serving.quiet import quiet_import


@pytest.fixture(scope="session")
def small_model() -> Any:
    """Returns a Sequential model with 4 inputs, and with Dense layers of 3 and 2 units. The model has 23 parameters."""
    with quiet_import():
        import keras
    return keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3, activation="relu", name="first"), keras.layers.Dense(2, name="last")],
        name="small",
    )


@pytest.fixture(scope="session")
def small_keras(small_model: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("files") / "small.keras"
    small_model.save(place)
    return place


@pytest.fixture(scope="session")
def small_h5(small_model: Any, small_keras: Path) -> Path:
    """Returns the path of `small_model` in HDF5. The configuration in the file has Keras 2's format."""
    place = small_keras.with_suffix(".h5")
    small_model.save(place)
    return place


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """Returns the path of a file that exists only if an attack succeeds."""
    return tmp_path / "canary"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Returns the path of a file that no model may read."""
    from .crafted import SECRET

    place = tmp_path / "secret"
    place.write_bytes(SECRET)
    return place


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Any]:
    """Returns a function that reads a model file as an import does, but in this process."""
    with quiet_import():
        from keras_gallery.serving.importer import worker
        from keras_gallery.serving.importer.reading.result import Options

    def read(file: Path, *, trust: bool = False) -> Any:
        folder = tmp_path / f"scratch{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        return worker.read(file, Options(folder, trust))

    return read
