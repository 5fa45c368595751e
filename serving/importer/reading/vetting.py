"""Whether a configuration names anything but Keras's own harmless classes: those that are listed, and no others.

Keras's safe mode is a list of what is forbidden, and each gap in it was a way to run code. This is a list of what is
allowed. Besides, it names the layer, and it holds for files (HDF5, TensorFlow.js) for which Keras has no safe mode.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from ...errors import InvalidArgument, PermissionDenied
from .known_classes import ACTIVATIONS, CLASSES, NAMES, REFUSED

if TYPE_CHECKING:
    from .found import Options

# Values that Keras writes like objects, and makes by itself.
_VALUES = frozenset(
    "__keras_tensor__ __tensor__ __numpy__ __bytes__ __ellipsis__ __slice__ __tuple__ TensorShape".split()
)
_DTYPES = frozenset(
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 bfloat16 float16 float32 float64 string".split()
)
_FUNCTION_MODULES = ("keras.activations", "builtins")
_TRUST = "(--trust allows it)"


def vet(config: Mapping[str, Any], options: Options) -> None:
    """Refuses a configuration whose loading could run code or open files.

    Args:
        config: a model's configuration as Keras 3 or Keras 2 writes it, with what is nested in it.
        options: `trust` allows everything; `classes` are allowed besides Keras's own.

    Raises:
        PermissionDenied: names the layer, its class, and why.
        InvalidArgument: something in it is no configuration.
    """
    if options.trust:
        return
    import keras

    _Vetting(options.classes, frozenset(keras.saving.get_custom_objects()) - options.classes).walk(config, "the model")


class _Vetting:
    """Walks everything in a configuration.

    Args:
        classes: registered names that are allowed.
        foreign: registered names that are not: Keras takes a class or function for a text that is its name.
    """

    def __init__(self, classes: frozenset[str], foreign: frozenset[str]) -> None:
        self.classes, self.foreign = classes, foreign

    def walk(self, value: Any, owner: str) -> None:
        if isinstance(value, Mapping):
            if "class_name" in value:
                owner = self._object(value, owner)
            for key, each in value.items():
                if key not in ("class_name", "name") or not isinstance(each, str):
                    self.walk(each, owner)
        elif isinstance(value, list | tuple):
            for each in value:
                self.walk(each, owner)
        elif isinstance(value, str) and value in self.foreign:
            raise _denied(f"{owner}, that names {value!r}, which is registered but was not asked for")

    def _object(self, value: Mapping[str, Any], owner: str) -> str:
        """Refuses an object or says whose the rest is."""
        kind, inner = value["class_name"], value.get("config")
        if not isinstance(kind, str):
            raise InvalidArgument(f"Expected text as the class_name in {owner}. Received: {kind!r:.100}")
        for key in ("module", "registered_name"):
            if not isinstance(value.get(key), str | None):
                raise InvalidArgument(f"Expected text as the {key} in {owner}. Received: {value[key]!r:.100}")
        name = value.get("name") or (inner.get("name") if isinstance(inner, Mapping) else None)
        owner = f"layer {name!r:.100}" if isinstance(name, str) else owner
        if kind in _VALUES:
            _check_value(kind, inner, owner)
        elif kind == "function":
            self._function(value, owner)
        else:
            self._class(kind, value, owner)
            _check_config(kind, inner, name, owner)
        return owner

    def _class(self, kind: str, value: Mapping[str, Any], owner: str) -> None:
        registered, module = value.get("registered_name"), value.get("module")
        what = f"{owner} of class {kind}"
        if kind in REFUSED:
            raise _denied(f"{what}, {REFUSED[kind]} {_TRUST}")
        # The old reader, for what says no module, goes by class_name alone.
        if (registered if "module" in value and registered else kind) in self.classes:
            return
        if registered not in (None, kind):
            raise _denied(f"{what}, registered as {registered!r:.100} (--classes names the module that has it)")
        if kind not in NAMES:
            raise _denied(f"{what}, which Keras does not have (--classes names the module that has it)")
        if module is not None and kind not in CLASSES.get(module, ()):
            raise _denied(f"{what} of module {module!r:.100}, where Keras has none such")

    def _function(self, value: Mapping[str, Any], owner: str) -> None:
        name, registered, module = str(value.get("config")), value.get("registered_name"), value.get("module")
        if name in self.classes and registered in (None, "function", name):
            return
        known = name in ACTIVATIONS and registered in (None, "function", name)
        if not known or module not in (None, *_FUNCTION_MODULES):
            raise _denied(f"{owner} with function {module}.{name}, which is no activation of Keras")


def _check_value(kind: str, inner: Any, owner: str) -> None:
    """NumPy would take a data type such as S1000000000 and make room for it."""
    dtype = inner.get("dtype") if isinstance(inner, Mapping) else None
    if kind in ("__numpy__", "__tensor__") and str(dtype) not in _DTYPES:
        raise _denied(f"{owner} with an array of type {dtype!r:.100}")


def _check_config(kind: str, inner: Any, name: Any, owner: str) -> None:
    if not isinstance(inner, Mapping | list):
        raise InvalidArgument(f"Expected a config of names and values for {owner}. Received: {inner!r:.100}")
    for each in (name, inner.get("name") if isinstance(inner, Mapping) else None):
        if isinstance(each, str) and _leads_elsewhere(each):
            raise _denied(f"{owner} of class {kind}, whose name is a path to elsewhere")
    if kind in NAMES and isinstance(inner, Mapping) and isinstance(inner.get("vocabulary"), str):
        raise _denied(f"{owner} of class {kind}, which reads its words from the file {inner['vocabulary']!r} {_TRUST}")


def _leads_elsewhere(name: str) -> bool:
    return name.startswith("/") or "\\" in name or not name.isprintable() or ".." in PurePosixPath(name).parts


def _denied(what: str) -> PermissionDenied:
    shown = "".join(each if each.isprintable() else "?" for each in what[:500])
    return PermissionDenied(f"Expected layers that Keras itself has. Received: {shown}")
