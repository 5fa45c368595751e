"""Small model files that the tests read or modify."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from keras_gallery.serving.quiet import quiet_import


@pytest.fixture(scope="session")
def small_model() -> Any:
    """A Sequential model: 4 inputs, a Dense layer of 3, a Dense layer of 2. It has 23 weights."""
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
    """The same model in HDF5, with its configuration in Keras 2's format."""
    place = small_keras.with_suffix(".h5")
    small_model.save(place)
    return place


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A file that exists only if an attack succeeded."""
    return tmp_path / "canary"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file that no model may read."""
    from .crafted import SECRET

    place = tmp_path / "secret"
    place.write_bytes(SECRET)
    return place


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Any]:
    """Returns a function that reads a file as an import does."""
    with quiet_import():
        from keras_gallery.serving.importer import worker
        from keras_gallery.serving.importer.reading.result import Options

    def read(file: Path, *, trust: bool = False) -> Any:
        folder = tmp_path / f"scratch{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        return worker.read(file, Options(folder, trust))

    return read
