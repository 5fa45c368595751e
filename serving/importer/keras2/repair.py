"""Converts a configuration of Keras 2 to Keras 3's format, and describes each change in a line of text.

Only Keras 3 writes the module of each class and all arguments of each call. `tables.py` lists the other differences.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import InvalidArgument, ServingError
from ..reading.causes import named_cause
from ..reading.known_classes import CLASSES, NAMES
from . import tables
from .functional import Functional, float_layer, is_time_major, scaling_layer, sequential_as_functional
from .report import Report, unsupported

Config = dict[str, Any]

_OPERATIONS = [module for module in CLASSES if module.startswith("keras.src.ops.")]
# Modules of models such as ConvNeXt, with layers of their own.
_APPLICATIONS = [module for module in CLASSES if module.startswith("keras.src.applications.")]


def is_keras2(config: Any) -> bool:
    """Whether a configuration is in Keras 2's format, which TensorFlow.js writes, too.

    Only Keras 2's format has layers with a batch_input_shape, or calls of layers that are lists.
    """
    if isinstance(config, Mapping):
        if "batch_input_shape" in config or any(isinstance(node, list) for node in config.get("inbound_nodes") or ()):
            return True
        return any(is_keras2(value) for value in config.values())
    return isinstance(config, list) and any(is_keras2(value) for value in config)


def repair(config: Mapping[str, Any]) -> tuple[Config, list[str]]:
    """Converts the configuration of a model to Keras 3's format.

    If Keras 2 wrote the configuration, call `weights.adjust` after the weights are loaded.

    Args:
        config: `{"class_name": ..., "config": ...}` of Keras 2 or 3. It is not modified.

    Returns:
        The configuration with a module for each class, and a line of text for each change of an option or a layer.

    Raises:
        FailedPrecondition: a layer or an option has no equivalent in Keras 3.
        InvalidArgument: this is not the configuration of a model.
    """
    repairs = _Repairs(is_keras2(config))
    if not repairs.old and "module" in config:
        return dict(config), []
    try:
        return repairs.layer(config), repairs.report.lines()
    except ServingError:
        raise
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise InvalidArgument(f"Damaged model configuration ({named_cause(error)})") from None


class _Repairs:
    """Converts a configuration.

    Args:
        old: whether Keras 2 wrote the configuration. Otherwise, the configuration lacks only the modules
            of the classes.
    """

    def __init__(self, old: bool) -> None:
        self.old = old
        self.report = Report()

    def layer(self, source: Mapping[str, Any]) -> Config:
        """Converts a layer or a model."""
        class_name, config = source["class_name"], source["config"]
        if isinstance(config, list):  # a Sequential of Keras before 2.2.3
            config = {"name": "sequential", "layers": config}
        name = config.get("name", "")
        if class_name in tables.REFUSED and self.old:
            raise unsupported(name, class_name, tables.REFUSED[class_name])
        if class_name in tables.REPLACED and self.old:
            new, why = tables.REPLACED[class_name]
            if why:
                self.report.add(name, class_name, f"replaced by {new}, {why}")
            config = config | tables.ADDED.get(class_name, {})
            class_name = new
        if class_name in tables.MODELS:
            return self._model(class_name, config)
        module = next((each for each in _APPLICATIONS if class_name in CLASSES[each]), "keras.layers")
        if not self.old and "trainable" not in config:  # an operation, unlike a layer of the same name
            module = next((each for each in _OPERATIONS if class_name in CLASSES[each]), module)
        return _object(module, class_name, self._options(class_name, name, config))

    # === Options ===

    def _options(self, class_name: str, layer: str, config: Mapping[str, Any]) -> Config:
        renamed = tables.RENAMED.get(class_name, {}) if self.old else {}
        dropped = tables.DROPPED_OF_ALL | tables.DROPPED.get(class_name, {}) if self.old else {}
        converted: Config = {}
        for key, value in config.items():
            if key in renamed:
                converted[renamed[key]] = value
                self.report.add(layer, class_name, f"{key} renamed to {renamed[key]}")
            elif key in dropped:
                self._drop(layer, class_name, key, value, dropped[key])
            elif class_name == "Lambda" and key in ("function", "output_shape"):
                converted[key] = _code(value)
            elif class_name == "Lambda" and key in tables.LAMBDA_ONLY:
                continue
            elif tables.NUMBERS.get(class_name) == key and isinstance(value, list) and len(value) == 1:
                converted[key] = value[0]
            else:
                converted[key] = self._value(layer, class_name, key, value)
        if self.old:
            if "name" in converted:
                converted["name"] = self._name(converted["name"], class_name)
            for key, value in tables.OLD_DEFAULTS.get(class_name, {}).items():
                if key not in converted:
                    converted[key] = value
                    self.report.add(
                        layer, class_name, f"{key}={value} added, because older versions did not have this option"
                    )
            self._check_activations(layer, class_name, converted)
        return converted

    def _drop(self, layer: str, class_name: str, key: str, value: Any, rule: tables.Dropped) -> None:
        if value not in rule.values and tables.ANY not in rule.values:
            raise unsupported(layer, class_name, f"with {key}={value!r}, which Keras 3 does not have")
        if rule.why:
            self.report.add(layer, class_name, f"{key}={value} removed, because {rule.why}")

    def _value(self, layer: str, class_name: str, key: str, value: Any) -> Any:
        """Converts an option's value: an initializer, regularizer, constraint, dtype policy, layer or plain data."""
        if isinstance(value, list):
            return [self._value(layer, class_name, key, each) for each in value]
        if not isinstance(value, dict) or "class_name" not in value or value["class_name"] == "__lambda__":
            return value
        module = next((module for end, module in tables.PARTS.items() if key.endswith(end)), None)
        if module:
            return self._part(layer, class_name, key, value, module)
        if key == "dtype":
            return _object("keras", "DTypePolicy", value["config"])
        if value["class_name"] == "function" or value["class_name"].startswith("__"):
            return value
        return self.layer(value)

    def _part(self, layer: str, class_name: str, key: str, value: Mapping[str, Any], module: str) -> Config | None:
        part = tables.PART_NAMES.get(value["class_name"], value["class_name"])
        if part in tables.TRAINING_ONLY and self.old:
            self.report.add(
                layer, class_name, f"{key} {part} removed, because Keras 3 does not have it and only training uses it"
            )
            return None
        config = dict(value["config"])
        if self.old and config.pop("dtype", None):
            self.report.add(layer, class_name, f"{key}: dtype removed, because Keras 3 uses the layer's dtype")
        for option, values in tables.PART_VALUES.get(part, {}).items() if self.old else ():
            config[option] = values.get(config.get(option), config.get(option))
        return _object(module, part, config)

    def _check_activations(self, layer: str, class_name: str, config: Config) -> None:
        for key in ("activation", "recurrent_activation"):
            factor = tables.SCALED.get(config[key]) if isinstance(config.get(key), str) else None
            if factor and class_name not in tables.SCALABLE[key]:
                raise unsupported(layer, class_name, f"with {key} {config[key]}, which is another function in Keras 3")
            if factor:
                self.report.add(
                    layer,
                    class_name,
                    f"{key} {config[key]} is {config[key]}({factor} x) in Keras 3: the layer's weights, or its input, "
                    f"are multiplied by {factor}",
                )

    def _name(self, name: str, class_name: str) -> str:
        new = tables.new_name(name)
        if new != name:
            self.report.add(name, class_name, "/ in its name replaced by _, because Keras 3 does not allow / in names")
        return new

    # === Models ===

    def _model(self, class_name: str, config: Mapping[str, Any]) -> Config:
        common = {key: config[key] for key in ("trainable",) if key in config}
        common["name"] = self._name(config["name"], class_name) if self.old else config["name"]
        if class_name == "Functional" and self.old:
            converted: Config = {**common, **Functional(config, self.layer, self.report).write()}
        elif class_name == "Functional":
            layers = [
                {**self.layer(each), "name": each["name"], "inbound_nodes": each["inbound_nodes"]}
                for each in config["layers"]
            ]
            converted = {**config, "layers": layers}
        else:
            layer_configs = _with_input(config["layers"]) if self.old else config["layers"]
            if self.old and any(is_time_major(each) for each in layer_configs):
                return self._model("Functional", {**common, **sequential_as_functional(layer_configs)})
            converted = {
                **common,
                "layers": [part for each in layer_configs for part in self._with_helpers(self.layer(each))],
            }
        return {
            "module": tables.MODELS[class_name],
            "class_name": class_name,
            "config": converted,
            "registered_name": class_name if class_name == "Functional" else None,
        }

    def _with_helpers(self, layer: Config) -> list[Config]:
        """Returns the layer, and the layers before and after it that make its outputs those of Keras 2."""
        if not self.old:
            return [layer]
        parts = (scaling_layer(layer), layer, float_layer(layer, self.report))
        return [each for each in parts if each is not None]


def _object(module: str, class_name: str, config: Config) -> Config:
    """Returns a serialized object in Keras 3's format. Keras finds a custom class by its registered name."""
    return {
        "module": module,
        "class_name": class_name.rpartition(">")[2],
        "config": config,
        "registered_name": None if class_name in NAMES else class_name,
    }


def _with_input(layers: list[Config]) -> list[Config]:
    """Adds an input layer to the layers of a Sequential, if it is missing, as in files of Keras before 2.2."""
    if not layers or layers[0]["class_name"] == "InputLayer":
        return layers
    first: Any = layers[0]
    while "layers" in first["config"]:
        first = first["config"]["layers"][0]
    shape = first["config"].get("batch_input_shape")
    if shape is None:
        return layers
    dtype = first["config"].get("input_dtype") or ("int32" if first["class_name"] == "Embedding" else "float32")
    options = {"batch_input_shape": shape, "dtype": dtype, "name": f"{first['config']['name']}_input"}
    return [{"class_name": "InputLayer", "config": options}, *layers]


def _code(function: Any) -> Any:
    """Converts the code of a Lambda layer to Keras 3's format. `vet` refuses such layers in untrusted files."""
    if not isinstance(function, list) or len(function) != 3:
        return function
    return {"class_name": "__lambda__", "config": dict(zip(("code", "defaults", "closure"), function, strict=True))}
