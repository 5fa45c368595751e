"""Checks a model configuration against an allowlist of harmless Keras classes.

Keras's safe mode is not enough: it is a blocklist, so a dangerous class that is not on the list can run code. Unlike
safe mode, this allowlist also names the refused layer, and covers formats for which Keras has no safe mode (HDF5,
TensorFlow.js).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from ...errors import InvalidArgument, PermissionDenied
from .known_classes import ACTIVATIONS, CLASSES, NAMES, REFUSED

if TYPE_CHECKING:
    from .result import Options

# Values of `class_name` that mark plain values, such as tensors and tuples.
_VALUES = frozenset(
    "__keras_tensor__ __tensor__ __numpy__ __bytes__ __ellipsis__ __slice__ __tuple__ TensorShape".split()
)
_DTYPES = frozenset(
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 bfloat16 float16 float32 float64 string".split()
)
_FUNCTION_MODULES = ("keras.activations", "builtins")
_TRUST_HINT = "(--trust allows it)"


def vet(config: Mapping[str, Any], options: Options) -> None:
    """Raises PermissionDenied if Keras could run code or open files when it loads a configuration.

    Args:
        config: a model configuration as Keras 3 or Keras 2 writes it.
        options: `trust` allows every class and function. `classes` are allowed in addition to Keras's own classes.

    Raises:
        PermissionDenied: the configuration is unsafe. The message names the layer, its class and the reason.
        InvalidArgument: the configuration is malformed.
    """
    if options.trust:
        return
    import keras

    _Vetting(options.classes, frozenset(keras.saving.get_custom_objects()) - options.classes).walk(config, "the model")


class _Vetting:
    """Checks all values in a configuration.

    Args:
        classes: registered names that are allowed.
        unrequested: registered names that are not allowed, not even as plain text, because Keras replaces such a text
            with the registered class or function.
    """

    def __init__(self, classes: frozenset[str], unrequested: frozenset[str]) -> None:
        self.classes, self.unrequested = classes, unrequested

    def walk(self, value: Any, owner: str, option: str = "") -> None:
        """Checks a value, which belongs to a layer (`owner`), where it is the value of an option."""
        if isinstance(value, Mapping):
            if "class_name" in value:
                owner = self._object(value, owner, option)
            for key, each in value.items():
                if key not in ("class_name", "name") or not isinstance(each, str):
                    self.walk(each, owner, str(key))
        elif isinstance(value, list | tuple):
            for each in value:
                self.walk(each, owner, option)
        elif isinstance(value, str) and value in self.unrequested:
            raise _denied(f"{owner} uses {value!r}, a registered name that --classes does not allow")

    def _object(self, value: Mapping[str, Any], owner: str, option: str) -> str:
        """Checks a serialized object. Returns its description, or `owner` if it has no name."""
        class_name, inner = value["class_name"], value.get("config")
        if not isinstance(class_name, str):
            raise InvalidArgument(f"Expected text as the class_name in {owner}. Received: {class_name!r:.100}")
        for key in ("module", "registered_name"):
            if not isinstance(value.get(key), str | None):
                raise InvalidArgument(f"Expected text as the {key} in {owner}. Received: {value[key]!r:.100}")
        name = value.get("name") or (inner.get("name") if isinstance(inner, Mapping) else None)
        owner = f"layer {name!r:.100}" if isinstance(name, str) else owner
        if class_name in _VALUES:
            _check_value(class_name, inner, owner)
        elif class_name == "__lambda__":
            raise _denied(f"{owner}: its {option or 'function'} is code from the file {_TRUST_HINT}")
        elif class_name == "function":
            self._function(value, owner, option)
        else:
            self._class(class_name, value, owner)
            _check_config(class_name, inner, name, owner)
            if class_name in NAMES and isinstance(inner, Mapping):
                self._activations(inner, owner)
        return owner

    def _class(self, class_name: str, value: Mapping[str, Any], owner: str) -> None:
        registered, module = value.get("registered_name"), value.get("module")
        what = f"{owner} of class {class_name}"
        if class_name in REFUSED:
            raise _denied(f"{what}, {REFUSED[class_name]} {_TRUST_HINT}")
        # Without a "module", Keras uses its old loader, which looks up only the class_name. With a "module", Keras
        # looks up only the registered name. If that is missing, Keras imports the module.
        if (registered if "module" in value else class_name) in self.classes:
            return
        if registered not in (None, class_name):
            raise _denied(f"{what}, registered as {registered!r:.100} (import its module with --classes)")
        if class_name not in NAMES:
            raise _denied(f"{what}, which is not a class of Keras (import its module with --classes)")
        if module is not None and class_name not in CLASSES.get(module, ()):
            raise _denied(f"{what} in module {module!r:.100}, where Keras has no such class")

    def _activations(self, config: Mapping[str, Any], owner: str) -> None:
        """Checks the activations that are names."""
        for option, name in config.items():
            if option.endswith("activation") and isinstance(name, str) and name not in ACTIVATIONS | self.classes:
                raise _denied(_foreign_function(owner, option, name))

    def _function(self, value: Mapping[str, Any], owner: str, option: str) -> None:
        name, registered, module = str(value.get("config")), value.get("registered_name"), value.get("module")
        if name in self.classes and registered in (None, "function", name):
            return
        known = name in ACTIVATIONS and registered in (None, "function", name)
        if not known or module not in (None, *_FUNCTION_MODULES):
            whole = name if module in (None, "builtins") else f"{module}.{name}"
            raise _denied(_foreign_function(owner, option if option.endswith("activation") else "function", whole))


def _foreign_function(owner: str, option: str, name: str) -> str:
    return (
        f"{owner} with {option} {name!r:.100}, which is not an activation of Keras (import its module with --classes)"
    )


def _check_value(class_name: str, inner: Any, owner: str) -> None:
    """Checks the dtype of an array. For a dtype such as S1000000000, NumPy would allocate a billion bytes."""
    dtype = inner.get("dtype") if isinstance(inner, Mapping) else None
    if class_name in ("__numpy__", "__tensor__") and str(dtype) not in _DTYPES:
        raise _denied(f"{owner} with an array of type {dtype!r:.100}")


def _check_config(class_name: str, inner: Any, name: Any, owner: str) -> None:
    if not isinstance(inner, Mapping | list):
        raise InvalidArgument(f"Expected an object or a list as the config of {owner}. Received: {inner!r:.100}")
    for each in (name, inner.get("name") if isinstance(inner, Mapping) else None):
        if isinstance(each, str) and _is_unsafe_path(each):
            raise _denied(f"{owner} of class {class_name}, whose name is not safe as a part of a file path")
    if class_name in NAMES and isinstance(inner, Mapping) and isinstance(inner.get("vocabulary"), str):
        vocabulary = inner["vocabulary"]
        raise _denied(
            f"{owner} of class {class_name}, which reads its vocabulary from the file {vocabulary!r} {_TRUST_HINT}"
        )


def _is_unsafe_path(name: str) -> bool:
    return name.startswith("/") or "\\" in name or not name.isprintable() or ".." in PurePosixPath(name).parts


def _denied(what: str) -> PermissionDenied:
    shown = "".join(each if each.isprintable() else "?" for each in what[:500])
    return PermissionDenied(f"Unsafe model refused: {shown}")
