"""Finding and building the architectures.

One architecture a file: `<family>/<name>.py` holds the builder `<name>`, and `<name>` is its key here.
Listing reads file names and describing reads docstrings; only building, and asking for hyperparameters,
imports Keras.
"""

from __future__ import annotations

import ast
import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from .docstrings import sections
from .errors import BadHyperparameter, UnknownModel, expected_one_of
from .hyperparameters import Hyperparameter, hyperparameters_of

if TYPE_CHECKING:
    import keras

P = ParamSpec("P")
Built = TypeVar("Built")

NOT_FAMILIES = {"layers"}

_builders: dict[str, Callable[..., Any]] = {}


@dataclass(frozen=True)
class ModelInfo:
    """What is known of an architecture without building it.

    Attributes:
        name: its key, its file's name and its builder's.
        family: its folder.
        doc: its builder's docstring.
    """

    name: str
    family: str
    doc: str

    @property
    def summary(self) -> str:
        """The docstring's first line."""
        return self.doc.partition("\n")[0]

    @property
    def formula(self) -> str:
        return sections(self.doc)["Formula"]

    @property
    def source(self) -> str:
        return sections(self.doc)["Source"]

    @property
    def hyperparameters(self) -> tuple[Hyperparameter, ...]:
        """The builder's keywords, in order (imports Keras)."""
        return hyperparameters_of(builder(self.name))


def register(build: Callable[P, Built]) -> Callable[P, Built]:
    """Adds a builder under its own name, and makes it check its hyperparameters however it is called.

    Raises:
        KeyError: the name is taken.
        TypeError: a parameter is not a hyperparameter (see `hyperparameters_of`).
    """
    name = build.__name__
    if name in _builders:
        raise KeyError(f"Expected one builder named {name}. Received: a second one.")
    known = {each.name: each for each in hyperparameters_of(build)}

    @functools.wraps(build)
    def checked(*args: P.args, **given: P.kwargs) -> Built:
        for key, value in given.items():
            if key not in known:
                raise BadHyperparameter(expected_one_of(f"a hyperparameter of {name}", key, known))
            given[key] = known[key].check(value)
        return build(*args, **given)

    _builders[name] = checked
    return checked


def list_models(pattern: str = "*") -> list[str]:
    """The architectures' names in alphabetical order; `pattern` is a shell pattern such as `*auto*`."""
    return sorted(name for name in _files() if fnmatchcase(name, pattern))


def describe(name: str) -> ModelInfo:
    """What is known of an architecture without building it.

    Raises:
        UnknownModel: there is no architecture of that name.
    """
    file = _file(name)
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return ModelInfo(name, file.parent.name, ast.get_docstring(node) or "")
    raise KeyError(f"Expected a builder named {name} in {file}. Received: none.")


def builder(name: str) -> Callable[..., keras.Model]:
    """The builder of that name (imports Keras).

    Raises:
        UnknownModel: there is no architecture of that name.
    """
    file = _file(name)
    importlib.import_module(f"..{file.parent.name}.{name}", __name__)
    return _builders[name]


def create(name: str, **hyperparameters: Any) -> keras.Model:
    """Builds a model; hyperparameters that are not given take the builder's defaults.

    Raises:
        UnknownModel: there is no architecture of that name.
        BadHyperparameter: an unknown hyperparameter, or a value of the wrong type or out of range.
    """
    return builder(name)(**hyperparameters)


def _file(name: str) -> Path:
    files = _files()
    if name not in files:
        raise UnknownModel(expected_one_of("a model", name, sorted(files)))
    return files[name]


def _files() -> dict[str, Path]:
    """The architectures' files by name. A name in two families is found by `register`."""
    return {
        path.stem: path
        for path in Path(__file__).parent.glob("*/*.py")
        if path.parent.name not in NOT_FAMILIES and not path.stem.startswith("_")
    }
