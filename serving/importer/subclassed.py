"""Makes a functional model from a subclassed model, whose class is the user's own code."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

import keras

from ..errors import FailedPrecondition

_PROJECT = __name__.partition(".")[0] + "."
_DTYPES = ("float32", "int32", "string")
_REMEDY = "in the program that created the model, call model.export(FOLDER), and import this folder"


def as_functional(model: keras.Model) -> tuple[keras.Model, list[str]]:
    """Returns a functional model that calls a subclassed model, and lines for the user.

    Keras saves the shapes that a subclassed model was built with, but not the types of the inputs. The batch size can
    vary. The other sizes are the saved ones. A model that has inputs is returned unchanged.

    Raises:
        FailedPrecondition: the file has no shapes, or the model cannot be called with inputs of these shapes.
    """
    if isinstance(model, keras.Sequential) or getattr(model, "inputs", None):
        return model, []
    name = type(model).__name__
    shapes = _shapes(model)
    if not shapes:
        raise FailedPrecondition(f"The subclassed model {name} has no saved input shapes: {_REMEDY}")
    reasons, loaded = [], len(model.variables)
    for dtype in _DTYPES:
        inputs: Any = {key: _inputs(shape, key, dtype) for key, shape in shapes.items()}
        try:
            if len(inputs) == 1:
                (inputs,) = inputs.values()
                outputs = model(inputs)
            else:
                outputs = model(**inputs)
            functional = keras.Model(inputs, outputs, name=model.name)
        except Exception as error:  # the user's code can raise any error
            reasons.append(" ".join(str(error).split())[:200])
            continue
        if len(model.variables) > loaded:  # the new variables have random values
            raise FailedPrecondition(
                f"Keras cannot load all weights of the subclassed model {name}, because its class has no build method "
                f"that builds all layers: {_REMEDY}"
            )
        described = ", ".join(f"{x.name} {dtype} {tuple(x.shape)}" for x in functional.inputs)
        return functional, [f"subclassed model {name}, called with the shapes that it was built with: {described}"]
    raise FailedPrecondition(f"The subclassed model {name} cannot be called ({reasons[0]}): {_REMEDY}")


def _shapes(model: keras.Model) -> dict[str, Any]:
    """Returns the saved shapes by the names of the arguments of `call`."""
    saved = model.get_build_config() or {}
    if "shapes_dict" in saved:
        return {str(key).removesuffix("_shape"): shape for key, shape in saved["shapes_dict"].items()}
    if not saved.get("input_shape"):
        return {}
    return {next(iter(inspect.signature(model.call).parameters), "inputs"): saved["input_shape"]}


def _inputs(shape: Any, name: str, dtype: str) -> Any:
    """Returns symbolic inputs for a shape, or for lists or dictionaries of shapes."""
    if isinstance(shape, dict):
        return {key: _inputs(each, key, dtype) for key, each in shape.items()}
    if any(isinstance(each, list | tuple | dict) for each in shape):
        return [_inputs(each, f"{name}_{at + 1}", dtype) for at, each in enumerate(shape)]
    return keras.Input(tuple(shape[1:]), dtype=dtype, name=name)


def register(modules: Iterable[ModuleType]) -> None:
    """Registers the user's classes that are not registered with Keras, such as layers without the decorator.

    Classes of this project are left out: those that a file may use are registered.
    """
    objects = keras.saving.get_custom_objects()
    known = set(map(id, objects.values()))
    for module in modules:
        for name, value in _classes(module) if not module.__name__.startswith(_PROJECT) else ():
            if id(value) not in known:
                objects.setdefault(name, value)


def _classes(module: ModuleType) -> Iterator[tuple[str, type]]:
    """Yields the classes of Keras objects that a module or its submodules define."""
    bases = (keras.Layer, keras.initializers.Initializer, keras.regularizers.Regularizer, keras.constraints.Constraint)
    for value in vars(module).values():
        if inspect.isclass(value) and issubclass(value, bases):
            if f"{value.__module__}.".startswith(f"{module.__name__}."):
                yield value.__name__, value
