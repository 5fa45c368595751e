"""Lists the models of the table."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

GROUPS = ("layers", "applications", "tutorials")
_TUTORIALS = (
    "tutorials_images",
    "tutorials_generation",
    "tutorials_attention",
    "tutorials_sequences",
    "tutorials_tables",
)
FORMATS = {"keras": ".keras", "h5": ".h5", "saved_model": ""}  # file format → suffix


@dataclass(frozen=True)
class Case:
    """A model, and the file format in which it is imported.

    Attributes:
        group: one of `GROUPS`.
        name: name of the model in the table.
        build: returns the model. The argument is the package: `keras` (Keras 3) or `tf_keras` (Keras 2).
        keras: major version of Keras that builds the model and writes the file.
        file_format: one of `FORMATS`.
        ids: integer inputs are from 0 to `ids` - 1.
        scale: floating-point inputs are from 0 to `scale`.
        texts: values of string inputs, by the name of the input. Other string inputs have the values `TEXTS`.
        classes: modules that register the model's custom classes, as in `gallery import --classes`.
        random: whether inference is random. Then only the shapes and the means of the outputs are compared.
    """

    group: str
    name: str
    build: Callable[[Any], Any]
    keras: int = 3
    file_format: str = "keras"
    ids: int = 10
    scale: float = 1.0
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    random: bool = False

    @property
    def key(self) -> str:
        """The name of the case, such as "layers, Keras 3, keras: Dense(5)"."""
        return f"{self.group}, Keras {self.keras}, {self.file_format}: {self.name}"


class NotInThisVersion(Exception):
    """The version of Keras does not have the layer, the option or the model."""


def cases(*, large: bool = True) -> Iterator[Case]:
    """Yields all cases of the table. `large`: also the largest models. Does not import Keras."""
    from . import applications, layers

    yield from layers.cases()
    yield from applications.cases(large=large)
    for module in _TUTORIALS:
        yield from importlib.import_module(f".{module}", __package__).TUTORIALS.cases()


class Tutorials:
    """The tutorials of a module. `add` is a decorator for a function that builds a model."""

    def __init__(self) -> None:
        self._found: list[tuple[Callable[[Any], Any], tuple[int, ...], dict[str, Any]]] = []

    def add(
        self, *, keras: tuple[int, ...] = (3, 2), **options: Any
    ) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
        """Adds a model. `keras` has the versions that can build the model. The options are attributes of `Case`."""

        def decorate(build: Callable[[Any], Any]) -> Callable[[Any], Any]:
            self._found.append((build, keras, options))
            return build

        return decorate

    def cases(self) -> Iterator[Case]:
        """Yields each model of Keras 3 as `.keras` file, and of Keras 2 as `.h5` file.

        Every third model also has the other file formats: `.h5` for Keras 3, `.keras` and SavedModel for Keras 2.
        """
        for number, (build, versions, options) in enumerate(self._found):
            name = build.__name__.replace("_", " ")
            for version in versions:
                formats = ("keras", "h5") if version == 3 else ("h5", "keras", "saved_model")
                for each in formats if number % 3 == 0 else formats[:1]:
                    yield Case("tutorials", name, build, version, each, **options)
