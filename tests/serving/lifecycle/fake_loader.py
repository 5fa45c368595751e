"""A loader of fake servables, and functions that add versions and look at them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keras_gallery.serving.core.servable import Servable
from keras_gallery.serving.core.served_models import ServedModels
from keras_gallery.serving.errors import NotFound, OutOfRange, Unimplemented
from keras_gallery.serving.lifecycle.host import LocalHost
from keras_gallery.serving.lifecycle.manager import Manager
from keras_gallery.serving.lifecycle.versions import State
from keras_gallery.serving.wire.predict import ModelSpec

from ..fake_models import record

Run = Callable[..., Manager]
SECONDS = 10  # time limit of each wait


class FakeServable(Servable):
    """A servable without a model."""

    def __init__(self, name: str, version: int) -> None:
        super().__init__(name, version, None, {})
        self.closed = False

    def close(self) -> None:
        super().close()
        self.closed = True


class Loader:
    """Loads fake servables as soon as `gate` is set. Raises an error if `assets` has a file `broken` or `bug`.

    Attributes:
        broken: the names of models that can't be loaded.
        unsupported: the names of models that no engine can run.
        hanging: the names of models whose loads hang until `continues` is set.
    """

    def __init__(self) -> None:
        self.tried: list[int] = []
        self.broken: set[str] = set()
        self.hanging: set[str] = set()
        self.unsupported: set[str] = set()
        self.continues = threading.Event()
        self.loaded: dict[int, FakeServable] = {}
        self.gate = threading.Event()
        self.gate.set()
        self.models = ServedModels()
        self.host = LocalHost(self, self.models)

    def __call__(self, name: str, version: int, folder: Path) -> Servable:
        self.tried.append(version)
        assert self.gate.wait(SECONDS)
        if name in self.hanging:
            self.continues.wait(SECONDS)
        if name in self.broken:
            raise NotFound("no SavedModel")
        if name in self.unsupported:
            raise Unimplemented("No engine can run any signature.")
        if (folder / "assets" / "broken").exists():
            raise OutOfRange("Read less bytes than requested")
        if (folder / "assets" / "bug").exists():
            raise KeyError("a bug")
        self.loaded[version] = FakeServable(name, version)
        return self.loaded[version]


def add(base: Path, *versions: int, file: str = "model") -> None:
    """Adds each version atomically: writes a folder with another name, then renames the folder."""
    for version in versions:
        folder = base / f"copying-{version}"
        (folder / "assets").mkdir(parents=True)
        (folder / "assets" / file).write_text("a model")
        folder.rename(base / str(version))


def served(load: Loader, **spec: Any) -> int:
    with load.models.using(ModelSpec("m", **spec), record()) as servable:
        return servable.version


def states(manager: Manager) -> dict[int, State]:
    return {version.number: version.state for version in manager.status("m")}
