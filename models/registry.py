"""The catalogue of architectures: one a file, `<family>/<name>.py`, whose builder has the file's name.

A builder's keyword-only signature is the model's configuration, and its docstring is the model's page.
Finding the names reads the folders alone; Keras is imported with the first builder.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, get_type_hints

from .errors import BadHyperparameter, UnknownModel
from .hyperparameters import Hyperparameter

if TYPE_CHECKING:
    import keras

Builder = TypeVar("Builder", bound="Callable[..., keras.Model]")

_BUILDERS: dict[str, Callable[..., keras.Model]] = {}


@dataclass(frozen=True)
class ModelInfo:
    """A model's page, read from its builder.

    Attributes:
        name: the key in the registry.
        family: the folder, such as "autoencoders".
        summary: the first sentence of the docstring.
        formula: the docstring's section "Formula:".
        source: the docstring's section "Source:", the note or the paper it comes from.
        hyperparameters: by name, in the signature's order.
    """

    name: str
    family: str
    summary: str
    formula: str
    source: str
    hyperparameters: dict[str, Hyperparameter]


def register(builder: Builder) -> Builder:
    """Enters a builder under its own name.

    Raises:
        ValueError: the name is taken, is not the file's, or a parameter is not keyword-only with a default.
    """
    name = builder.__name__
    if name in _BUILDERS:
        raise ValueError(f"Expected a new name. Received: {name}, registered by {_BUILDERS[name].__module__}")
    if builder.__module__.rpartition(".")[2] != name:
        raise ValueError(f"Expected a builder named as its file. Received: {name} in {builder.__module__}")
    for parameter in inspect.signature(builder).parameters.values():
        if parameter.kind is not parameter.KEYWORD_ONLY or parameter.default is parameter.empty:
            raise ValueError(
                f"Expected keyword-only parameters with defaults. Received: {parameter} of {name}"
            )
    _BUILDERS[name] = builder
    return builder


def list_models(pattern: str = "*") -> list[str]:
    """The names that match `pattern` ("*auto*"), sorted."""
    return sorted(name for name in _families() if fnmatchcase(name, pattern))


def create(name: str, **hyperparameters: object) -> keras.Model:
    """Builds the model `name`; what is not given takes the builder's default.

    Raises:
        UnknownModel: no such model.
        BadHyperparameter: no such hyperparameter, or a value of the wrong type or out of range.
    """
    known = describe(name).hyperparameters
    checked = {}
    for key, value in hyperparameters.items():
        if key not in known:
            expected = f"a hyperparameter of {name}: {', '.join(known)}"
            raise BadHyperparameter(f"Expected {expected}. Received: {key!r}{closest(key, known)}")
        checked[key] = known[key].check(value)
    return _BUILDERS[name](**checked)


def describe(name: str) -> ModelInfo:
    """The model's page.

    Raises:
        UnknownModel: no such model.
    """
    families = _families()
    if name not in families:
        expected = ", ".join(sorted(families))
        raise UnknownModel(f"Expected a model: {expected}. Received: {name!r}{closest(name, families)}")
    importlib.import_module(f".{families[name]}.{name}", __package__)
    builder = _BUILDERS[name]
    sections = _sections(inspect.getdoc(builder) or "")
    help_texts = _arguments(sections.get("Args", ""))
    hints = get_type_hints(builder, include_extras=True)
    return ModelInfo(
        name=name,
        family=families[name],
        summary=" ".join(sections[""].partition("\n\n")[0].split()),
        formula=sections.get("Formula", ""),
        source=" ".join(sections.get("Source", "").split()),
        hyperparameters={
            key: Hyperparameter.from_annotation(key, hints[key], parameter.default, help_texts.get(key, ""))
            for key, parameter in inspect.signature(builder).parameters.items()
        },
    )


def closest(name: str, names: Iterable[str]) -> str:
    """ " (did you mean x?)" for the nearest of `names`; nothing where none is near."""
    near = get_close_matches(name, names, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _families() -> dict[str, str]:
    """Name → family, from the folders; `layers` holds what models are made of."""
    return {
        file.stem: file.parent.name
        for file in Path(__file__).parent.glob("[!_.]*/[!_.]*.py")
        if file.parent.name != "layers"
    }


def _sections(docstring: str) -> dict[str, str]:
    """Header → dedented body of a Google-style docstring; what comes before the first header under ""."""
    first, *rest = re.split(r"^(\w+):$", docstring, flags=re.MULTILINE)
    bodies = [inspect.cleandoc(body) for body in rest[1::2]]
    return {"": first.strip(), **dict(zip(rest[::2], bodies, strict=True))}


def _arguments(section: str) -> dict[str, str]:
    """Name → help of an "Args:" section, continuation lines joined."""
    _, *rest = re.split(r"^(\w+): ", section, flags=re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in zip(rest[::2], rest[1::2], strict=True)}
