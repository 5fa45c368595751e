"""Lists, describes and builds the gallery's models by name.

Each model has its own file: `<family>/<name>.py` defines the builder function `<name>`, and `<name>` is the model's
name. `list_models` reads only file names, and `describe` parses the file without importing it. Keras is imported only
to build a model or to read the hyperparameters of a model.
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
from .errors import BadHyperparameter, UnknownModel, unknown_name
from .hyperparameters import Hyperparameter, hyperparameters_of

if TYPE_CHECKING:
    import keras

P = ParamSpec("P")
R = TypeVar("R")

NOT_FAMILIES = {"layers"}  # folders without models

_builders: dict[str, Callable[..., Any]] = {}


@dataclass(frozen=True)
class ModelInfo:
    """Description of a model, read without importing Keras.

    Attributes:
        name: name of the model, of its file and of its builder function.
        family: name of the folder that contains the model's file.
        doc: docstring of the builder function.
        parameters: names of the hyperparameters, in the builder's order.
    """

    name: str
    family: str
    doc: str
    parameters: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return self.doc.partition("\n")[0]

    @property
    def formula(self) -> str:
        """The `Formula` section of the docstring."""
        return sections(self.doc)["Formula"]

    @property
    def source(self) -> str:
        """The `Source` section of the docstring."""
        return sections(self.doc)["Source"]

    @property
    def hyperparameters(self) -> tuple[Hyperparameter, ...]:
        """The hyperparameters in the builder's order (imports Keras)."""
        return hyperparameters_of(builder(self.name))


def register(build: Callable[P, R]) -> Callable[P, R]:
    """Registers a builder function by name and adds a check of the hyperparameters to each call of the builder.

    Raises:
        KeyError: another builder has the same name.
        TypeError: a parameter is not a valid hyperparameter (see `hyperparameters_of`).
    """
    name = build.__name__
    if name in _builders:
        raise KeyError(f"Duplicate builder: {name} is already registered.")
    hyperparameters = {each.name: each for each in hyperparameters_of(build)}

    @functools.wraps(build)
    def check_and_build(*args: P.args, **values: P.kwargs) -> R:
        for key, value in values.items():
            if key not in hyperparameters:
                raise BadHyperparameter(unknown_name(f"hyperparameter of {name}", key, hyperparameters))
            values[key] = hyperparameters[key].check(value)
        return build(*args, **values)

    _builders[name] = check_and_build
    return check_and_build


def list_models(pattern: str = "*") -> list[str]:
    """Returns the names of the models that match a shell pattern such as `*auto*`, in alphabetical order."""
    return sorted(name for name in _files() if fnmatchcase(name, pattern))


def describe(name: str) -> ModelInfo:
    """Returns the description of a model without importing Keras.

    Raises:
        UnknownModel: no model has this name.
        KeyError: the model's file does not define a function with the model's name.
    """
    file = _file(name)
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            parameters = tuple(each.arg for each in (*node.args.args, *node.args.kwonlyargs))
            return ModelInfo(name, file.parent.name, ast.get_docstring(node) or "", parameters)
    raise KeyError(f"{file} does not define the builder {name}.")


def builder(name: str) -> Callable[..., keras.Model]:
    """Returns the builder function of a model (imports Keras).

    Raises:
        UnknownModel: no model has this name.
    """
    file = _file(name)
    importlib.import_module(f"..{file.parent.name}.{name}", __name__)
    return _builders[name]


def create(name: str, **hyperparameters: Any) -> keras.Model:
    """Builds a model. A hyperparameter without a value in the call has its default value.

    Raises:
        UnknownModel: no model has this name.
        BadHyperparameter: a hyperparameter is unknown, has the wrong type or is out of range.
    """
    return builder(name)(**hyperparameters)


def _file(name: str) -> Path:
    files = _files()
    if name not in files:
        raise UnknownModel(unknown_name("model", name, sorted(files)))
    return files[name]


def _files() -> dict[str, Path]:
    """Returns the file of each model, keyed by the model's name.

    If two families have a file of the same name, only one of the two files is returned.
    """
    return {
        path.stem: path
        for path in Path(__file__).parent.glob("*/*.py")
        if path.parent.name not in NOT_FAMILIES and not path.stem.startswith("_")
    }
